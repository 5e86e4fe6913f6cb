"""Valkey through redis-py: short-lived things only; what must survive is in PostgreSQL."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared import tracing
from shared.secret import Secret


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Imports inside find no such package."""
    there = sys.modules.pop(package, None)
    sys.modules[package] = None  # type: ignore[assignment]
    yield
    del sys.modules[package]
    if there is not None:
        sys.modules[package] = there


# For metrics of its own, which nobody asked for, redis-py loads OpenTelemetry wherever it is installed: 8 MB.
with _without("opentelemetry"):
    import redis.asyncio
    import redis.exceptions
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

Valkey = redis.asyncio.Redis
UNAVAILABLE: Final = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
)
"""What means "not now": answered with 503 and Retry-After."""


class _Client(redis.asyncio.Redis):
    """Says what it is asked, by the command's name."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        with tracing.in_use.step("valkey", str(args[0])):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


def open_valkey(url: Secret) -> Valkey:
    """A client that connects on first use, answers in bytes, and fails fast.

    One immediate retry heals a connection that a restart had closed.
    """
    return _Client.from_url(
        url.reveal(),
        socket_connect_timeout=2.0,
        socket_timeout=2.0,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[redis.exceptions.ConnectionError],
        health_check_interval=30,
        max_connections=100,
    )


async def is_ready(valkey: Valkey) -> bool:
    try:
        return bool(await valkey.ping())
    except redis.exceptions.RedisError:
        return False
