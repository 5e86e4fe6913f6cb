"""PostgreSQL as a service sees it: its role, its rights, the schema that its statements need, the clock."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg

from deploy.doctor import clock
from deploy.doctor.finding import Finding, fail, ok
from shared.clock import utc_now
from shared.hosts import Primary
from shared.queries import load_queries

OLDEST: Final = 180000
ROOT: Final = Path(__file__).parents[2]
_PROVISION: Final = "Run provisioning with this version: `provision` (deploy.provision)."


async def check(url: str, service: str) -> AsyncIterator[Finding]:
    try:
        connection: Any = await Primary(url, timeout_s=5).connect()
    except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError, ValueError) as error:
        yield fail("postgres", _reason(error), _advice(error))
        return
    try:
        yield await _version(connection)
        yield await _role(connection, service)
        yield await _isolation(connection)
        yield clock.compare("postgres", await connection.fetchval("select clock_timestamp()"), utc_now())
        yield await _statements(connection, service)
    finally:
        await connection.close(timeout=5)


async def _version(connection: Any) -> Finding:
    number = await connection.fetchval("select current_setting('server_version_num')::int")
    if number < OLDEST:
        return fail("postgres version", str(number // 10000), "Upgrade PostgreSQL to 18: uuidv7() is needed.")
    return ok("postgres version", str(await connection.fetchval("show server_version")))


async def _role(connection: Any, service: str) -> Finding:
    role = await connection.fetchrow(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user"
    )
    name = str(role["rolname"])
    if role["rolsuper"] or role["rolbypassrls"] or role["rolcreaterole"]:
        return fail(
            "postgres role",
            f"{name} has rights over all tenants",
            f"Use the role mtas_{service}, which provisioning makes, in MTAS_DATABASE_URL.",
        )
    if name != f"mtas_{service}":
        return fail("postgres role", name, f"Use the role mtas_{service} in MTAS_DATABASE_URL.")
    return ok("postgres role", f"{name}, with no right over all tenants")


async def _isolation(connection: Any) -> Finding:
    """Every table of a tenant has row-level security forced; the catalogue says so to any role."""
    open_tables = [
        row["name"]
        for row in await connection.fetch(
            """
            select format('%s.%s', n.nspname, c.relname) as name
              from pg_class c
              join pg_namespace n on n.oid = c.relnamespace
              join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum > 0
              join pg_index i on i.indrelid = c.oid and i.indisprimary and i.indkey[0] = a.attnum
             where c.relkind in ('r', 'p') and n.nspname in ('authorize', 'token', 'jwks')
               and not (c.relrowsecurity and c.relforcerowsecurity)
             order by 1
            """
        )
    ]
    if open_tables:
        return fail("tenant isolation", f"row-level security is off on {', '.join(open_tables)}", _PROVISION)
    return ok("tenant isolation", "row-level security is forced")


async def _statements(connection: Any, service: str) -> Finding:
    """Planning a statement asks for its tables, columns and rights, and runs nothing."""
    missing: list[str] = []
    count = 0
    for name, sql in _sql(service):
        count += 1
        try:
            async with connection.transaction(readonly=True):
                await connection.execute(f"explain (generic_plan) {sql}")
        except asyncpg.PostgresError as error:
            missing.append(f"{name}: {error}")
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return fail("schema and grants", f"{missing[0]}{more}", _PROVISION)
    return ok("schema and grants", f"all {count} statements can run")


def _sql(service: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "services" / service).rglob("*.sql")):
        yield from load_queries(str(path), path.name).items()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _advice(error: Exception) -> str:
    if isinstance(error, asyncpg.InvalidPasswordError):
        return "The password of the role is another: run provisioning with this deployment's secrets."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "The database is not there: run provisioning, or name another in MTAS_DATABASE_URL."
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "Raise max_connections, or lower MTAS_DATABASE_POOL_SIZE of the services."
    return "Is PostgreSQL running, and reachable from here under the host and port of MTAS_DATABASE_URL?"
