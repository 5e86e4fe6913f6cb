"""Admin asks authorize and jwks at any of their hosts; what changes something is never sent twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from deploy.local.ports import spare
from services.admin.internal_api import InternalApi
from shared.secret import Secret
from shared.unavailable import Unavailable

ANSWERS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
BREAKS = b""


class Host:
    """Says `answer` to every request, and ends the connection."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().partition(" ")[0])
        writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def api_of(*hosts: Host | None) -> AsyncIterator[InternalApi]:
    """None refuses connections."""
    async with AsyncExitStack() as stack:
        places = []
        for host in hosts:
            port = spare(())
            if host is not None:
                server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
                await stack.enter_async_context(server)
                port = server.sockets[0].getsockname()[1]
            places.append(f"127.0.0.1:{port}")
        api = InternalApi("authorize", f"http://{','.join(places)}", Secret("x" * 32))
        stack.push_async_callback(api.close)
        yield api


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_host_that_is_away_is_passed_over(method: str) -> None:
    host = Host(ANSWERS)
    async with api_of(None, host) as api:
        for _ in range(3):
            assert await _ask(api, method) == b"ok"
    assert host.asked == [method] * 3


async def test_what_changes_something_is_sent_once() -> None:
    """The host may have done it before it died. The next one is asked first from then on."""
    broken, well = Host(BREAKS), Host(ANSWERS)
    async with api_of(broken, well) as api:
        with pytest.raises(Unavailable):
            await _ask(api, "POST")
        assert (broken.asked, well.asked) == (["POST"], [])
        assert await _ask(api, "POST") == b"ok"
    assert (broken.asked, well.asked) == (["POST"], ["POST"])


async def test_what_only_reads_goes_to_the_next_host() -> None:
    broken, well = Host(BREAKS), Host(ANSWERS)
    async with api_of(broken, well) as api:
        assert await _ask(api, "GET") == b"ok"
    assert (broken.asked, well.asked) == (["GET"], ["GET"])


async def test_where_none_is_there_it_is_unavailable() -> None:
    async with api_of(None, None) as api:
        with pytest.raises(Unavailable):
            await _ask(api, "POST")


async def _ask(api: InternalApi, method: str) -> bytes:
    return await (api.get("/internal/x") if method == "GET" else api.post("/internal/x", b"{}"))
