"""What provisioning reads from the environment; `NAME_FILE` names a file to read `NAME` from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.provision.errors import ProvisionError

SERVICES = ("authorize", "token", "jwks", "admin")

_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_SUBJECT = re.compile(r"mtas\.v1\.(?:>|(?:\*|[0-9a-f-]{36})\.(?:>|(?:\*|[a-z_]+)\.(?:\*|[a-z_]+)))")

HELP = """\
MTAS_SUPERUSER_DATABASE_URL
                          optional: a superuser, who makes the owner and its database where missing
MTAS_OWNER_DATABASE_URL   PostgreSQL 18 or newer, as the database's owner (may create roles) or a superuser
MTAS_DB_PASSWORD_AUTHORIZE, _TOKEN, _JWKS, _ADMIN
                          passwords of the services' database roles
MTAS_NATS_URL             NATS 2.10 or newer with JetStream, as user ops
MTAS_NATS_REPLICAS        copies of each stream (1; 3 on a cluster)
MTAS_SUBSCRIBERS          who else reads events, by the names of their NATS users, separated by spaces; each
                          with the subjects it reads, or all of them (subscriber). An example:
                          "audit billing=mtas.v1.*.user.*,mtas.v1.*.session.ended"
MTAS_PROVISION_WAIT_S     how long to wait for either server (60)

NAME_FILE instead of NAME reads the value from a file.
"""


@dataclass(frozen=True)
class Settings:
    superuser_url: str | None = field(repr=False)
    database_url: str = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)
    nats_url: str = field(repr=False)
    nats_replicas: int
    subscribers: Mapping[str, list[str]]
    wait_s: float

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises: ProvisionError, naming the variable that is missing or malformed."""
        return cls(
            superuser_url=_read(environ, "MTAS_SUPERUSER_DATABASE_URL", "") or None,
            database_url=_read(environ, "MTAS_OWNER_DATABASE_URL"),
            passwords={name: _read(environ, f"MTAS_DB_PASSWORD_{name.upper()}") for name in SERVICES},
            nats_url=_read(environ, "MTAS_NATS_URL"),
            nats_replicas=int(_number(environ, "MTAS_NATS_REPLICAS", "1")),
            subscribers=_subscribers(_read(environ, "MTAS_SUBSCRIBERS", "subscriber")),
            wait_s=_number(environ, "MTAS_PROVISION_WAIT_S", "60"),
        )


def _read(environ: Mapping[str, str], name: str, default: str | None = None) -> str:
    if value := environ.get(name):
        return value
    if path := environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ProvisionError(f"{name}_FILE: {path}: {error.strerror}") from None
    if default is None:
        raise ProvisionError(f"{name} is not set (nor {name}_FILE)")
    return default


def _subscribers(text: str) -> dict[str, list[str]]:
    subscribers = {}
    for word in text.split():
        name, _, subjects = word.partition("=")
        filters = subjects.split(",") if subjects else ["mtas.v1.>"]
        if not _NAME.fullmatch(name) or name in SERVICES or name in subscribers:
            raise ProvisionError(f"MTAS_SUBSCRIBERS: {name!r} is no name for a subscriber, or taken")
        if unfit := [subject for subject in filters if not _SUBJECT.fullmatch(subject)]:
            raise ProvisionError(
                f"MTAS_SUBSCRIBERS: {unfit[0]!r} is not mtas.v1.{{tenant_id}}.{{entity}}.{{verb}}"
            )
        subscribers[name] = filters
    return subscribers


def _number(environ: Mapping[str, str], name: str, default: str) -> float:
    try:
        return float(_read(environ, name, default))
    except ValueError:
        raise ProvisionError(f"{name} is not a number") from None
