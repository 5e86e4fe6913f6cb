"""Time and randomness, injected so that tests decide both."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present as an aware UTC datetime."""

Entropy = Callable[[int], bytes]
"""Gives that many random bytes."""


def utc_now() -> datetime:
    return datetime.now(UTC)


random_bytes: Entropy = os.urandom
