"""What is asked for at once goes together: one round trip for many (docs/adr/0029-decided-together.md)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

SLOW_S: Final = 0.1


class Together(Generic[Q, A]):
    """One batch is under way at a time; whatever comes meanwhile is the next.

    `answer` gives an answer to each question, in their order; what it raises, each of them raises. Nobody
    waits for a batch that takes longer than `SLOW_S`: its connection may be dead.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._answer: Final = answer
        self._asked: list[tuple[Q, asyncio.Future[A]]] = []
        self._worker: asyncio.Task[None] | None = None  # whose batch is waited for
        self._working: Final[set[asyncio.Task[None]]] = set()  # the loop itself keeps no task alive

    async def ask(self, question: Q) -> A:
        """Who goes away meanwhile takes nothing from the others."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._asked.append((question, answer))
        self._work()
        return await answer

    def _work(self) -> None:
        if self._worker is None and self._asked:
            # Nobody's request: it works for all of them, one batch after the other.
            self._worker = asyncio.create_task(self._batches(), context=Context())
            self._working.add(self._worker)
            self._worker.add_done_callback(self._ended)

    def _ended(self, worker: "asyncio.Task[None]") -> None:
        self._working.discard(worker)
        self._wait_no_more_for(worker)

    def _wait_no_more_for(self, worker: "asyncio.Task[None]") -> None:
        if self._worker is worker:
            self._worker = None
            self._work()

    async def _batches(self) -> None:
        worker = asyncio.current_task()
        assert worker is not None
        while self._asked and self._worker is worker:
            asked, self._asked = self._asked, []
            slow = asyncio.get_running_loop().call_later(SLOW_S, self._wait_no_more_for, worker)
            try:
                await self._answer_all(asked)
            finally:
                slow.cancel()

    async def _answer_all(self, asked: "list[tuple[Q, asyncio.Future[A]]]") -> None:
        try:
            answers = await self._answer([question for question, _ in asked])
        except Exception as error:
            for future in _still_awaited(asked):
                future.set_exception(error)
        except asyncio.CancelledError:
            for future in _still_awaited(asked):
                future.cancel()
            raise
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _still_awaited(asked: "list[tuple[Q, asyncio.Future[A]]]") -> "list[asyncio.Future[A]]":
    return [future for _, future in asked if not future.done()]
