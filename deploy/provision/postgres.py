"""Roles, then migrations in order, then grants and passwords.

Each migration runs once, in a transaction of its own that also records it, under one advisory
lock. Statements wait for a table only briefly: a migration queued behind a long query would
make every later query queue behind it.
"""

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from deploy.provision.errors import ProvisionError
from deploy.provision.scram import verifier
from deploy.provision.settings import SERVICES, Settings
from shared.hosts import Primary

FOLDER = Path(__file__).parents[1] / "postgres"
OLDEST = 180000  # uuidv7()
ADVISORY_LOCK = 0x4D544153  # "MTAS"
LOCK_TIMEOUT = "2s"
ATTEMPTS = 5
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_TABLE = """
create schema if not exists provision;
create table if not exists provision.migrations (
    number     integer primary key,
    title      text not null,
    sha256     text not null,
    applied_at timestamptz not null default now()
);
"""


@dataclass(frozen=True)
class Migration:
    """A file NNNN_title.sql."""

    number: int
    title: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number:04} ({self.title})"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def list_migrations(folder: Path = FOLDER / "migrations") -> list[Migration]:
    """In order. Raises: ProvisionError for a misnamed file, a gap, or two with one number."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        name = re.fullmatch(r"(\d{4})_([a-z0-9_]+)", path.stem)
        if name is None:
            raise ProvisionError(f"{path.name} is not named NNNN_title.sql")
        found.append(Migration(int(name[1]), name[2], path.read_text()))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ProvisionError(f"migrations are not numbered 1 to {len(found)}: {numbers}")
    return found


async def provision(settings: Settings) -> list[str]:
    """Bring the database up to date; returns what was done, for the log."""
    if settings.superuser_url is not None:
        await _make_database(settings.superuser_url, settings)
    connection = await _connect(settings.database_url, settings.wait_s)
    try:
        await _lock(connection, settings.wait_s)
        await _run_file(connection, "roles.sql")
        done = [await _apply(connection, migration) for migration in await _list_pending(connection)]
        await _run_file(connection, "grants.sql")
        for service in SERVICES:
            # A role's password is no parameter; a verifier holds no quote.
            secret = verifier(settings.passwords[service])
            await connection.execute(f"alter role mtas_{service} login password '{secret}'")
    finally:
        await connection.close(timeout=5)
    return done


async def _make_database(superuser_url: str, settings: Settings) -> None:
    """The owner, with the password of its URL, and its database. It owns every table and is no superuser."""
    owner = urlsplit(settings.database_url)
    role, database, password = owner.username, unquote(owner.path.lstrip("/")), unquote(owner.password or "")
    if not (role and _NAME.fullmatch(role) and _NAME.fullmatch(database) and password):
        raise ProvisionError("MTAS_OWNER_DATABASE_URL must name a role, its password and a database")
    connection = await _connect(superuser_url, settings.wait_s)
    try:
        await _lock(connection, settings.wait_s)
        if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
            await connection.execute(f"create role {role} login createrole")
        await connection.execute(f"alter role {role} password '{verifier(password)}'")
        if not await connection.fetchval("select true from pg_database where datname = $1", database):
            await connection.execute(f"create database {database} owner {role}")
    except asyncpg.PostgresError as error:
        raise ProvisionError(f"the owner and its database: {error}") from None
    finally:
        await connection.close(timeout=5)


async def _connect(url: str, wait_s: float) -> Any:
    deadline = time.monotonic() + wait_s
    primary = None
    while True:
        try:
            primary = primary or Primary(url, timeout_s=5)
            connection: Any = await primary.connect(server_settings={"jit": "off"})
            break
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidCatalogNameError, ValueError) as error:
            raise ProvisionError(f"PostgreSQL: {error}") from None
        except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError) as error:
            if time.monotonic() > deadline:
                reason = str(error) or type(error).__name__
                raise ProvisionError(f"PostgreSQL did not answer within {wait_s:.0f} s: {reason}") from None
            await asyncio.sleep(0.25)
    version = await connection.fetchval("select current_setting('server_version_num')::int")
    if version < OLDEST:
        await connection.close()
        raise ProvisionError(f"PostgreSQL {version // 10000} is too old: 18 or newer is needed")
    return connection


async def _lock(connection: Any, wait_s: float) -> None:
    """One provisioning at a time. From here on, statements wait only briefly for a table."""
    set_timeout = "select set_config('lock_timeout', $1, false)"
    await connection.execute(set_timeout, f"{wait_s:.0f}s")
    try:
        await connection.execute("select pg_advisory_lock($1)", ADVISORY_LOCK)
    except asyncpg.LockNotAvailableError:
        raise ProvisionError(f"another provisioning was still under way after {wait_s:.0f} s") from None
    await connection.execute(set_timeout, LOCK_TIMEOUT)


async def _list_pending(connection: Any) -> list[Migration]:
    await connection.execute(_TABLE)
    applied = {
        row["number"]: row["sha256"]
        for row in await connection.fetch("select number, sha256 from provision.migrations")
    }
    pending = []
    for migration in list_migrations():
        if migration.number not in applied:
            pending.append(migration)
        elif applied[migration.number] != migration.sha256:
            raise ProvisionError(f"migration {migration} was changed after it had been applied here")
    return pending


async def _apply(connection: Any, migration: Migration) -> str:
    for attempt in range(ATTEMPTS):
        try:
            await _apply_once(connection, migration)
        except asyncpg.LockNotAvailableError:
            # Let the queries that were waiting behind us through, then try again.
            await asyncio.sleep(1 + attempt)
        except asyncpg.PostgresError as error:
            raise ProvisionError(f"migration {migration}: {error}") from None
        else:
            return str(migration)
    raise ProvisionError(f"migration {migration}: a table stayed locked; try again at a quieter time")


async def _apply_once(connection: Any, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into provision.migrations (number, title, sha256) values ($1, $2, $3)",
            migration.number,
            migration.title,
            migration.sha256,
        )


async def _run_file(connection: Any, name: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute((FOLDER / name).read_text())
    except asyncpg.PostgresError as error:
        raise ProvisionError(f"{name}: {error}") from None
