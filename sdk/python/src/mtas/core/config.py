"""The configuration: read once, all its problems said at once.

Each option is a field here, the environment variable `MTAS_` and its name in capitals, and a row in
docs/sdk/configuration.md, which is generated from `OPTIONS`.
"""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mtas.core.origin import parse_url
from mtas.core.return_to import local_path

_APP_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s#\"<>\\^`{|}]+")
_INTEGER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    option: str
    message: str

    def __str__(self) -> str:
        return f"{variable(self.option)} {self.message}"


class ConfigError(ValueError):
    """All that is wrong with a configuration, each with what to do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"the MTAS configuration has {len(problems)} problem(s):{lines}")
        self.problems: Final = tuple(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Made by `load_config`; a frozen struct of what was checked."""

    issuer: str
    app_id: str
    app_secret: str = field(repr=False)
    app_url: str
    cookie_secrets: tuple[str, ...] = field(repr=False)
    prefix: str = "/auth"
    scope: str = "openid profile email"
    resource: str | None = None
    default_return_to: str = "/"
    post_logout_return_to: str = "/"
    refresh_before_s: int = 60
    session_max_age_s: int = 2_592_000
    clock_leeway_s: int = 30
    timeout_s: float = 5.0
    jwks_stale_s: int = 86_400
    redis_url: str | None = field(default=None, repr=False)

    @property
    def redirect_uri(self) -> str:
        return f"{self.app_url}{self.prefix}/callback"

    @property
    def audience(self) -> str:
        """Of the access tokens that this app's own API accepts."""
        return self.resource or self.app_id

    @property
    def is_secure(self) -> bool:
        return self.app_url.startswith("https://")


@dataclass(frozen=True, slots=True)
class Option:
    meaning: str
    parse: Callable[[Any], Any]
    default: object = None
    required: bool = False


def variable(option: str) -> str:
    return "MTAS_" + option.upper()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - every problem of a value is a ValueError here
    return value


def _issuer(value: Any) -> str:
    url = parse_url(_text(value))
    if url.query or url.path.endswith("/"):
        raise ValueError("must be the issuer from the dashboard: no query, no slash at its end")
    return str(value)


def _app_url(value: Any) -> str:
    url = parse_url(_text(value))
    if url.path or url.query:
        raise ValueError("must be an origin: scheme, host and port, nothing after, no slash")
    return str(value)


def _app_id(value: Any) -> str:
    if not _APP_ID.fullmatch(_text(value)):
        raise ValueError("must be the client_id: up to 64 letters, digits and hyphens")
    return str(value)


def _cookie_secrets(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not given:
        raise ValueError("must be a list of secrets, separated by commas; the first one seals")
    secrets = tuple(_text(secret).strip() for secret in given)
    if any(len(secret) < 32 for secret in secrets):
        raise ValueError(
            "needs at least 32 characters in each secret: "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    if len(set(secrets)) != len(secrets):
        raise ValueError("has a secret twice")
    return secrets


def _prefix(value: Any) -> str:
    if not _PREFIX.fullmatch(_text(value)):
        raise ValueError("must be a path like /auth, without a slash at its end")
    return str(value)


def _scope(value: Any) -> str:
    if not _SCOPE.fullmatch(_text(value)) or "openid" not in value.split(" "):
        raise ValueError("must be scopes separated by single spaces, openid among them")
    return str(value)


def _resource(value: Any) -> str:
    if not _ABSOLUTE.fullmatch(_text(value)):
        raise ValueError("must be an absolute URI without a fragment, as registered (RFC 8707)")
    return str(value)


def _local(value: Any) -> str:
    return _text(value)


def _redis_url(value: Any) -> str:
    if not _text(value).startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return str(value)


def _seconds(least: int, most: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return parse


def _timeout(value: Any) -> float:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not usable or not 0 < value <= 60:
        raise ValueError("must be seconds, more than 0 and at most 60")
    return float(value)


OPTIONS: Final[dict[str, Option]] = {
    "issuer": Option("The app's issuer, from the dashboard.", _issuer, required=True),
    "app_id": Option("The app's client_id.", _app_id, required=True),
    "app_secret": Option("The app's client secret. Secret.", _text, required=True),
    "app_url": Option(
        "The app's origin as browsers see it. Never taken from the Host header.", _app_url, required=True
    ),
    "cookie_secrets": Option(
        "Secrets of at least 32 characters, separated by commas. The first seals, all open: to rotate, put a "
        "new one in front, and take the last away after `MTAS_SESSION_MAX_AGE_S`. Secret.",
        _cookie_secrets,
        required=True,
    ),
    "prefix": Option("Where the routes `/login`, `/callback`, `/logout` and `/me` are.", _prefix, "/auth"),
    "scope": Option("The scopes that a login asks for.", _scope, "openid profile email"),
    "resource": Option(
        "The API that access tokens are for (RFC 8707), and the audience that `verify_access_token` wants. "
        "Without it both are the app_id.",
        _resource,
    ),
    "default_return_to": Option("Where a login leads that was given no `returnTo`.", _local, "/"),
    "post_logout_return_to": Option(
        "Where a logout leads. Register it with the origin as a post-logout URI.", _local, "/"
    ),
    "refresh_before_s": Option(
        "How long before its end an access token is refreshed; half its lifetime if that is less.",
        _seconds(0, 3600),
        60,
    ),
    "session_max_age_s": Option(
        "How long a session lasts at most, however often it is refreshed.",
        _seconds(300, 34_560_000),
        2_592_000,
    ),
    "clock_leeway_s": Option("How much the clocks may differ.", _seconds(0, 300), 30),
    "timeout_s": Option("The longest wait for one answer of the auth server.", _timeout, 5.0),
    "jwks_stale_s": Option(
        "How long keys past their max-age still serve while the auth server is away.",
        _seconds(0, 604_800),
        86_400,
    ),
    "redis_url": Option(
        "Redis or Valkey, so that several processes share one refresh, and one sign-in whose callback comes "
        "twice. Without it refreshes rely on the auth server's grace of ten seconds. Secret.",
        _redis_url,
    ),
}


def load_config(
    given: "Config | Mapping[str, Any] | None" = None, environ: Mapping[str, str] | None = None
) -> Config:
    """A checked configuration: what is `given` goes before the environment; a Config is all of it.

    Raises: ConfigError with every problem at once.
    """
    if isinstance(given, Config):
        given = {name: getattr(given, name) for name in OPTIONS}
    else:
        environ = os.environ if environ is None else environ
        there = {name: value for name, value in (given or {}).items() if value is not None}
        given = {name: environ.get(variable(name)) for name in OPTIONS} | there
    problems = [
        Problem(str(name), "is not an option; options are " + ", ".join(OPTIONS))
        for name in given
        if name not in OPTIONS
    ]
    values: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        value = given.get(name)
        if value is None or value == "":
            if option.required:
                problems.append(Problem(name, f"is missing. {option.meaning}"))
            else:
                values[name] = option.default
            continue
        try:
            values[name] = option.parse(value)
        except ValueError as error:
            problems.append(Problem(name, str(error)))
    problems += [
        Problem(name, "must be a path of this app, such as /home, and not a login route")
        for name in ("default_return_to", "post_logout_return_to")
        if name in values and local_path(values[name], values.get("prefix", "/auth")) != values[name]
    ]
    if problems:
        raise ConfigError(problems)
    return Config(**values)
