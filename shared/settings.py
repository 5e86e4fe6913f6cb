"""Read a service's settings, once, from the environment into one frozen struct.

A field `database_url` is read from `MTAS_DATABASE_URL`, or from the file that
`MTAS_DATABASE_URL_FILE` names (for secrets mounted as files). Every field carries its
description, from which `docs/configuration.md` is generated.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from shared.secret import Secret

S = TypeVar("S", bound=msgspec.Struct)
THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
Doc = msgspec.Meta
HEX_KEY: Final = {"pattern": "[0-9a-fA-F]{64}", "says": "64 hexadecimal digits"}
"""`Doc(extra=…)` of a secret that is a key of 256 bits."""


def at_least(characters: int, *, or_none: bool = False) -> dict[str, str]:
    """`Doc(extra=…)` of a secret that nobody may guess."""
    pattern = rf"\S{{{characters},}}"
    says = f"at least {characters} characters, no spaces"
    return {"pattern": f"({pattern})?" if or_none else pattern, "says": says}


class SettingsError(Exception):
    """A setting is missing or malformed; the message is one line and never holds the value."""


class CommonSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service reads."""

    public_url: Annotated[
        str, Doc(description="Origin that users and clients see; every issuer lies below it.")
    ] = "http://localhost:8080"
    listen_host: Annotated[str, Doc(description="Address this service listens on.")] = "127.0.0.1"
    listen_port: Annotated[int, Doc(description="Port this service listens on.", ge=1, le=65535)] = 8100
    database_url: Annotated[
        Secret,
        Doc(
            description="PostgreSQL, as this service's own role; `host,host` for a primary and its standbys."
        ),
    ]
    nats_url: Annotated[
        Secret, Doc(description="NATS, as this service's own user; `host,host` for a cluster.")
    ]
    database_former_password: Annotated[
        Secret,
        Doc(description="The role's former password, tried where the URL's is refused."),
    ] = Secret("")
    database_pool_size: Annotated[int, Doc(description="Most connections to PostgreSQL.", ge=1, le=200)] = 10
    cache_ttl_s: Annotated[
        float,
        Doc(description="How stale a cached tenant, client or key may be while NATS is away.", gt=0, le=300),
    ] = 30.0
    leave_s: Annotated[
        float,
        Doc(
            description="After SIGTERM, how long requests are still taken while `/readyz` says 503. "
            "With several gateways longer than a health check (3.5 s), so that each has heard of it.",
            ge=0,
            le=60,
        ),
    ] = 0.0
    drain_s: Annotated[
        int, Doc(description="After that, how long requests under way may take.", ge=0, le=300)
    ] = 10
    log_level: Annotated[str, Doc(description="debug, info, warning or error.")] = "info"
    otlp_endpoint: Annotated[
        str,
        Doc(
            description="Collector of traces, by OTLP over HTTP, such as `http://collector:4318`. "
            "Without it nothing is traced; the gateway says which requests are."
        ),
    ] = ""

    def __post_init__(self) -> None:
        if not is_safe_origin(self.public_url):
            raise ValueError("MTAS_PUBLIC_URL: an https origin without a path, or http on localhost")
        if self.otlp_endpoint and not (is_origin(self.otlp_endpoint) and self.otlp_endpoint[:5] == "http:"):
            raise ValueError("MTAS_OTLP_ENDPOINT: an http origin without a path, of a collector nearby")


def load(struct: type[S], environ: Mapping[str, str]) -> S:
    """Build `struct` from `environ`. Raises: SettingsError, naming the variable."""
    values: dict[str, Any] = {}
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        name = variable(field.name)
        raw = _read(name, environ)
        is_secret = _bare(hints[field.name]) is Secret
        if field.required and (raw is None or (is_secret and not raw.strip())):
            # An empty secret is one that everybody knows.
            raise SettingsError(f"{name} is not set (nor {name}_FILE)")
        if raw is not None:
            _check(name, raw, hints[field.name])
            values[field.name] = Secret(raw) if is_secret else raw
    try:
        return msgspec.convert(values, struct, strict=False, dec_hook=_keep_secret)
    except msgspec.ValidationError as error:
        raise SettingsError(f"a setting is malformed: {_without_value(str(error))}") from None


def variable(field: str) -> str:
    """The environment variable of a field: `drain_s` → `MTAS_DRAIN_S`."""
    return f"MTAS_{field.upper()}"


def is_safe_origin(url: str) -> bool:
    """Cookies and tokens travel to it: TLS, unless it never leaves this machine."""
    parts = urlsplit(url)
    return is_origin(url) and (parts.scheme == "https" or parts.hostname in THIS_MACHINE)


def is_origin(url: str) -> bool:
    """A scheme, a host and perhaps a port (RFC 6454 §4), for HTTP."""
    parts = urlsplit(url)
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
        return False
    return parts.scheme in ("http", "https")


def _read(name: str, environ: Mapping[str, str]) -> str | None:
    if path := environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{name}_FILE cannot be read: {error.strerror}") from None
    return environ.get(name)


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _check(name: str, raw: str, hint: Any) -> None:
    """What msgspec cannot, since it does not look into a secret. Raises: SettingsError."""
    for shape in (meta.extra for meta in get_args(hint) if isinstance(meta, msgspec.Meta)):
        if shape and not re.fullmatch(shape["pattern"], raw):
            raise SettingsError(f"{name}: {shape['says']}")


def _keep_secret(expected: type, value: Any) -> Any:
    if expected is Secret and isinstance(value, Secret):
        return value
    raise NotImplementedError


def _without_value(message: str) -> str:
    """msgspec's message names the field by its path, and never holds the value."""
    problem, dash, path = message.partition(" - at `$.")
    return f"{variable(path.rstrip('`'))}: {problem}" if dash else problem
