"""kill -9 of PostgreSQL and of a token process under load: what was said stays so, on a real disk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import pytest

from deploy.local.stack import Stack
from tests.race import arena
from tests.race.arena import Arena, Grant
from tests.race.wire import Answer, Lost

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Stack(tmp_path_factory.mktemp("crash") / "data", services=(), spare_ports=True)


@pytest.fixture(scope="module")
async def opened(durable: Stack) -> AsyncIterator[Arena]:
    with durable:
        async with arena.opened(durable) as opened:
            yield opened


async def patiently(opened: Arena, grant: Grant, endpoint: str = "token") -> Answer:
    """The live token to one of the two endpoints, until there is an answer."""
    async with asyncio.timeout(PATIENCE_S):
        for at in range(1_000_000):
            with suppress(Lost, OSError):
                if endpoint == "token":
                    answer = await opened.refresh(at % 2, grant.caller, grant.tokens[-1])
                else:
                    answer = await opened.ask(at % 2, endpoint, grant.caller, token=grant.tokens[-1])
                if answer.status < 500:
                    return answer
            await asyncio.sleep(0.02)
    raise AssertionError


async def live_on(opened: Arena, grant: Grant, stop: asyncio.Event) -> None:
    """Refresh, and refresh again, and never be refused."""
    while not stop.is_set():
        answer = await patiently(opened, grant)
        assert answer.status == 200, answer
        grant.tokens.append(answer.body["refresh_token"])
        grant.access_token = answer.body["access_token"]


async def restart_postgres(durable: Stack, opened: Arena) -> None:
    durable.kill("postgres")
    await asyncio.to_thread(durable.restart, "postgres")
    await opened.reconnect()


async def test_rotations_that_postgres_lost_are_fast_forwarded(durable: Stack, opened: Arena) -> None:
    """They commit asynchronously: what was not on disk is gone, and nobody is logged out."""
    draw = Random(1)
    lost = []
    for _ in range(2):
        grants = [await opened.grant(draw, opened.patient) for _ in range(4)]
        for _ in range(3):
            for grant in grants:
                grant.tokens.append((await patiently(opened, grant)).body["refresh_token"])
        await restart_postgres(durable, opened)
        for grant in grants:
            family = await opened.family(grant.family_id)
            assert family is not None, "a family that was acknowledged is gone"
            lost.append(3 - family["generation"])
            answer = await patiently(opened, grant)
            assert answer.status == 200, answer
            family = await opened.family(grant.family_id)
            assert family is not None
            assert (family["generation"], family["revoked_at"]) == (4, None)
    assert max(lost) > 0, "nothing was lost, so this has shown nothing"


@pytest.mark.parametrize("victim", ["token", "postgres"])
async def test_kill_minus_nine_under_load(durable: Stack, opened: Arena, victim: str) -> None:
    draw, stop = Random(2), asyncio.Event()
    living = [await opened.grant(draw, opened.patient) for _ in range(8)]
    doomed = [await opened.grant(draw, opened.patient, rotations=1) for _ in range(24)]
    workers = [asyncio.create_task(live_on(opened, grant, stop)) for grant in living]
    revoking = asyncio.gather(*(patiently(opened, grant, "revoke") for grant in doomed))
    await asyncio.sleep(0.03)
    if victim == "postgres":
        await restart_postgres(durable, opened)
    else:
        process = opened.processes[0]
        process.kill()
        process.spawn()
        await asyncio.to_thread(process.wait_ready, 30)
    told = await revoking
    await asyncio.sleep(0.2)
    stop.set()
    await asyncio.gather(*workers)
    assert {answer.status for answer in told} == {200}
    for at, grant in enumerate(doomed):
        assert not await opened.is_active(at % 2, grant.caller, grant.access_token)
        assert (await opened.refresh(at % 2, grant.caller, grant.tokens[-1])).status == 400
    for at, grant in enumerate(living):
        assert len(grant.tokens) > 1
        assert len(set(grant.tokens)) == len(grant.tokens)
        assert await opened.is_active(at % 2, grant.caller, grant.access_token)
        family = await opened.family(grant.family_id)
        assert family is not None
        assert (family["generation"], family["revoked_at"]) == (len(grant.tokens) - 1, None)
