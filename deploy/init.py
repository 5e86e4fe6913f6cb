"""`mtas init`: make every secret of a deployment, once, into one file for compose and Kubernetes."""

import os
import re
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import click

from deploy.secrets import MAKERS, variable
from shared.settings import is_safe_origin


class Tls(StrEnum):
    """Who terminates TLS."""

    PROXY = "proxy"
    CERTIFICATE = "certificate"
    ACME = "acme"


_OVERLAY = {
    Tls.PROXY: "compose.yaml",
    Tls.CERTIFICATE: "compose.yaml:compose.certificate.yaml",
    Tls.ACME: "compose.yaml:compose.acme.yaml",
}

_ABOUT = {
    "postgres": "PostgreSQL: the superuser of its own container, the owner of the schema, a role a service",
    "valkey": "Valkey: a user a service",
    "nats": "NATS: a user a service, one for whoever listens to events, one that makes streams",
    "key": "Seals signing keys, `id:base64`. Keep a copy apart from the database's: without it none opens",
    "refresh": "Signs refresh tokens. A new one is known to all before it signs: `1:…,2:…`, then `2:…,1:…`",
    "form": "Binds forms to the browser they were sent to",
    "internal": "Between the services",
    "jwks": "For admin at jwks: who has it changes signing keys",
    "setup": "Asked of whoever makes the first dashboard account",
    "operator": "The operator, at the admin API: every tenant, every right",
}


def _origin(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_safe_origin(value):
        raise click.BadParameter("an https origin without a path, or http on localhost")
    return value


@click.command(
    epilog="""\b
Examples:
  mtas init --public-url https://auth.example.com
  mtas init --public-url https://auth.example.com --tls acme --file deploy/.env
  mtas init --public-url http://localhost:8080
  mtas init --complete --file deploy/.env"""
)
@click.option(
    "--public-url",
    callback=_origin,
    metavar="URL",
    help="Origin that users and clients see; every issuer lies below it.",
)
@click.option(
    "--tls",
    type=click.Choice(Tls, case_sensitive=False),
    default=Tls.PROXY,
    show_default=True,
    help="A proxy of yours in front, a certificate of your own, or one by ACME (Let's Encrypt).",
)
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".env"),
    show_default=True,
    help="What to write. It must not be there, but for --complete.",
)
@click.option(
    "--complete",
    is_flag=True,
    help="Append the secrets that a file of an earlier version lacks; the others stay.",
)
def init(public_url: str | None, tls: Tls, path: Path, complete: bool) -> None:
    """Make every secret of a new deployment. What is there is never overwritten."""
    if complete:
        _complete(path)
        return
    if public_url is None:
        raise click.UsageError("--public-url is needed: the origin that users and clients will see.")
    text = _file(public_url, tls)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(
            f"{path} is there: its secrets are in use, and nothing was changed. Name another --file, "
            f"or add what a newer version asks for: mtas init --complete --file {path}"
        ) from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    click.echo(f"Wrote {path}: {len(MAKERS)} secrets, readable by you alone. Keep a copy in a safe place.")


def _file(public_url: str, tls: Tls) -> str:
    url = urlsplit(public_url)
    local = url.scheme == "http"
    lines = [
        "# Settings and secrets of one MTAS deployment, made by `mtas init`. Not for version control.",
        "",
        "# Origin that users and clients see. Issuers lie below it: it stays.",
        f"MTAS_PUBLIC_URL={public_url}",
        f"MTAS_PUBLIC_HOST={url.hostname}",
        "",
        f"# TLS: {tls}. See docs/deploy/compose.md.",
        f"COMPOSE_FILE={_OVERLAY[tls]}",
        *_front(tls, local, url.port),
    ]
    return "\n".join([*lines, *_secrets(set())]) + "\n"


def _complete(path: Path) -> None:
    """Append what a version that came later asks for."""
    try:
        there = set(re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", path.read_text(), re.MULTILINE))
        lines = _secrets(there)
        if lines:
            with path.open("a") as file:
                file.write("\n".join(lines) + "\n")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be completed: {error.strerror}") from None
    added = [line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")]
    click.echo(f"Added to {path}: {', '.join(added)}." if added else f"{path} lacks nothing.")


def _secrets(there: set[str]) -> list[str]:
    """A line for each secret but those that are there already, each kind under a line that says what for."""
    lines, kind = [], ""
    for name, make in MAKERS.items():
        if variable(name) in there:
            continue
        if (now := name.partition("-")[0]) != kind:
            kind = now
            lines += ["", f"# {_ABOUT[kind]}."]
        lines.append(f"{variable(name)}={make()}")
    return lines


def _front(tls: Tls, local: bool, port: int | None) -> list[str]:
    if tls is Tls.ACME:
        return []
    if tls is Tls.CERTIFICATE:
        return [f"MTAS_BIND=0.0.0.0:{port or 443}", "MTAS_TLS_FOLDER=/etc/mtas/tls"]
    if local:
        return ["# Nobody in front: this machine alone.", f"MTAS_BIND=127.0.0.1:{port or 80}"]
    return [
        "# Where your proxy reaches the gateway, and how many proxies append to X-Forwarded-For before it.",
        "MTAS_BIND=127.0.0.1:8080",
        "MTAS_TRUSTED_PROXIES=1",
    ]
