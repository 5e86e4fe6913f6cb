"""Limits on guessing and the pool that hashes: what sign-in stands on, in authorize as well."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.local.stack import Stack
from shared.http.errors import Unavailable
from shared.limits import Bucket, Limiter, TooManyTries, Tries, address_key
from shared.passwords import Passwords
from shared.secret import Secret
from shared.valkey import open_valkey
from tests.support.clock import FakeClock

TRIES = Tries(free=3, first_delay=timedelta(seconds=1), longest_delay=timedelta(seconds=8), stop=10)


@pytest.fixture
async def limiter(stores: Stack, clock: FakeClock) -> AsyncIterator[Limiter]:
    valkey = open_valkey(Secret(stores.environment("admin")["MTAS_VALKEY_URL"]))
    yield Limiter(valkey, "admin", clock)
    await valkey.aclose()


async def waits(limiter: Limiter, key: str, tries: Tries = TRIES) -> int:
    try:
        await limiter.count_try(key, tries)
    except TooManyTries as limit:
        return limit.retry_after_s
    return 0


async def test_of_64_tries_at_once_the_free_ones_pass(limiter: Limiter) -> None:
    key = os.urandom(8).hex()
    answers = await asyncio.gather(*(waits(limiter, key) for _ in range(64)))
    assert answers.count(0) == 3


async def test_the_wait_doubles_to_the_longest_and_then_there_is_an_end(
    limiter: Limiter, clock: FakeClock
) -> None:
    key = os.urandom(8).hex()
    seen: list[int] = []
    while sum(seen) < 1000:
        seen.append(await waits(limiter, key))
        clock.advance(seen[-1] if seen[-1] < 1000 else 3600)
    assert seen[:17] == [0, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 8, 0, 8, 0, 8, 0]
    assert 80_000 < seen[17] <= 86_400  # ten tries were looked at: none for a day
    assert await waits(limiter, key) > 0


async def test_forgiving_begins_anew(limiter: Limiter) -> None:
    key = os.urandom(8).hex()
    for _ in range(5):
        await waits(limiter, key)
    await limiter.forgive(key)
    assert [await waits(limiter, key) for _ in range(3)] == [0, 0, 0]


async def test_keys_do_not_collide(limiter: Limiter) -> None:
    key = os.urandom(8).hex()
    for _ in range(4):
        await waits(limiter, key)
    assert await waits(limiter, key + "x") == 0


async def test_a_bucket_empties_and_refills(limiter: Limiter, clock: FakeClock) -> None:
    key, bucket = os.urandom(8).hex(), Bucket(size=4, per_second=0.5)

    async def spend() -> int:
        try:
            await limiter.spend(key, bucket)
        except TooManyTries as limit:
            return limit.retry_after_s
        return 0

    answers = await asyncio.gather(*(spend() for _ in range(32)))
    assert (answers.count(0), max(answers)) == (4, 2)
    clock.advance(2)
    assert [await spend(), await spend()] == [0, 2]
    clock.advance(3600)
    assert [await spend() for _ in range(5)] == [0, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_an_ipv6_client_is_its_64(address: str, key: str) -> None:
    assert address_key(address) == key


async def test_passwords_are_hashed_so_many_at_a_time_and_so_many_wait() -> None:
    passwords = Passwords(workers=1, waiting=3, waiting_each=3)
    answers = await asyncio.gather(
        *(passwords.hash(None, "x" * 15) for _ in range(10)), return_exceptions=True
    )
    assert [isinstance(answer, Unavailable) for answer in answers].count(True) == 6
    assert await passwords.verify(None, "x" * 15, next(a for a in answers if isinstance(a, str)))
    passwords.close()


async def test_who_hangs_up_does_not_free_a_worker_that_is_at_work() -> None:
    passwords = Passwords(workers=1, waiting=0)
    task = asyncio.create_task(passwords.hash(None, "x" * 15))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(Unavailable):
        await passwords.hash(None, "y" * 15)
    await asyncio.sleep(0.5)
    assert await passwords.hash(None, "y" * 15)
    passwords.close()


async def test_a_password_is_the_same_from_every_keyboard() -> None:
    passwords = Passwords()
    composed, decomposed = "sch\u00f6ne neue welt 1", "scho\u0308ne neue welt 1"
    stored = await passwords.hash(None, composed)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(None, decomposed, stored)
    assert not await passwords.verify(None, composed, None)
    assert not passwords.needs_rehash(stored)
    assert passwords.needs_rehash("$argon2id$v=19$m=8192,t=1,p=1$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ")
    passwords.close()
