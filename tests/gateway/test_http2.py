"""HTTP/2 in front (RFC 9113): the same table, and no cheap way to make work."""

import asyncio
import time

import pytest

from tests.gateway import http2
from tests.gateway.process import Gateway
from tests.gateway.service import Request
from tests.gateway.wire import reply

MALFORMED = (
    [("transfer-encoding", "chunked")],
    [("connection", "upgrade")],
    [("X-Upper", "a")],
    [("x-a", "b\r\nx-forwarded-for: 203.0.113.9")],
    [("x-a", "b\0c")],
    [("content-length", "5")],
    [(":path", "/livez")],
    [("x-a\r\nx-b", "c")],
)


async def test_prior_knowledge_is_answered_on_a_plain_connection(gateway: Gateway) -> None:
    async with gateway.connection() as (reader, writer):
        writer.write(
            http2.hello() + http2.ask(1, "GET", "/t/acme/jwks.json", [("x-forwarded-for", "203.0.113.9")])
        )
        answer = await http2.read_until(reader, http2.HEADERS, 1)
        assert answer[0] == http2.STATUS_200
    (seen,) = gateway.seen()
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("host") == ["auth.example.test"]


@pytest.mark.parametrize(
    "path", ["/livez", "/internal/x", "/t/acme/../../readyz", "/dashboard/%2e%2e/metrics"]
)
async def test_private_paths_are_as_unreachable(gateway: Gateway, path: str) -> None:
    async with gateway.connection() as (reader, writer):
        writer.write(http2.hello() + http2.ask(1, "GET", path))
        assert (await http2.read_until(reader, http2.HEADERS, 1))[0] != http2.STATUS_200
    assert not gateway.seen()


async def test_what_http1_would_read_differently_is_refused(gateway: Gateway) -> None:
    """RFC 9113 §8.2: malformed, and downgrading it would smuggle. At once, for it lets go after a second."""

    async def is_refused(headers: list[tuple[str, str]]) -> bool:
        async with gateway.connection() as (reader, writer):
            writer.write(http2.hello() + http2.ask(1, "GET", "/t/acme/jwks.json", headers))
            return await http2.is_refused(reader, 1)

    refused = await asyncio.gather(*map(is_refused, MALFORMED))
    assert [headers for headers, ended in zip(MALFORMED, refused, strict=True) if not ended] == []
    assert not gateway.seen()


@pytest.mark.alone
async def test_rapid_reset_is_closed_and_others_hardly_notice(gateway: Gateway) -> None:
    """CVE-2023-44487: streams opened and reset at once cost the sender nothing."""

    async def answer(_: Request) -> bytes | None:
        await asyncio.sleep(0.01)
        return reply(200)

    gateway.services["token"].behaviour = answer
    calm = await _p99(gateway)
    attacks = [asyncio.create_task(_rapid_reset(gateway)) for _ in range(4)]
    busy = await _p99(gateway)
    assert all(await asyncio.gather(*attacks))
    closed = (await gateway.ask_admin("/stats?filter=premature_resets")).body
    assert int(closed.rpartition(b":")[2]) >= len(attacks)
    assert busy < 2 * calm + 0.05


async def test_a_continuation_flood_is_closed(gateway: Gateway) -> None:
    """CVE-2024-27316: header frames that never end."""
    async with gateway.connection() as (reader, writer):
        writer.write(http2.hello() + http2.ask(1, "GET", "/t/acme/jwks.json", flags=http2.END_STREAM))
        piece = http2.frame(http2.CONTINUATION, 0, 1, b"\0\x01a\x7f\0" + b"a" * 127)
        writer.write(piece * 2000)
        assert await http2.is_refused(reader, 1)
    assert not gateway.seen()


async def _p99(gateway: Gateway, count: int = 200) -> float:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        assert (await gateway.ask("POST", "/t/acme/token")).status == 200
        times.append(time.perf_counter() - began)
    return sorted(times)[int(count * 0.99)]


async def _rapid_reset(gateway: Gateway) -> bool:
    """Open and reset; whether the gateway hung up."""
    async with gateway.connection() as (reader, writer):
        writer.write(http2.hello())
        ended = asyncio.ensure_future(http2.ended(reader))
        for number in range(20_000):
            stream = 2 * number + 1
            writer.write(http2.ask(stream, "GET", "/t/acme/jwks.json") + http2.reset(stream))
            if number % 10 == 0:
                await asyncio.sleep(0)
            if ended.done():
                return True
        ended.cancel()
        return False
