"""Jobs beside the requests end when the service does."""

import asyncio
import contextlib

from shared.service import background


async def test_a_job_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 2:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            swallowed += 1
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with background(stubborn()):
            await asyncio.sleep(0)
    assert swallowed == 2
