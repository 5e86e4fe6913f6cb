"""Stopping without dropping anybody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from gateway.drain import drain
from tests.gateway.conftest import Start
from tests.gateway.service import Request
from tests.gateway.wire import read_answer, reply, request


async def test_what_is_under_way_ends_before_the_gateway_does(start: Start) -> None:
    gateway = await start()

    async def slow(_: Request) -> bytes | None:
        await asyncio.sleep(0.5)
        return reply(200)

    gateway.services["token"].behaviour = slow
    asking = asyncio.create_task(gateway.ask("POST", "/t/acme/token"))
    while not gateway.seen():
        await asyncio.sleep(0.01)
    assert await asyncio.to_thread(drain, gateway.admin, timeout_s=5)
    assert (await asking).status == 200


async def test_drain_says_when_somebody_was_left(start: Start) -> None:
    gateway = await start()

    async def slow(_: Request) -> bytes | None:
        await asyncio.sleep(1)
        return reply(200)

    gateway.services["token"].behaviour = slow
    asking = asyncio.create_task(gateway.ask("POST", "/t/acme/token"))
    while not gateway.seen():
        await asyncio.sleep(0.01)
    assert not await asyncio.to_thread(drain, gateway.admin, timeout_s=0.2)
    await asking


async def test_a_draining_gateway_takes_nothing_new(start: Start) -> None:
    gateway = await start()
    async with gateway.connection() as (reader, writer):
        writer.write(request("POST", "/t/acme/token"))
        assert "connection" not in (await read_answer(reader)).headers
        assert await asyncio.to_thread(drain, gateway.admin)
        with pytest.raises(OSError, match="Connect call failed"):
            await gateway.ask("POST", "/t/acme/token")
        # A connection that was there is told to go.
        writer.write(request("POST", "/t/acme/token"))
        assert (await read_answer(reader)).headers["connection"] == "close"


@asynccontextmanager
async def on_a_port(admin: Path) -> AsyncIterator[int]:
    """The admin interface's socket file as a port of this machine."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_admin, to_admin = await asyncio.open_unix_connection(str(admin))
        to_admin.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await from_admin.read())
        for each in (writer, to_admin):
            each.close()
            await each.wait_closed()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_compose_stops_its_gateway_so(start: Start) -> None:
    gateway = await start()
    compose = Path(__file__).parents[2] / "deploy" / "compose.yaml"
    bash, option, script = yaml.safe_load(compose.read_text())["services"]["gateway"]["pre_stop"][0][
        "command"
    ]

    async def slow(_: Request) -> bytes | None:
        await asyncio.sleep(1.5)
        return reply(200)

    gateway.services["token"].behaviour = slow
    asking = asyncio.create_task(gateway.ask("POST", "/t/acme/token"))
    while not gateway.seen():
        await asyncio.sleep(0.01)
    async with on_a_port(gateway.admin) as port:
        command = script.replace("9901", str(port)).replace("$$", "$")
        stopping = await asyncio.create_subprocess_exec(bash, option, command)
        await asyncio.sleep(0.7)
        assert not asking.done()
        assert stopping.returncode is None
        with pytest.raises(OSError, match="Connect call failed"):
            await gateway.ask("POST", "/t/acme/token")
        assert (await asking).status == 200
        assert await asyncio.wait_for(stopping.wait(), 5) == 0  # and not only when the time is up
