"""PostgreSQL through asyncpg: a few connections a service, and tenant-scoped transactions.

Nothing here waits for the database at start: connections are made on first use, so a service
comes up, says it is not ready, and becomes ready when the database does.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from shared import tracing
from shared.hosts import Primary
from shared.queries import named
from shared.readings import Reading
from shared.secret import Secret

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
UNAVAILABLE: Final = (
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # the connection broke under us, or the pool is closing
    asyncpg.InternalClientError,  # the server has said goodbye and its connection is not closed yet
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement timeout
    asyncpg.InvalidPasswordError,  # it is being changed, here or there
    asyncpg.ReadOnlySQLTransactionError,  # talking to a standby after a failover
    asyncpg.LockNotAvailableError,
)
"""What means "not now" rather than "never": answered with 503 and Retry-After."""

_SET_TENANT: Final = named("set_tenant", "select set_config('mtas.tenant_id', $1, true)")
_SET_TRACE: Final = named("set_trace", "select set_config('mtas.traceparent', $1, true)")
_CONNECT_TIMEOUT_S: Final = 3.0
_STATEMENT_TIMEOUT_S: Final = 5.0
_ACQUIRE_TIMEOUT_S: Final = 3.0
_CLOSE_TIMEOUT_S: Final = 5.0
_FAREWELL_TIMEOUT_S: Final = 1.0
_IDLE_LIFETIME_S: Final = 300.0


class _Connections:
    """At most `size` connections: the one used last is used next, and whoever waits is served in turn.

    asyncpg's own pool costs a token request more than the statement it is for (docs/adr/0011).
    """

    def __init__(self, url: Secret, size: int, former_password: Secret) -> None:
        former = former_password.reveal()
        self._primary: Final = Primary(url.reveal(), timeout_s=_CONNECT_TIMEOUT_S, former_password=former)
        self._size: Final = size
        self._open = 0  # connected, or being connected
        self._closing = False
        self._idle: list[tuple[Connection, float]] = []  # with the time since when
        self._waiting: deque[asyncio.Future[Any]] = deque()  # of a connection, or None: leave to open one
        self._waits = 0
        self._wait_s = 0.0

    async def take(self) -> Connection:
        """Raises: OSError (also after `_ACQUIRE_TIMEOUT_S` of waiting), asyncpg's errors of connecting."""
        if self._closing:
            raise asyncpg.InterfaceError("the connections are closed")
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        if self._open < self._size:
            self._open += 1
            return await self._connect()
        return await self._wait() or await self._connect()

    def give_back(self, connection: Connection, *, reusable: bool) -> None:
        """What is not `reusable` is cut, and its place is free."""
        now = asyncio.get_running_loop().time()
        if not reusable:
            connection.terminate()
            self._free_place()
        elif (waiter := self._next_waiter()) is not None:
            waiter.set_result(connection)
        else:
            self._idle.append((connection, now))
        if self._idle and now - self._idle[0][1] > _IDLE_LIFETIME_S:
            self._idle.pop(0)[0].terminate()
            self._open -= 1

    async def close(self) -> None:
        """Let statements under way finish, for a bounded time."""
        self._closing = True
        deadline = asyncio.get_running_loop().time() + _CLOSE_TIMEOUT_S
        while self._open > 0 and asyncio.get_running_loop().time() < deadline:
            idle, self._idle = self._idle, []
            self._open -= len(idle)
            farewells = (connection.close(timeout=_FAREWELL_TIMEOUT_S) for connection, _ in idle)
            await asyncio.gather(*farewells, return_exceptions=True)  # one that fails is cut
            await asyncio.sleep(0.01)

    async def _wait(self) -> "Connection | None":
        """A connection that somebody gave back; None is leave to open one."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(waiter)
        self._waits += 1
        since = loop.time()
        try:
            async with asyncio.timeout(_ACQUIRE_TIMEOUT_S):
                connection: Connection | None = await waiter
                return connection
        except BaseException:
            if waiter.done() and not waiter.cancelled():  # served in the moment of giving up
                if (connection := waiter.result()) is not None:
                    self.give_back(connection, reusable=True)
                else:
                    self._free_place()
            raise
        finally:
            self._wait_s += loop.time() - since

    def readings(self) -> Iterator[Reading]:
        yield Reading("mtas_database_pool_size", "Most connections", "gauge", lambda: self._size)
        yield Reading("mtas_database_connections", "Connections that are open", "gauge", lambda: self._open)
        yield Reading("mtas_database_idle", "Connections nobody uses", "gauge", lambda: len(self._idle))
        yield Reading(
            "mtas_database_waiting", "Requests waiting for a connection", "gauge", lambda: len(self._waiting)
        )
        yield Reading("mtas_database_waits", "Requests that had to wait", "counter", lambda: self._waits)
        yield Reading("mtas_database_wait_seconds", "How long, together", "counter", lambda: self._wait_s)

    async def _connect(self) -> Connection:
        """In a place that `_open` already counts."""
        connection: Connection | None = None
        try:
            connection = await self._primary.connect(
                command_timeout=_STATEMENT_TIMEOUT_S,
                max_cached_statement_lifetime=0,  # for ever: there are a few dozen
            )
            await _read_jsonb_as_python(connection)
            tracing.in_use.watch(connection)
        except BaseException:
            if connection is not None:  # or it would stay open with nobody to count it
                connection.terminate()
            self._free_place()
            raise
        return connection

    def _free_place(self) -> None:
        if (waiter := self._next_waiter()) is not None:
            waiter.set_result(None)
        else:
            self._open -= 1

    def _next_waiter(self) -> asyncio.Future[Any] | None:
        while self._waiting:
            if not (waiter := self._waiting.popleft()).done():
                return waiter
        return None


class _Lease:
    """A connection for the length of an `async with`."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: _Connections) -> None:
        self._connections: Final = connections

    async def __aenter__(self) -> Connection:
        self._connection = await self._connections.take()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        # Cancelled or timed out in the middle of a statement, who knows what it is still doing.
        whole = error is None or (isinstance(error, Exception) and not isinstance(error, TimeoutError))
        reusable = whole and not connection.is_closed() and not connection.is_in_transaction()
        self._connections.give_back(connection, reusable=reusable)


