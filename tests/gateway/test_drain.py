"""Stopping without dropping anybody."""

import asyncio

import pytest

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
