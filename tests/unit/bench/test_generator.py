"""The load generator counts what is right, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from tests.bench.generator import Address, Load, OutOfRequests, drain, drive
from tests.bench.works import Chain, Once, Repeated
from tests.bench.world import Client, Tenant

TENANT = Tenant(0, UUID(int=0), "acme", "https://auth.test/t/acme", Client("a", "s"), Client("b", "s"), ())
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def server(*answers: bytes) -> AsyncIterator[Address]:
    """Says these in turn, byte by byte where they are cut by `|`; closes the connection at an empty one."""
    turn = iter(answers * 100_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            for part in next(turn).split(b"|"):
                if not part:
                    writer.close()
                    return
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)

    async def until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(until_gone, "127.0.0.1", 0)
    try:
        host, port = listening.sockets[0].getsockname()
        yield host, port
    finally:
        listening.close()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


async def asked_once(address: Address, requests: int = 2) -> Load:
    return await drain([Once([(TENANT, REQUEST)] * requests, b"right")], [address])


async def test_right_answers_count() -> None:
    async with server(ok(b"right")) as address:
        load = await asked_once(address, 5)
    assert (len(load.latencies_s), load.errors) == (5, {})
    assert load.samples[0] == (TENANT, ok(b"right"))


async def test_an_answer_in_pieces_is_one_answer() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nconte|nt-length: 8\r\n|\r\nri|ght...") as address:
        load = await asked_once(address)
    assert (len(load.latencies_s), load.errors) == (2, {})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ok(b"wrong"), "200 wrong"),
        (b"HTTP/1.1 503 Unavailable\r\ncontent-length: 5\r\n\r\nright", "503 right"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "a response without a length"),
        (b"HTTP/1.1 200 OK\r\n||", "the connection was closed"),
    ],
)
async def test_what_is_not_right_is_an_error_and_no_throughput(answer: bytes, error: str) -> None:
    async with server(answer) as address:
        load = await asked_once(address, 1)
    assert (load.latencies_s, load.errors) == ([], {error: 1})


async def test_a_timed_load_counts_after_its_warm_up_and_brings_home_what_is_under_way() -> None:
    windows: list[int] = []
    async with server(ok(b"right")) as address:
        callers = [Repeated([(TENANT, REQUEST)], b"right") for _ in range(4)]
        load = await drive(
            callers, [address], warm_up_s=0.05, seconds=0.1, on_window=lambda: windows.append(1)
        )
    assert len(windows) == 2
    assert load.seconds == pytest.approx(0.1, abs=0.08)
    assert load.throughput > 0
    assert not load.errors


async def test_a_timed_load_that_runs_out_of_requests_measured_nothing() -> None:
    async with server(ok(b"right")) as address:
        with pytest.raises(OutOfRequests):
            await drive([Once([(TENANT, REQUEST)], b"right")], [address], warm_up_s=0.01, seconds=0.1)


def test_a_chain_goes_on_with_its_newest_token_and_sees_when_it_is_no_new_one() -> None:
    chain = Chain(TENANT, TENANT.plain)
    answer = b'{"access_token":"a1","refresh_token":"r1"}'
    assert chain.take(answer, 0)
    assert (chain.access_token, chain.refresh_token) == (b"a1", b"r1")
    assert not chain.take(answer, 0)
    assert not chain.take(b'{"access_token":"a2"}', 0)
