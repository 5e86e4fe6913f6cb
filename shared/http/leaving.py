"""Leaving, so that nobody notices: between SIGTERM and the end of listening.

An idle connection that the service closes may at that moment be carrying the gateway's next request, which
then has no answer, and may not be sent again. So it is the gateway that lets go first: every answer from now
on asks it to close the connection, and to choose other instances, at once and not only at the next health
check (Envoy's `x-envoy-immediate-health-check-fail`). When no request has come for a moment, nobody is left
who is busy; a gateway that was idle learns it by its next health check, if it is given the time for one.
"""

import asyncio
from collections.abc import Callable
from typing import Final

HEADERS: Final = ((b"connection", b"close"), (b"x-envoy-immediate-health-check-fail", b"true"))
QUIET_S: Final = 0.2
LONGEST_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.02

_leaving = False


def is_leaving() -> bool:
    return _leaving


def headers() -> tuple[tuple[bytes, bytes], ...]:
    """What an answer has to say about it."""
    return HEADERS if _leaving else ()


async def leave(requests: Callable[[], int], at_least_s: float = 0) -> None:
    """Returns once nobody asks any more. `requests`: how many have come so far."""
    global _leaving
    _leaving = True
    loop = asyncio.get_running_loop()
    began = quiet_since = loop.time()
    seen = requests()
    while (elapsed := loop.time() - began) < LONGEST_S or elapsed < at_least_s:
        if loop.time() - quiet_since >= QUIET_S and elapsed >= at_least_s:
            return
        await asyncio.sleep(_LOOK_EVERY_S)
        if (now := requests()) != seen:
            seen, quiet_since = now, loop.time()
