"""Valkey and NATS as a service sees them: is it let in, and is nobody else."""

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

import nats.errors
import redis.exceptions
from nats.aio.client import Client

from deploy.doctor import several
from deploy.doctor.finding import Finding, fail, ok
from shared.hosts import nats_options
from shared.secret import Secret
from shared.valkey import BY_SENTINEL, open_valkey

OLDEST_NATS: Final = (2, 10)


async def check_valkey(url: str) -> AsyncIterator[Finding]:
    try:
        await _ping(url)
    except redis.exceptions.AuthenticationError:
        yield fail(
            "valkey", "user or password is refused", "Write Valkey's users anew from these secrets: `stores`."
        )
        return
    except redis.exceptions.RedisError as error:
        fix = "Is Valkey running, and reachable from here under the host and port of MTAS_VALKEY_URL?"
        yield fail("valkey", type(error).__name__, fix)
        return
    yield ok("valkey", f"lets {urlsplit(url).username} in")
    if url.startswith(BY_SENTINEL):
        yield await _replicas(url)
    try:
        await _ping(_anonymous(url))
    except redis.exceptions.RedisError:
        yield ok("valkey without a password", "is refused")
    else:
        fix = "Start Valkey with --aclfile and our users.acl, in which the default user is off."
        yield fail("valkey without a password", "anybody who reaches it is let in", fix)


async def check_nats(url: str) -> AsyncIterator[Finding]:
    client = Client()
    try:
        await client.connect(
            **nats_options(url),
            name="mtas-doctor",
            inbox_prefix=f"_INBOX_{urlsplit(url).username}".encode(),
            allow_reconnect=False,
            connect_timeout=5,
            error_cb=_said_once,
        )
        version = client.connected_server_version
        number = f"{version.major}.{version.minor}.{version.patch}"
    except (OSError, TimeoutError, nats.errors.Error) as error:
        reason = str(error) or type(error).__name__
        fix = "Is NATS running, and reachable from here? Requests go on without it; events and mails wait."
        if "uthorization" in reason:
            fix = "Start NATS with this deployment's secrets: it has another password."
        yield fail("nats", reason, fix)
    else:
        if (version.major, version.minor) < OLDEST_NATS:
            yield fail("nats", f"version {number}", "Upgrade NATS to 2.10 or newer.")
        else:
            yield ok("nats", f"version {number} lets {urlsplit(url).username} in")
    finally:
        await client.close()


async def _said_once(_error: Exception) -> None:
    """As a finding, instead of as a trace."""


async def _replicas(url: str) -> Finding:
    valkey = open_valkey(Secret(url))
    try:
        pool: Any = valkey.connection_pool
        return await several.check_replicas(pool.sentinel_manager.sentinels, pool.service_name)
    finally:
        await valkey.aclose()


async def _ping(url: str) -> None:
    valkey = open_valkey(Secret(url))
    try:
        await valkey.ping()
    finally:
        await valkey.aclose()


def _anonymous(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
