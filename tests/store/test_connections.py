"""The few connections of a service: shared in turn, and never handed on in an unknown state."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import pytest

from deploy.local.stack import Stack
from shared import db
from shared.db import UNAVAILABLE, Connection, Database
from shared.secret import Secret

_BACKEND = "select pg_backend_pid()"


@pytest.fixture
async def two(stores: Stack) -> AsyncIterator[Database]:
    database = Database(Secret(stores.postgres.service_url("token")), pool_size=2)
    yield database
    await database.close()


async def backend(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(_BACKEND))


async def test_many_share_few(two: Database) -> None:
    async def slow() -> int:
        async with two.connection() as connection:
            return int(await connection.fetchval(f"{_BACKEND}, pg_sleep(0.01)"))

    assert len(set(await asyncio.gather(*(slow() for _ in range(40))))) == 2


async def test_who_waits_is_served_in_turn(two: Database) -> None:
    served: list[int] = []

    async def one(number: int) -> None:
        async with two.connection() as connection:
            served.append(number)
            await connection.fetchval("select pg_sleep(0.005)")

    await asyncio.gather(*(one(number) for number in range(12)))
    assert [number for number in served if number > 1] == list(range(2, 12))  # two connect, one perhaps late


async def test_a_statement_that_failed_leaves_its_connection_usable(two: Database) -> None:
    before = await backend(two)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with two.connection() as connection:
            await connection.fetchval("select 1 / 0")
    assert await backend(two) == before


async def test_a_cancelled_statement_takes_its_connection_with_it(two: Database) -> None:
    before = await backend(two)

    async def long() -> None:
        async with two.connection() as connection:
            await connection.fetchval("select pg_sleep(30)")

    task = asyncio.create_task(long())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await backend(two) != before


async def test_who_stops_waiting_leaves_the_place_to_the_next(two: Database) -> None:
    async with two.connection(), two.connection():
        waiting = [asyncio.create_task(backend(two)) for _ in range(3)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
    assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [
        asyncio.CancelledError,
        int,
        int,
    ]


async def test_a_transaction_left_open_is_not_handed_on(two: Database) -> None:
    before = await backend(two)
    async with two.connection() as connection:
        await connection.execute("begin")
    assert await backend(two) != before


async def test_a_connection_that_the_server_cut_is_replaced(two: Database, stores: Stack) -> None:
    cut = await backend(two)
    stores.postgres.query(f"select pg_terminate_backend({cut});")
    await asyncio.sleep(0.1)
    assert await backend(two) != cut


async def test_no_database_is_an_error_and_frees_the_place() -> None:
    nowhere = Database(Secret("postgresql://token:x@127.0.0.1:1/mtas"), pool_size=1)
    for _ in range(3):
        with pytest.raises(UNAVAILABLE):
            await backend(nowhere)


async def test_after_closing_nobody_gets_one(two: Database) -> None:
    await backend(two)
    await two.close()
    with pytest.raises(UNAVAILABLE):
        await backend(two)


async def test_a_connection_that_could_not_be_prepared_is_cut(
    two: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody counts it any more, so nobody would ever close it."""
    opened: list[Connection] = []

    async def hang(connection: Connection) -> None:
        opened.append(connection)
        await asyncio.sleep(30)

    with monkeypatch.context() as patched:
        patched.setattr(db, "_read_jsonb_as_python", hang)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await backend(two)
    assert [connection.is_closed() for connection in opened] == [True]
    assert await backend(two)


class Mute:
    """A connection whose server answers no more."""

    async def close(self, **within: float) -> None:
        await asyncio.sleep(within["timeout"])
        raise TimeoutError


async def test_closing_takes_a_bounded_time_however_many_connections_are_mute(two: Database) -> None:
    inside = two._connections
    inside._idle = [(cast(Connection, Mute()), 0.0) for _ in range(10)]
    inside._open = 10
    began = time.monotonic()
    async with asyncio.timeout(10):
        await two.close()
    assert time.monotonic() - began < 3


async def test_a_host_that_answers_nothing_is_passed_over_and_asked_last(
    stores: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that is gone does not even refuse."""
    monkeypatch.setattr(db, "_CONNECT_TIMEOUT_S", 1.0)
    came: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: came.append(writer), "127.0.0.1", 0)
    url = stores.postgres.service_url("token")
    gone = silent.sockets[0].getsockname()[1]
    database = Database(Secret(url.replace("@", f"@127.0.0.1:{gone},")), pool_size=2)
    try:
        began = time.monotonic()
        first = await backend(database)
        assert 0.5 <= time.monotonic() - began < 1
        began = time.monotonic()
        async with database.connection():
            assert await backend(database) != first
        assert time.monotonic() - began < 0.4
    finally:
        await database.close()
        silent.close()
        for writer in came:
            writer.close()


async def test_the_former_password_lets_in_while_the_new_one_does_not_yet(stores: Stack) -> None:
    url = stores.postgres.service_url("token")
    user, _, rest = url.partition("@")
    password = user.rpartition(":")[2]
    changed = Secret(f"{user.removesuffix(password)}another@{rest}")
    knows_both = Database(changed, pool_size=1, former_password=Secret(password))
    assert await backend(knows_both)
    await knows_both.close()
    knows_one = Database(changed, pool_size=1)
    with pytest.raises(UNAVAILABLE):
        await backend(knows_one)
    await knows_one.close()
