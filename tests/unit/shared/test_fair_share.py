"""Taking turns by tenant: who waits for whom, who is refused, and that no slot is lost on the way."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest

from shared.fair_share import FEWEST_NEWCOMERS, FairShare
from shared.unavailable import Unavailable


class Line:
    """Work that ends when it is told to; `began` holds who began, in order."""

    def __init__(self, share: FairShare) -> None:
        self.share = share
        self.began: list[str] = []
        self._ends: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *names: str) -> None:
        """Each is of the tenant that its first letter names."""
        for name in names:
            self.tasks.append(asyncio.create_task(self._work(name)))
        await settle()

    async def end_one(self) -> None:
        self._ends.pop(0).set()
        await settle()

    async def end_all(self) -> None:
        while self._ends:
            await self.end_one()

    async def _work(self, name: str) -> None:
        async with self.share.of(name[0]):
            self.began.append(name)
            end = asyncio.Event()
            self._ends.append(end)
            await end.wait()


LINES: list[Line] = []


@pytest.fixture(autouse=True)
async def _nobody_stays() -> AsyncIterator[None]:
    yield
    for task in (left := [task for each in LINES for task in each.tasks]):
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    LINES.clear()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def line(
    slots: int = 1, *, each: int | None = None, few: int = 0, waiting: int = 100, waiting_each: int = 100
) -> Line:
    LINES.append(Line(FairShare(slots, each=each, few=few, waiting=waiting, waiting_each=waiting_each)))
    return LINES[-1]


@pytest.mark.parametrize("slots", [1, 3])
async def test_a_stream_of_newcomers_keeps_nobody_waiting(slots: int) -> None:
    """With many tenants there is always one that has not had a turn."""
    work = line(slots)
    await work.come(*(f"a{n}" for n in range(slots + 1)))
    for ended in range(20):
        await work.come(chr(ord("b") + ended))
        await work.end_one()
        if f"a{slots}" in work.began:
            break
    assert f"a{slots}" in work.began
    assert len(work.began) <= slots + FEWEST_NEWCOMERS + 2


@pytest.mark.parametrize("few", [0, 8])
@pytest.mark.parametrize("slots", [1, 2, 5])
async def test_who_comes_newly_waits_for_one_slot_and_no_more(slots: int, few: int) -> None:
    work = line(slots, few=few)
    await work.come(*(f"a{n}" for n in range(50)))
    await work.come("b")
    await work.end_one()
    assert work.began[-1] == "b"
    assert len(work.began) == slots + 1


async def test_tenants_take_turns_however_many_each_has() -> None:
    work = line()
    await work.come("a0", "a1", "a2", "a3", "b1", "b2", "b3", "c1")
    await work.end_all()
    assert work.began == ["a0", "b1", "c1", "a1", "b2", "a2", "b3", "a3"]


async def test_while_nobody_crowds_whoever_came_first_is_first() -> None:
    work = line(few=2)
    await work.come("a0", "a1", "a2", "b1", "c1", "b2")
    await work.end_all()
    assert work.began == ["a0", "a1", "a2", "b1", "c1", "b2"]


async def test_they_take_turns_only_as_long_as_a_tenant_crowds() -> None:
    work = line(few=2)
    await work.come("a0", "a1", "a2", "a3", "b1", "b2", "c1")
    await work.end_all()
    assert work.began == ["a0", "b1", "c1", "a1", "a2", "a3", "b2"]


async def test_in_line_too_who_holds_its_most_is_passed_over() -> None:
    work = line(2, each=1, few=2)
    await work.come("a0", "a1", "b0", "b1", "c0")
    assert work.began == ["a0", "b0"]
    work._ends.pop().set()  # b0's
    await settle()
    assert work.began[2:] == ["b1"]
    await work.end_all()
    assert work.began[3:] == ["a1", "c0"]


async def test_who_comes_again_and_again_is_not_new_each_time() -> None:
    """One at a time is no way to be always first."""
    work = line()
    await work.come("a0", "a1", "a2", "b0")
    for n in range(1, 3):
        await work.end_one()
        await work.come(f"b{n}")
    await work.end_all()
    assert work.began == ["a0", "b0", "a1", "b1", "a2", "b2"]


async def test_work_that_never_waits_is_not_done_in_the_order_it_came() -> None:
    """What came in the same turn of the loop is heard before the next one begins."""
    share = FairShare(10, each=8, waiting=1000, waiting_each=1000)
    done: list[str] = []

    async def work(tenant: str) -> None:
        async with share.of(tenant):
            done.append(tenant)

    storm = [asyncio.create_task(work("a")) for _ in range(200)]
    await asyncio.sleep(0)
    await work("b")
    assert done.index("b") <= 16
    await asyncio.gather(*storm)


async def test_no_tenant_holds_every_slot_when_it_may_not() -> None:
    work = line(10, each=8)
    await work.come(*(f"a{n}" for n in range(20)))
    assert len(work.began) == 8
    await work.come("b")  # although a waits: two slots are kept from it
    assert work.began[-1] == "b"
    await work.end_all()
    assert len(work.began) == 21


async def test_more_than_may_wait_are_refused() -> None:
    work = line(waiting_each=2)
    await work.come("a0", "a1", "a2", "a3", "b")
    with pytest.raises(Unavailable):
        await work.tasks[3]
    await work.end_all()
    assert work.began == ["a0", "b", "a1", "a2"]
    assert work.share.counters.refused == 1


async def test_the_longest_queue_gives_way_to_who_has_none() -> None:
    work = line(waiting=3)
    await work.come("a0", "a1", "a2", "a3", "b")
    with pytest.raises(Unavailable):
        await work.tasks[3]  # the last of a's
    await work.come("a4")  # and a gets no place by asking anew
    with pytest.raises(Unavailable):
        await work.tasks[5]
    await work.end_all()
    assert work.began == ["a0", "b", "a1", "a2"]


async def test_nobody_waits_for_ever() -> None:
    share = FairShare(1, waiting=10, waiting_each=10, patience_s=0.01)
    await share.enter("a")
    with pytest.raises(Unavailable):
        await share.enter("b")
    share.leave("a")
    await share.enter("b")
    assert share.counters.waiting == 0


async def test_who_hangs_up_takes_no_turn() -> None:
    work = line()
    await work.come("a0", "b0", "c0")
    work.tasks[1].cancel()
    await work.end_all()
    assert work.began == ["a0", "c0"]


async def test_who_hangs_up_as_the_turn_comes_passes_it_on() -> None:
    work = line()
    await work.come("a0", "b0", "c0")
    work._ends.pop().set()
    while not work.tasks[0].done():
        await asyncio.sleep(0)
    work.tasks[1].cancel()  # has its turn by now, and has not begun
    await settle()
    await work.end_all()
    assert "c0" in work.began


async def test_waits_are_counted() -> None:
    work = line()
    await work.come("a0", "a1", "b0")
    counters = work.share.counters
    assert (counters.running, counters.waiting, counters.entered, counters.waited) == (1, 2, 1, 0)
    await work.end_all()
    assert (counters.running, counters.waiting, counters.entered, counters.waited) == (0, 0, 3, 2)
    assert 0 < counters.longest_wait_s <= counters.wait_s


@pytest.mark.parametrize("seed", range(20))
async def test_no_slot_is_lost_whatever_happens(seed: int) -> None:
    """Many come, hang up, lose patience and are refused: at the end all slots are free again."""
    chance = random.Random(seed)
    share = FairShare(3, each=2, few=seed % 4, waiting=20, waiting_each=8, patience_s=0.005)
    most = 0

    async def work(tenant: str) -> None:
        nonlocal most
        await pause(chance.random)
        async with share.of(tenant):
            most = max(most, share.counters.running)
            await pause(chance.random)

    tasks = [asyncio.create_task(work(chance.choice("aaaabcd"))) for _ in range(300)]
    for task in chance.sample(tasks, 80):
        await pause(chance.random)
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in answers} <= {type(None), asyncio.CancelledError, Unavailable}
    assert most == 3
    assert (share.counters.running, share.counters.waiting) == (0, 0)
    for tenant in "xyz":
        await asyncio.wait_for(share.enter(tenant), 1)


async def pause(chance: Callable[[], float]) -> None:
    await asyncio.sleep(0 if chance() < 0.5 else chance() * 0.004)


async def test_a_round_is_over_when_the_last_who_waits_goes_away() -> None:
    work = line()
    await work.come("a0", "a1", "b0")
    await work.end_one()  # b0 has had its turn while a1 waits
    work.tasks[1].cancel()
    await settle()
    await work.end_all()
    await work.come("c0", "b1", "a2")
    await work.end_all()
    assert work.began == ["a0", "b0", "c0", "b1", "a2"]
    await asyncio.gather(*work.tasks, return_exceptions=True)