class Database:
    """Connections, and the two ways to use them: one statement, or one transaction."""

    def __init__(self, url: Secret, *, pool_size: int, former_password: Secret | None = None) -> None:
        """`former_password` is tried where the URL's is refused: while the role's is being changed."""
        self._connections: Final = _Connections(url, pool_size, former_password or Secret(""))

    async def close(self) -> None:
        """Let statements under way finish, for a bounded time."""
        await self._connections.close()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection with no tenant set: for the registry, and for functions that set it themselves.

        Everything we set is local to its transaction, so one that comes back is clean as it is.
        """
        return _Lease(self._connections)

    def decision(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one function that decides, and may write an event of it. Where that is traced,
        it is in a transaction which knows the trace; otherwise a round trip is all it takes."""
        traceparent = tracing.in_use.traceparent()
        return self.connection() if traceparent is None else self._traced(traceparent)

    @contextlib.asynccontextmanager
    async def _traced(self, traceparent: str) -> AsyncIterator[Connection]:
        async with self.transaction() as connection:
            await connection.execute(_SET_TRACE, traceparent)
            yield connection

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction with no tenant set. Leaving by an exception rolls it back."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @contextlib.asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """A transaction that sees and writes this tenant's rows alone."""
        traceparent = tracing.in_use.traceparent()
        async with self.transaction() if traceparent is None else self._traced(traceparent) as connection:
            await connection.execute(_SET_TENANT, str(tenant_id))
            yield connection

    def readings(self) -> Iterator[Reading]:
        return self._connections.readings()

    async def is_ready(self) -> bool:
        try:
            async with self.connection() as connection:
                return bool(await connection.fetchval("select mtas.tenant_id() is null"))
        except (*UNAVAILABLE, asyncpg.PostgresError):
            return False


async def _read_jsonb_as_python(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
