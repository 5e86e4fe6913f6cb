"""What is asked for at once goes together, and everybody gets the answer to their own question."""

import asyncio
from collections.abc import Sequence

import pytest

from services.token import together
from services.token.together import Together


class Answers:
    """Doubles numbers, when it is let; remembers what was asked of it together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        await self.open.wait()
        if 13 in numbers:
            raise OSError("13 was among them")
        return [2 * number for number in numbers]


async def test_what_comes_at_once_goes_together_and_what_comes_meanwhile_next() -> None:
    answers = Answers()
    asked = Together(answers)
    answers.open.clear()
    first = [asyncio.create_task(asked.ask(number)) for number in range(3)]
    await asyncio.sleep(0.01)
    then = [asyncio.create_task(asked.ask(number)) for number in range(3, 9)]
    await asyncio.sleep(0.01)
    answers.open.set()
    assert await asyncio.gather(*first, *then) == [2 * number for number in range(9)]
    assert answers.batches == [[0, 1, 2], [3, 4, 5, 6, 7, 8]]
    assert await asked.ask(9) == 18


async def test_an_error_is_everybodys_of_that_batch_and_of_no_other() -> None:
    asked = Together(Answers())
    found = await asyncio.gather(*(asked.ask(number) for number in (12, 13)), return_exceptions=True)
    assert [type(each) for each in found] == [OSError, OSError]
    assert await asked.ask(14) == 28


@pytest.mark.parametrize("after_s", [0, 0.01], ids=["before it goes", "while it is under way"])
async def test_who_goes_away_takes_nothing_from_the_others(after_s: float) -> None:
    answers = Answers()
    asked = Together(answers)
    answers.open.clear()
    tasks = [asyncio.create_task(asked.ask(number)) for number in range(8)]
    await asyncio.sleep(after_s)
    tasks[3].cancel()
    answers.open.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[3], asyncio.CancelledError)
    assert [each for each in found if isinstance(each, int)] == [0, 2, 4, 8, 10, 12, 14]


async def test_nobody_waits_for_a_batch_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection may be dead, and be so for seconds."""
    monkeypatch.setattr(together, "SLOW_S", 0.05)
    answers = Answers()
    asked = Together(answers)
    answers.open.clear()
    stuck = asyncio.create_task(asked.ask(1))
    await asyncio.sleep(0.01)
    next_one = asyncio.create_task(asked.ask(2))
    await asyncio.sleep(0.01)
    assert answers.batches == [[1]]
    async with asyncio.timeout(5):
        while answers.batches != [[1], [2]]:
            await asyncio.sleep(0.01)
    answers.open.set()
    assert [await stuck, await next_one] == [2, 4]
    assert await asked.ask(3) == 6


async def test_a_batch_that_was_stuck_leaves_what_comes_to_the_one_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or there would be two at a time from then on."""
    monkeypatch.setattr(together, "SLOW_S", 0.05)
    batches: list[list[int]] = []
    ends = {number: asyncio.Event() for number in range(4)}

    async def answer(numbers: Sequence[int]) -> list[int]:
        batches.append(list(numbers))
        await ends[numbers[0]].wait()
        return list(numbers)

    asked = Together(answer)
    stuck = asyncio.create_task(asked.ask(1))
    await asyncio.sleep(0.1)  # it is waited for no more
    monkeypatch.setattr(together, "SLOW_S", 60)
    after_it = asyncio.create_task(asked.ask(2))
    await asyncio.sleep(0.01)
    last = asyncio.create_task(asked.ask(3))
    await asyncio.sleep(0.01)
    ends[1].set()
    assert await stuck == 1
    await asyncio.sleep(0.01)
    assert batches == [[1], [2]]
    ends[2].set()
    ends[3].set()
    assert [await after_it, await last] == [2, 3]
    assert batches == [[1], [2], [3]]
