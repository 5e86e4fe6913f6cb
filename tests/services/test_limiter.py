"""A limit holds between processes too, whose clocks agree to a second or two."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.local.stack import Stack
from shared.limits import Bucket, Limiter, TooManyTries
from shared.secret import Secret
from shared.valkey import Valkey, open_valkey
from tests.support.clock import FakeClock
from tests.support.seed import some_slug

BUCKET = Bucket(size=10, per_second=2)


@pytest.fixture
async def valkey(stores: Stack) -> AsyncIterator[Valkey]:
    valkey = open_valkey(Secret(stores.environment("authorize")["MTAS_VALKEY_URL"]))
    yield valkey
    await valkey.aclose()


async def passed(limiters: list[Limiter], key: str, number: int) -> int:
    """How many of so many tries, at one limiter after the other, were not refused."""
    refused = 0
    for turn in range(number):
        try:
            await limiters[turn % len(limiters)].spend(key, BUCKET)
        except TooManyTries:
            refused += 1
    return number - refused


async def test_two_processes_whose_clocks_differ_give_no_more_than_one(valkey: Valkey) -> None:
    clock, key = FakeClock(), some_slug()
    behind = Limiter(valkey, "authorize", clock)
    ahead = Limiter(valkey, "authorize", lambda: clock() + timedelta(seconds=2))
    at_once = BUCKET.size + 2 * BUCKET.per_second  # the difference of the clocks, once at most
    assert await passed([behind, ahead], key, 60) <= at_once
    clock.advance(5)
    assert await passed([behind, ahead], key, 60) == BUCKET.size  # what time has brought, from either's sight


async def test_a_process_that_is_behind_is_served_all_the_same(valkey: Valkey) -> None:
    clock, key = FakeClock(), some_slug()
    ahead = Limiter(valkey, "authorize", lambda: clock() + timedelta(seconds=2))
    behind = Limiter(valkey, "authorize", clock)
    assert await passed([ahead], key, 9) == 9
    assert await passed([behind], key, 9) == 1
    clock.advance(4)
    assert await passed([behind], key, 9) == 4  # of which the clock ahead had two seconds already
