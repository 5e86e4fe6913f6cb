"""The grants behind authorization codes, in Valkey. authorize writes them, we read and delete.

What is asked for at once travels together: a command of its own costs the client library as much
as a third of a signature. What is spent waits for more of its kind: one command for many. Order does
not matter, since the database decides (docs/adr/0004).
"""

import asyncio
import contextlib
from contextvars import Context
from typing import Any, Final
from uuid import UUID

from shared import tracing
from shared.oauth.authorization_code import CodeGrant, code_key, decode_grant
from shared.valkey import Valkey

_FORGET_WITHIN_S: Final = 0.05


class Codes:
    """One batch is under way at a time; whatever comes meanwhile is the next."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey: Final = valkey
        self._asked: list[tuple[str, asyncio.Future[Any]]] = []
        self._spent: list[str] = []
        self._worker: asyncio.Task[None] | None = None
        self._deleting: asyncio.Task[None] | None = None  # the loop itself keeps no task alive

    async def find(self, tenant_id: UUID, code: str) -> CodeGrant | None:
        """Raises: what `shared.valkey.UNAVAILABLE` has."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append((code_key(tenant_id, code), answer))
        self._work()
        with tracing.in_use.step("valkey", "GET"):
            packed = await answer
        return decode_grant(packed) if packed is not None else None

    def forget(self, tenant_id: UUID, code: str) -> None:
        """Soon, together with the others of that time. Where that fails, the code's lifetime does it."""
        if not self._spent:
            asyncio.get_running_loop().call_later(_FORGET_WITHIN_S, self._begin_to_delete)
        self._spent.append(code_key(tenant_id, code))

    def _begin_to_delete(self) -> None:
        self._deleting = asyncio.create_task(self._delete(), context=Context())

    async def _delete(self) -> None:
        spent, self._spent = self._spent, []
        with contextlib.suppress(Exception):
            await self._valkey.delete(*spent)

    def _work(self) -> None:
        if self._worker is None and self._asked:
            # Nobody's request: it works for all of them, one after the other.
            self._worker = asyncio.create_task(self._batches(), context=Context())
            self._worker.add_done_callback(self._worked)

    def _worked(self, _worker: "asyncio.Task[None]") -> None:
        self._worker = None
        self._work()

    async def _batches(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            answers: list[Any]
            try:
                pipeline = self._valkey.pipeline(transaction=False)
                for key, _ in asked:
                    pipeline.get(key)
                answers = await pipeline.execute(raise_on_error=False)
            except Exception as error:
                answers = [error] * len(asked)
            except asyncio.CancelledError:
                for _, future in asked:
                    future.cancel()
                raise
            _give(asked, answers)


def _give(asked: list[tuple[str, "asyncio.Future[Any]"]], answers: list[Any]) -> None:
    for (_, future), answer in zip(asked, answers, strict=True):
        if future.done():  # nobody waits any more
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
