"""A storm of requests at one tenant costs another no more than its turn."""

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from services.token.app import create_app
from services.token.flows import fairness, minting, pipeline
from services.token.flows.minting import TokenResponse
from services.token.settings import Settings
from shared.settings import load
from tests.services.token.conftest import World, a_world
from tests.support.clock import FakeClock
from tests.support.seed import Seed
from tests.support.serve import serve

STORM = 40
ENDPOINTS = ("token", "introspect", "revoke")


@pytest.fixture
async def two(
    stores: Stack, seed: Seed, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[World, World]]:
    """Two tenants of an instance of their own, whose clients open as many connections as they like."""
    monkeypatch.setattr(fairness, "WAITING_EACH", 24)
    environment = stores.environment("token", MTAS_NATS_URL="nats://127.0.0.1:1")
    app = create_app(load(Settings, environment), clock=clock)
    async with (
        serve(app) as url,
        a_world(stores, seed, clock, url) as stormed,
        a_world(stores, seed, clock, url) as neighbour,
        httpx2.AsyncClient(
            base_url=url, limits=httpx2.Limits(max_connections=STORM), timeout=20
        ) as connections,
    ):
        await stormed.http.aclose()
        stormed.http = connections
        yield stormed, neighbour


@asynccontextmanager
async def locked(stores: Stack, world: World) -> AsyncIterator[None]:
    """The tenant's families cannot be written: whoever decides about one waits in the database."""
    connection = await asyncpg.connect(stores.postgres.superuser_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "select from token.families where tenant_id = $1 for update", world.tenant_id
            )
            yield
    finally:
        await connection.close()


async def waiting_in_the_database(seed: Seed) -> int:
    (row,) = await seed.fetch("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    return int(row["count"])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_one_tenants_locks_are_not_anothers(
    two: tuple[World, World], stores: Stack, seed: Seed, endpoint: str
) -> None:
    """Nobody of the stormed tenant gets an answer meanwhile, and the neighbour gets every one."""
    stormed, neighbour = two
    token = (await stormed.sign_in())["refresh_token"]
    at_home = (await neighbour.sign_in())["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    async with locked(stores, stormed):
        storm = [asyncio.create_task(stormed.post("token", form)) for _ in range(STORM)]
        while await waiting_in_the_database(seed) < 8:
            await asyncio.sleep(0.01)
        for _ in range(3):
            answer = await neighbour.post(
                endpoint, {"grant_type": "refresh_token", "refresh_token": at_home, "token": at_home}
            )
            assert answer.status_code == 200, answer.text
            if endpoint == "token":
                at_home = answer.json()["refresh_token"]
        answered = [task.result() for task in storm if task.done()]
        assert {each.status_code for each in answered} <= {503}
    answers = await asyncio.gather(*storm)
    assert [each.status_code for each in answers].count(200) == 8 + 24


async def test_over_its_share_a_tenant_is_told_to_come_back(
    two: tuple[World, World], stores: Stack, seed: Seed
) -> None:
    stormed, _ = two
    token = (await stormed.sign_in())["refresh_token"]
    async with locked(stores, stormed):
        storm = [asyncio.create_task(stormed.refresh(token)) for _ in range(STORM)]
        while sum(task.done() for task in storm) < STORM - 8 - 24:
            await asyncio.sleep(0.01)
        for task in storm:
            if task.done():
                assert task.result().status_code == 503
                assert task.result().json()["error"] == "temporarily_unavailable"
                assert int(task.result().headers["retry-after"]) > 0
    await asyncio.gather(*storm)


async def test_signing_for_one_tenant_is_not_waited_for_by_another(
    two: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Client credentials need no store, only the processor: here the event loop would be the queue."""
    stormed, neighbour = two
    minted: list[str] = []

    def watch(context: Any, tenant: Any, *rest: Any) -> TokenResponse:
        minted.append(tenant.slug)
        return minting.mint(context, tenant, *rest)

    monkeypatch.setattr(pipeline, "mint", watch)
    for world in two:
        await world.seed.execute(
            "update admin.clients set grant_types = array['client_credentials'] where tenant_id = $1",
            world.tenant_id,
        )
        assert (await world.post("token", {"grant_type": "client_credentials"})).status_code == 200
    minted.clear()
    with contextlib.ExitStack() as sockets:
        connections = [sockets.enter_context(open_to(world)) for world in (*[stormed] * 32, neighbour)]
        await asyncio.sleep(0.1)
        for world, connection in zip((*[stormed] * 32, neighbour), connections, strict=True):
            connection.sendall(raw_request(world))  # all are there before the service looks once
        while len(minted) < len(connections):
            await asyncio.sleep(0.001)
    assert minted.index(neighbour.slug) <= 16, "the neighbour's came after most of the storm"


def open_to(world: World) -> socket.socket:
    return socket.create_connection((world.http.base_url.host, world.http.base_url.port))


def raw_request(world: World) -> bytes:
    basic = base64.b64encode(f"{world.client_id}:{world.client_secret}".encode()).decode()
    body = "grant_type=client_credentials"
    return (
        f"POST /t/{world.slug}/token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
