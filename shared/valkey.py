"""Valkey through redis-py: short-lived things only; what must survive is in PostgreSQL."""

from typing import Final

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.secret import Secret

Valkey = redis.asyncio.Redis
UNAVAILABLE: Final = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
)
"""What means "not now": answered with 503 and Retry-After."""


def open_valkey(url: Secret) -> Valkey:
    """A client that connects on first use, answers in bytes, and fails fast.

    One immediate retry heals a connection that a restart had closed.
    """
    return redis.asyncio.Redis.from_url(
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
