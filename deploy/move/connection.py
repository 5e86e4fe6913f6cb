"""The database as `mtas_mover`: connected as the owner, who may become it, and is it from then on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import asyncpg

from deploy.move.errors import MoveError
from shared.hosts import Primary
from shared.queries import load_queries
from shared.secret import Secret

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
SQL = load_queries(__file__)
_CONNECT_TIMEOUT_S = 10
_NO_CONNECTION = (asyncpg.InterfaceError, asyncpg.InternalClientError)


@asynccontextmanager
async def connected(owner_url: Secret, *, mover: bool = True) -> AsyncIterator[tuple[Connection, int]]:
    """The connection, and how many migrations the database has had. Raises: MoveError."""
    try:
        primary = Primary(owner_url.reveal(), timeout_s=_CONNECT_TIMEOUT_S)
        connection = await primary.connect(server_settings={"jit": "off"})
    except (OSError, ValueError, asyncpg.PostgresError, *_NO_CONNECTION) as error:
        raise MoveError(f"PostgreSQL: {error or type(error).__name__}") from None
    try:
        schema = await connection.fetchval(SQL["get_schema"])
        if mover:
            await connection.execute("set role mtas_mover")
        yield connection, schema
    except asyncpg.PostgresError as error:
        raise MoveError(f"PostgreSQL: {error}") from None
    finally:
        await connection.close(timeout=5)


async def choose_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Row-level security is forced: of this transaction it is this tenant's rows, and no other's."""
    await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(tenant_id))
