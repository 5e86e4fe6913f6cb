"""Between SIGTERM and the end of listening: until nobody asks any more, and everybody has heard of it."""

import asyncio

import pytest

from shared.http import leaving


@pytest.fixture(autouse=True)
def _is_back_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_leaving", False)
    monkeypatch.setattr(leaving, "LONGEST_S", 0.6)


async def _left_after(at_least_s: float, *, busy: bool = False) -> float:
    """Seconds. `busy`: a request comes every time that somebody looks."""
    loop = asyncio.get_running_loop()
    seen = 0

    def requests() -> int:
        nonlocal seen
        seen += busy
        return seen

    began = loop.time()
    await leaving.leave(requests, at_least_s)
    return loop.time() - began


async def test_nobody_asks_so_it_goes_after_a_moment() -> None:
    assert leaving.QUIET_S <= await _left_after(0) < 0.5
    assert leaving.headers() == leaving.HEADERS


async def test_somebody_always_asks_so_it_goes_at_the_longest() -> None:
    assert 0.6 <= await _left_after(0, busy=True) < 0.9


@pytest.mark.parametrize("busy", [False, True])
async def test_everybody_is_given_the_time_to_hear_of_it(busy: bool) -> None:
    assert 0.9 <= await _left_after(0.9, busy=busy) < 1.2
