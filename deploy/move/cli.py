"""`mtas tenant export | import`: a tenant moves to another installation, and nobody signs in again."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from deploy.move import archive, settings
from deploy.move.admission import admit
from deploy.move.connection import connected
from deploy.move.errors import MoveError
from deploy.move.export import export
from deploy.move.sign_out import sign_out
from services.admin.cli import output
from services.admin.cli.apps import json_option
from shared.clock import utc_now
from shared.secret import Secret

_PASSPHRASE = "MTAS_ARCHIVE_PASSPHRASE"
_NEEDS = """\
Works on the database itself, as its owner, and not through the API: MTAS_OWNER_DATABASE_URL, and of the token
service MTAS_KEY_ENCRYPTION_KEYS (or the KMS) and MTAS_REFRESH_TOKEN_KEYS; or a local run in MTAS_DATA.
The archive is sealed with MTAS_ARCHIVE_PASSPHRASE (or …_FILE), which is asked for when neither is set."""


@click.group()
def tenant() -> None:
    """Move an app with all its users to another installation; sign all of them out."""


@tenant.command(
    "export",
    epilog=f"""\b
Examples:
  mtas tenant export acme > acme.mtas
  mtas tenant export acme --file acme.mtas --json

{_NEEDS}""",
)
@click.argument("app_id")
@click.option("--file", "path", default="-", show_default=True, help="What to write; it must not be there.")
@json_option
def export_(app_id: str, path: str, as_json: bool) -> None:
    """Seal everything an app consists of into one file: users, hashes, clients, keys, sessions, grants."""
    if path == "-" and sys.stdout.isatty():
        raise click.UsageError("The archive is not for a terminal: give --file, or redirect it.")

    async def run() -> dict[str, Any]:
        found = settings.read()
        keys = found.keys()
        passphrase = _passphrase(confirm=True)
        async with connected(found.database_url) as (connection, schema):
            with _new_file(path) as file:
                writer = archive.Writer(file, passphrase)
                return await export(connection, schema, app_id, keys, writer, utc_now(), _progress())

    _report(_done(run), as_json, err=path == "-")


@tenant.command(
    "import",
    epilog=f"""\b
Examples:
  mtas tenant import --file acme.mtas --enable --owner ada@example.com
  mtas tenant import --json < acme.mtas

{_NEEDS}""",
)
@click.option("--file", "file", type=click.File("rb"), default="-", show_default=True, help="The archive.")
@click.option("--owner", metavar="EMAIL", help="Whose app it is here: a dashboard account.")
@click.option("--enable", is_flag=True, help="It was disabled before it left, and answers from now on.")
@click.option("--new-issuer", is_flag=True, help="The domain does not move along: backends get a new issuer.")
@json_option
def import_(file: BinaryIO, owner: str | None, enable: bool, new_issuer: bool, as_json: bool) -> None:
    """Let an app in from an archive. All of it, or nothing."""

    async def run() -> dict[str, Any]:
        found = settings.read()
        keys = found.keys()
        lines = archive.read(file, _passphrase(confirm=False))
        async with connected(found.database_url) as (connection, schema):
            return await admit(
                connection, schema, lines, keys, utc_now(),
                public_url=found.public_url, new_issuer=new_issuer, enable=enable, owner=owner,
                progress=_progress(),
            )  # fmt: skip

    _report(_done(run), as_json)


@tenant.command(
    "sign-out",
    epilog="""\b
Examples:
  mtas tenant sign-out --all          after a restore (docs/operate/backup.md)
  mtas tenant sign-out acme --json""",
)
@click.argument("app_id", required=False)
@click.option("--all", "everybody", is_flag=True, help="The users of every app.")
@json_option
def sign_out_(app_id: str | None, everybody: bool, as_json: bool) -> None:
    """Void every session and grant there is; access tokens that are out end by themselves."""
    if (app_id is None) != everybody:
        raise click.UsageError("Give either an app ID, or --all.")

    async def run() -> dict[str, Any]:
        async with connected(settings.read().database_url, mover=False) as (connection, _):
            return {"apps": await sign_out(connection, app_id, utc_now())}

    apps = _done(run)["apps"]
    if as_json:
        output.as_json(apps)
        return
    rows = [[each["app_id"], f"{each['users']:,}", f"{each['sessions']:,}"] for each in apps]
    output.table(["APP ID", "USERS", "SESSIONS"], rows, empty="There are no apps.")


def _passphrase(*, confirm: bool) -> Secret:
    if path := os.environ.get(f"{_PASSPHRASE}_FILE"):
        try:
            return Secret(Path(path).read_text(encoding="utf-8").strip())
        except OSError as error:
            raise MoveError(f"{_PASSPHRASE}_FILE: {path}: {error.strerror}") from None
    if given := os.environ.get(_PASSPHRASE):
        return Secret(given)
    if not sys.stderr.isatty():
        raise MoveError(f"{_PASSPHRASE} is not set (nor {_PASSPHRASE}_FILE)")
    typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return Secret(typed)


@contextlib.contextmanager
def _new_file(path: str) -> Iterator[BinaryIO]:
    """For its owner alone; what was not finished does not stay."""
    if path == "-":
        yield sys.stdout.buffer
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise MoveError(f"{path} cannot be made: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        os.unlink(path)
        raise


def _progress() -> Callable[[str, int], None]:
    """A line that counts, on a terminal."""

    def show(table: str, rows: int) -> None:
        if rows % 1000 == 0:
            click.echo(f"\r\033[K{table} {rows:,}", err=True, nl=False)

    return show if sys.stderr.isatty() else lambda _table, _rows: None


def _done(run: Callable[[], Any]) -> dict[str, Any]:
    try:
        result: dict[str, Any] = asyncio.run(run())
    except MoveError as error:
        raise click.ClickException(f"{error}.") from None
    if sys.stderr.isatty():
        click.echo("\r\033[K", err=True, nl=False)
    return result


def _report(moved: dict[str, Any], as_json: bool, *, err: bool = False) -> None:
    if err:
        with contextlib.redirect_stdout(sys.stderr):
            _report(moved, as_json)
        return
    if as_json:
        output.as_json(moved)
        return
    rows = moved["rows"]
    output.facts(
        [
            ("app ID", moved["app_id"]),
            ("issuer", moved["issuer"]),
            ("users", f"{rows.get('authorize.users', 0):,}"),
            ("grants", f"{rows.get('token.families', 0):,}"),
            ("rows", f"{sum(rows.values()):,}"),
        ]
    )
    if moved.get("disabled") is False:
        click.echo(
            "\nIt still answers here, and what changes from now on does not move: docs/operate/moving.md."
        )
