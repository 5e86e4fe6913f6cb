"""Valkey through redis-py: short-lived things only; what must survive is in PostgreSQL."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from shared import tracing
from shared.hosts import each_host
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
    from redis.asyncio.sentinel import Sentinel
    from redis.backoff import NoBackoff

Valkey = redis.asyncio.Redis
UNAVAILABLE: Final = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.MasterDownError,  # a replica that has lost its primary
    redis.exceptions.OutOfMemoryError,  # full, and it throws nothing away (deploy/valkey/valkey.conf)
)
"""What means "not now": answered with 503 and Retry-After."""
BY_SENTINEL: Final = ("redis+sentinel", "rediss+sentinel")
_SENTINEL_TIMEOUT_S: Final = 0.5


_WRITES_NOTHING: Final = (
    "NOREPLICAS",  # what it wrote would be lost with it (`min-replicas-to-write`)
    "MISCONF",  # its disk does not take what it writes
)


class _WritesNothing(redis.exceptions.ConnectionError):
    """Errors of which redis-py makes no class."""


class _Client(redis.asyncio.Redis):
    """Says what it is asked, by the command's name."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        with tracing.in_use.step("valkey", str(args[0])):
            try:
                return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except redis.exceptions.ResponseError as error:
                if str(error).startswith(_WRITES_NOTHING):
                    raise _WritesNothing(str(error).partition(" ")[0]) from error
                raise


def open_valkey(url: Secret) -> Valkey:
    """A client that connects on first use, answers in bytes, and fails fast.

    One immediate retry heals a connection that a restart had closed. With
    `redis+sentinel://user:password@sentinel-1:26379,sentinel-2:26379/name` each new connection asks the
    sentinels which server is the primary of that name; user and password are Valkey's own, the sentinels'
    are `?sentinel_username=…&sentinel_password=…`. `rediss+sentinel`: all of it over TLS.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": 2.0,
        "socket_timeout": 2.0,
        "retry": Retry(NoBackoff(), 1),
        "retry_on_error": [redis.exceptions.ConnectionError],
        "health_check_interval": 30,
        "max_connections": 100,
    }
    if url.reveal().startswith(BY_SENTINEL):
        return _by_sentinel(url.reveal(), options)
    return _Client.from_url(url.reveal(), **options)


async def is_ready(valkey: Valkey) -> bool:
    try:
        return bool(await valkey.ping())
    except redis.exceptions.RedisError:
        return False


class _OfSentinel(_Client):
    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """And what asks the sentinels."""
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        await pool.sentinel_manager.aclose()


def _by_sentinel(url: str, options: dict[str, Any]) -> Valkey:
    hosts = each_host(url)
    parts, query = hosts[0], dict(parse_qsl(hosts[0].query))
    tls: dict[str, Any] = {name: value for name, value in query.items() if name.startswith("ssl_")}
    if parts.scheme == "rediss+sentinel":
        tls["ssl"] = True
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
        [(host.hostname, host.port or 26379) for host in hosts],
        sentinel_kwargs={
            "socket_connect_timeout": _SENTINEL_TIMEOUT_S,  # a machine that is gone says nothing
            "socket_timeout": _SENTINEL_TIMEOUT_S,
            "username": query.get("sentinel_username"),
            "password": query.get("sentinel_password"),
            **tls,
        },
        username=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        **options,
        **tls,
    )
    valkey: Valkey = sentinel.master_for(parts.path.strip("/") or "mymaster", redis_class=_OfSentinel)
    return valkey
