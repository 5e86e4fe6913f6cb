"""`mtas doctor`: which checks fit the environment, in order, and how they are shown."""

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from deploy.doctor import collector, database, front, provisioned, signing_keys, stores
from deploy.doctor.finding import Finding, Verdict, fail, ok
from deploy.provision.errors import ProvisionError
from deploy.provision.settings import Settings as Provisioning
from deploy.secrets import SERVICES
from services.admin.cli.whereabouts import ServerAway, find
from shared.sealing import SealingSettings
from shared.settings import THIS_MACHINE, SettingsError, load

_MARK = {Verdict.OK: "✓", Verdict.WARN: "!", Verdict.FAIL: "✗"}


@click.command(
    epilog="""\b
Examples:
  docker compose run --rm --no-deps token mtas doctor
  docker compose run --rm --no-deps provision mtas doctor
  mtas doctor --public-url https://auth.example.com
\b
Exit codes: 0 all is well, warnings aside · 1 something is to be fixed · 2 wrong usage."""
)
@click.option("--public-url", metavar="URL", help="Look at it as a user would.  [MTAS_PUBLIC_URL]")
@click.option("--json", "as_json", is_flag=True, help="JSON, a finding an object.")
def doctor(public_url: str | None, as_json: bool) -> None:
    """Check configuration, connections, clocks, rights, streams and certificates, and say what to fix.

    Run it with the environment of a service, or of provisioning: it looks at what that one needs.
    Nothing is changed.
    """
    findings = asyncio.run(_all(os.environ, public_url, as_json))
    if not findings:
        raise click.UsageError("There is nothing to look at here: name a --public-url, or see --help.")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode())
    raise SystemExit(1 if any(finding.verdict is Verdict.FAIL for finding in findings) else 0)


async def _all(environ: Mapping[str, str], public_url: str | None, quiet: bool) -> list[Finding]:
    findings = []
    async for finding in _checks(environ, public_url):
        findings.append(finding)
        if not quiet:
            _show(finding)
    return findings


async def _checks(environ: Mapping[str, str], public_url: str | None) -> AsyncIterator[Finding]:
    if (service := _service(environ)) is not None:
        async for finding in _of_service(service, environ):
            yield finding
    if "MTAS_OWNER_DATABASE_URL" in environ or "MTAS_OWNER_DATABASE_URL_FILE" in environ:
        try:
            settings = Provisioning.read(environ)
        except ProvisionError as error:
            yield fail("configuration", str(error), "`python -m deploy.provision --help` has every setting.")
        else:
            async for finding in provisioned.check(settings):
                yield finding
    url, ca = public_url or environ.get("MTAS_PUBLIC_URL"), environ.get("MTAS_API_CA")
    if url is None and service is None:
        url, ca = _local(environ)
    # From inside, a public URL on localhost would be the container itself.
    if public_url or (url and not (service and urlsplit(url).hostname in THIS_MACHINE)):
        async for finding in front.check(str(url), ca):
            yield finding


def _service(environ: Mapping[str, str]) -> str | None:
    """By the role in its database's URL; the URL may be in a file."""
    url = environ.get("MTAS_DATABASE_URL", "")
    if path := environ.get("MTAS_DATABASE_URL_FILE"):
        try:
            with open(path, encoding="utf-8") as file:
                url = file.read()
        except OSError:
            return None
    role = (urlsplit(url.strip()).username or "").removeprefix("mtas_")
    return role if role in SERVICES else None


async def _of_service(service: str, environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    try:
        settings: Any = load(importlib.import_module(f"services.{service}.settings").Settings, environ)
        importlib.import_module(f"services.{service}.app").create_app(settings)
    except (SettingsError, ValueError) as error:
        yield fail("configuration", str(error), "docs/configuration.md has every setting and its form.")
        return
    yield ok("configuration", f"{service} would start")
    async for finding in database.check(settings.database_url.reveal(), service):
        yield finding
    if isinstance(settings, SealingSettings):
        async for finding in signing_keys.check(settings):
            yield finding
    if hasattr(settings, "valkey_url"):
        async for finding in stores.check_valkey(settings.valkey_url.reveal()):
            yield finding
    async for finding in stores.check_nats(settings.nats_url.reveal()):
        yield finding
    if settings.otlp_endpoint:
        async for finding in collector.check(settings.otlp_endpoint):
            yield finding


def _local(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Of `make run`, where it runs."""
    try:
        here = find(environ)
    except (ServerAway, click.UsageError):
        return None, None
    return here.url, here.ca


def _show(finding: Finding) -> None:
    click.echo(f"{_MARK[finding.verdict]} {finding.check}: {finding.found}")
    if finding.fix:
        click.echo(f"    {finding.fix}")
