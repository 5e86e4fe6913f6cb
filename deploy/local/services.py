"""The four services, each a process of its own: `python -m services.NAME`."""

import http.client
import os
import socket
import sys
from pathlib import Path

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import Secrets
from deploy.local.valkey import Valkey
from deploy.secrets import SERVICES, VALKEY_USERS, variable

ROOT = Path(__file__).parents[2]

# Which secret files each service is told of; see docs/configuration.
FILES = {
    "authorize": ("form-secret", "internal-token"),
    "token": ("key-encryption-keys", "refresh-token-keys"),
    "jwks": ("key-encryption-keys", "internal-token", "jwks-token"),
    "admin": ("form-secret", "internal-token", "jwks-token", "setup-token", "operator-token"),
}

MAILERS = ("authorize", "admin")

# As in the image: what a password took goes back to the system, at little cost (docs/adr/0030).
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1048576"


def environment(
    name: str,
    *,
    public_url: str,
    ports: dict[str, int],
    secrets: Secrets,
    postgres: Postgres,
    valkey: Valkey,
    nats: Nats,
    extra: dict[str, str],
) -> dict[str, str]:
    """What `python -m services.NAME` is started with: ours over the caller's, `extra` over both.

    Of the caller's, neither our own settings nor another service's secrets are passed on.
    """
    ours = {
        "GLIBC_TUNABLES": MALLOC,
        "MTAS_PUBLIC_URL": public_url,
        "MTAS_LISTEN_HOST": "127.0.0.1",
        "MTAS_LISTEN_PORT": str(ports[name]),
        "MTAS_DATABASE_URL": postgres.service_url(name),
        "MTAS_NATS_URL": nats.url(name),
        **{variable(secret) + "_FILE": str(secrets.path(secret)) for secret in FILES[name]},
    }
    if name in VALKEY_USERS:
        ours["MTAS_VALKEY_URL"] = valkey.url(name)
    if name in MAILERS and not os.environ.get(
        "MTAS_SMTP_URL"
    ):  # a mail server of the caller's own goes first
        ours["MTAS_SMTP_URL"] = f"smtp://127.0.0.1:{ports['smtp']}"
    if name == "admin":
        ours["MTAS_AUTHORIZE_URL"] = f"http://127.0.0.1:{ports['authorize']}"
        ours["MTAS_JWKS_URL"] = f"http://127.0.0.1:{ports['jwks']}"
    settings = {key.removesuffix("_FILE") for key in ours} | {
        variable(secret) for secrets_of in FILES.values() for secret in secrets_of
    }
    inherited = {key: value for key, value in os.environ.items() if key.removesuffix("_FILE") not in settings}
    return inherited | ours | extra


def process(
    service: str, port: int, log: Path, env: dict[str, str], *, name: str, python: Path | None = None
) -> Process:
    """One process of a service, by this Python or another, ready when its /readyz says so."""
    assert service in SERVICES
    return Process(
        name=name,
        argv=[str(python or sys.executable), "-m", f"services.{service}"],
        log=log,
        ready=lambda: is_ready(port),
        env=env,
        cwd=ROOT,
        # Requests under way have MTAS_DRAIN_S (10) to end.
        grace_s=15.0,
    )


def mailbox(ports: dict[str, int], log: Path) -> Process:
    """Where the services' mail ends in a local run."""
    return Process(
        name="mailbox",
        argv=[
            *(sys.executable, "-m", "deploy.local.mailbox"),
            *("--smtp", str(ports["smtp"]), "--http", str(ports["mailbox"])),
        ],
        log=log,
        ready=lambda: _listens(ports["smtp"]) and _listens(ports["mailbox"]),
        env=plain_environment(),
        cwd=ROOT,
    )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def is_ready(port: int) -> bool:
    """Whether the service behind a port reaches what it needs."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
