"""The bus, where no server is needed to show it."""

from typing import Any

from shared.events.bus import Bus
from shared.events.envelope import CloudEvent
from shared.secret import Secret


class Nothing:
    """A subscription whose fetch ends early: the server had something else to say than a message."""

    async def fetch(self, _batch: int, timeout: float) -> list[Any]:  # noqa: ASYNC109  # the client library's
        return []


async def test_a_fetch_that_brings_nothing_ends_no_consumer() -> None:
    async def handle(event: CloudEvent) -> None:
        raise AssertionError(event)

    await Bus(Secret("nats://127.0.0.1:1"), "admin")._consume_batch(Nothing(), "admin", handle, 1)
