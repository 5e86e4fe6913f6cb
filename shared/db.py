"""PostgreSQL through asyncpg: one pool a service, statements by name, tenant-scoped transactions.

Nothing here waits for the database at start: the pool connects on first use, so a service
comes up, says it is not ready, and becomes ready when the database does.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from shared.secret import Secret

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
UNAVAILABLE: Final = (
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # the connection broke under us, or the pool is closing
    asyncpg.InternalClientError,  # the server has said goodbye and its connection is not closed yet
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement timeout
    asyncpg.ReadOnlySQLTransactionError,  # talking to a standby after a failover
    asyncpg.LockNotAvailableError,
)
"""What means "not now" rather than "never": answered with 503 and Retry-After."""

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_CONNECT_TIMEOUT_S: Final = 3.0
_STATEMENT_TIMEOUT_S: Final = 5.0
_ACQUIRE_TIMEOUT_S: Final = 3.0
_CLOSE_TIMEOUT_S: Final = 5.0


class Database:
    """A pool, and the two ways to use it: one statement, or one transaction."""

    def __init__(self, url: Secret, *, pool_size: int) -> None:
        self._url: Final = url
        self._pool_size: Final = pool_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Make the pool. Connects nowhere yet."""
        self._pool = await asyncpg.create_pool(
            self._url.reveal(),
            min_size=0,
            max_size=self._pool_size,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_STATEMENT_TIMEOUT_S,
            max_inactive_connection_lifetime=300,
            init=_read_jsonb_as_python,
            reset=_nothing_to_reset,
        )

    async def close(self) -> None:
        """Let statements under way finish, for a bounded time."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection with no tenant set: for the registry, and for functions that set it themselves."""
        assert self._pool is not None, "open() first"
        async with self._pool.acquire(timeout=_ACQUIRE_TIMEOUT_S) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction with no tenant set. Leaving by an exception rolls it back."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @contextlib.asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """A transaction that sees and writes this tenant's rows alone."""
        async with self.transaction() as connection:
            await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(tenant_id))
            yield connection

    async def is_ready(self) -> bool:
        try:
            async with self.connection() as connection:
                return bool(await connection.fetchval("select mtas.tenant_id() is null"))
        except (*UNAVAILABLE, asyncpg.PostgresError):
            return False


def load_queries(beside: str, file: str = "queries.sql") -> dict[str, str]:
    """Statements by name from the file beside a module: `-- name: get_client` begins each."""
    parts = _NAME.split(Path(beside).with_name(file).read_text(encoding="utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a statement's name is used twice beside {beside}")
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}


async def _read_jsonb_as_python(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )


async def _nothing_to_reset(_connection: Any) -> None:
    # Everything we set is local to its transaction, so a returned connection is clean as it
    # is; asyncpg's own reset would cost a round trip each time.
    return
