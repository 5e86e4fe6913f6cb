"""The record cache: one load a key, bounded in age and number, and honest about changes."""

import asyncio

import pytest

from shared.cache import RecordCache


class Source:
    """Counts loads; `value` is what it gives, `gate` holds a load open."""

    def __init__(self) -> None:
        self.loads = 0
        self.value: str | None = "one"
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, _key: str) -> str | None:
        self.loads += 1
        value = self.value
        await self.gate.wait()
        if self.error:
            raise self.error
        return value


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_many_askers_cause_one_load() -> None:
    source = Source()
    source.gate.clear()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10)
    asked = [asyncio.create_task(cache.get("k")) for _ in range(20)]
    await asyncio.sleep(0)
    source.gate.set()
    assert set(await asyncio.gather(*asked)) == {"one"}
    assert source.loads == 1


async def test_a_value_lives_until_its_ttl_and_a_miss_for_a_second() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10, now=timer)
    await cache.get("k")
    timer.now = 9.9
    await cache.get("k")
    assert source.loads == 1
    timer.now = 10.0
    source.value = None
    assert await cache.get("k") is None
    timer.now = 11.0
    source.value = "two"
    assert await cache.get("k") == "two"


async def test_max_age_asks_again() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10, now=timer)
    await cache.get("k")
    timer.now = 1.0
    await cache.get("k", max_age_s=1.0)
    assert source.loads == 2


async def test_forgetting_during_a_load_wins_over_it() -> None:
    source = Source()
    source.gate.clear()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10)
    before = asyncio.create_task(cache.get("k"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cache.forget("k")
    source.value = "two"
    source.gate.set()
    assert await before == "one"
    assert await cache.get("k") == "two"


async def test_old_values_serve_while_loading_fails_and_only_then() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10, stale_on_error_s=60, now=timer)
    await cache.get("k")
    source.error = ConnectionError()
    timer.now = 69.0
    assert await cache.get("k") == "one"
    timer.now = 70.0
    with pytest.raises(ConnectionError):
        await cache.get("k")


async def test_an_old_miss_is_no_answer_when_loading_fails() -> None:
    """What did not exist a minute ago may since: "unknown" would be a guess, and final to a client."""
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=300, size=10, now=timer)
    source.value = None
    assert await cache.get("k") is None
    source.error = ConnectionError()
    for timer.now in (60.0, 60.1):
        with pytest.raises(ConnectionError):
            await cache.get("k")


async def test_who_wants_it_fresh_does_not_get_an_old_value_when_loading_fails() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=300, size=10, now=timer)
    await cache.get("k")
    source.error = ConnectionError()
    for timer.now in (60.0, 60.1):
        with pytest.raises(ConnectionError):
            await cache.get("k", max_age_s=1.0)
        assert await cache.get("k") == "one"


async def test_the_least_recently_used_goes_first() -> None:
    source = Source()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=2)
    for key in ("a", "b", "a", "c", "a"):
        await cache.get(key)
    assert source.loads == 3
    await cache.get("b")
    assert source.loads == 4


async def test_what_does_not_exist_crowds_out_nothing() -> None:
    """Anybody may ask for it, as often as they like; and what is kept must serve while loading fails."""
    source = Source()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=4)
    for key in ("a", "b", "c"):
        await cache.get(key)
    source.value = None
    for number in range(10):
        await cache.get(f"nobody-{number}")
        await cache.get(f"nobody-{number}")
    assert source.loads == 3 + 10, "a miss is kept for a moment all the same"
    for key in ("a", "b", "c"):
        assert await cache.get(key) == "one"
    assert source.loads == 3 + 10


async def test_from_half_of_its_time_on_a_value_is_loaded_anew_while_it_serves() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10, now=timer)
    await cache.get("k")
    timer.now = 9.0
    source.value = "two"
    source.gate.clear()
    assert [await cache.get("k") for _ in range(3)] == ["one"] * 3
    await asyncio.sleep(0)
    assert source.loads == 2
    source.gate.set()
    await asyncio.sleep(0.01)
    assert await cache.get("k") == "two"
    timer.now = 18.0
    await cache.get("k")
    await asyncio.sleep(0.01)
    assert source.loads == 3


async def test_what_was_loaded_at_once_is_not_loaded_anew_at_once() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=100, size=1000, now=timer)
    keys = [str(number) for number in range(400)]
    loads = []
    for timer.now in (0.0, 49.0, 60.0, 80.0, 90.0):
        for key in keys:
            await cache.get(key)
        await asyncio.sleep(0.01)
        loads.append(source.loads)
    assert loads[:2] == [400, 400], "nothing is loaded anew before half of its time"
    assert 440 < loads[2] < 560, "a quarter"
    assert 640 < loads[3] < 760, "three quarters"
    assert loads[4] == 800, "all, before any of them ends"


async def test_loading_anew_may_fail_without_anyone_noticing() -> None:
    source, timer = Source(), Timer()
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=10, size=10, now=timer)
    await cache.get("k")
    source.error = ConnectionError()
    timer.now = 9.0
    assert await cache.get("k") == "one"
    await asyncio.sleep(0.01)
    assert await cache.get("k") == "one"
    assert source.loads == 2
    timer.now = 10.0
    with pytest.raises(ConnectionError):
        await cache.get("k")


async def test_a_value_gets_older_while_its_changes_are_heard() -> None:
    source, timer = Source(), Timer()
    ttl_s = 300.0
    cache: RecordCache[str, str] = RecordCache(source, ttl_s=lambda: ttl_s, size=10, now=timer)
    await cache.get("k")
    timer.now = 100.0
    await cache.get("k")
    assert source.loads == 1
    ttl_s = 30.0
    timer.now = 101.0
    await cache.get("k")
    assert source.loads == 2


async def test_what_was_cleared_is_not_fresh_again_when_changes_are_heard_again() -> None:
    source, timer = Source(), Timer()
    ttl_s = 30.0
    cache: RecordCache[str, str] = RecordCache(
        source, ttl_s=lambda: ttl_s, size=10, stale_on_error_s=60, now=timer
    )
    await cache.get("k")
    cache.clear()
    ttl_s = 300.0
    source.error = ConnectionError()
    assert await cache.get("k") == "one"
    source.error, source.value = None, "two"
    timer.now = 2.0
    assert await cache.get("k") == "two"
