"""Every secret of a deployment: what it is called, how it is made, which variable it comes in.

`make run` keeps one file each; `mtas init` writes them as variables, for compose and Kubernetes.
None has a default.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Final

SERVICES: Final = ("authorize", "token", "jwks", "admin")
VALKEY_USERS: Final = ("authorize", "token", "admin")
VALKEY_FURTHER: Final = ("replica", "sentinel", "ops")
"""Users that are there only where their passwords were set."""
NATS_USERS: Final = (*SERVICES, "subscriber", "ops")


def _password() -> str:
    # Starts with letters: nats-server would read an unquoted "12e3…" as a number. Needs no quoting in a URL.
    return "pw_" + secrets.token_hex(24)


def _key(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    **{f"postgres-{role}": _password for role in ("superuser", "owner", *SERVICES)},
    **{f"valkey-{user}": _password for user in VALKEY_USERS},
    **{f"nats-{user}": _password for user in NATS_USERS},
    "key-encryption-keys": lambda: _key("local-1"),
    "refresh-token-keys": lambda: _key("1"),
    "form-secret": lambda: secrets.token_hex(32),
    "internal-token": lambda: secrets.token_urlsafe(32),
    "jwks-token": lambda: secrets.token_urlsafe(32),
    "setup-token": lambda: secrets.token_urlsafe(18),
    "operator-token": lambda: "mtas_at_" + secrets.token_urlsafe(32),
}


def variable(secret: str) -> str:
    """`form-secret` comes in MTAS_FORM_SECRET, `postgres-token` in MTAS_DB_PASSWORD_TOKEN."""
    kind, _, user = secret.upper().partition("-")
    match kind:
        case "POSTGRES":
            return f"MTAS_DB_PASSWORD_{user}"
        case "VALKEY" | "NATS":
            return f"MTAS_{kind}_{user}_PASSWORD"
        case _:
            return f"MTAS_{kind}_{user.replace('-', '_')}"
