"""The grants behind authorization codes, in Valkey. authorize writes them, we read and delete.

What is asked for at once travels together: a command of its own costs the client library as much
as a third of a signature. What is spent waits for more of its kind: one command for many. Order does
not matter, since the database decides (docs/adr/0004).
"""

import asyncio
import contextlib
from collections.abc import Sequence
from contextvars import Context
from typing import Final
from uuid import UUID

from services.token.together import Together
from shared import tracing
from shared.oauth.authorization_code import CodeGrant, code_key, decode_grant
from shared.valkey import Valkey

_FORGET_WITHIN_S: Final = 0.05


class Codes:
    """Raises: what `shared.valkey.UNAVAILABLE` has."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey: Final = valkey
        self._packed: Final = Together(self._get_together)
        self._spent: list[str] = []
        self._deleting: asyncio.Task[None] | None = None  # the loop itself keeps no task alive

    async def find(self, tenant_id: UUID, code: str) -> CodeGrant | None:
        with tracing.in_use.step("valkey", "GET"):
            packed = await self._packed.ask(code_key(tenant_id, code))
        if isinstance(packed, Exception):
            raise packed
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

    async def _get_together(self, keys: Sequence[str]) -> Sequence[bytes | Exception | None]:
        pipeline = self._valkey.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return await pipeline.execute(raise_on_error=False)
