"""The core's effects, carried out with asyncio: HTTP by httpx2, the shared store by redis-py.

httpx2 because it is kept up, is one client for asyncio and threads, and verifies TLS by the system's rules.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

import httpx2

from mtas import _driving
from mtas.core.bff import Bff, Visit
from mtas.core.config import Config
from mtas.core.effects import (
    LARGEST_BODY,
    Effect,
    Fetch,
    Fetched,
    Flow,
    Once,
    SharedGet,
    SharedLock,
    SharedPut,
    SharedUnlock,
    Sleep,
    Unreachable,
)
from mtas.core.requests import Request
from mtas.core.user import AccessToken

log = logging.getLogger("mtas")
T = TypeVar("T")
_DRAIN_S: Final = 10


class AsyncAuth:
    """What an asynchronous adapter needs: who a request is from, and whether an access token holds."""

    def __init__(self, bff: Bff) -> None:
        self.bff: Final = bff
        self.config: Final[Config] = bff.config
        self._driver = AsyncDriver(bff.config, bff.ticks)

    async def visit(self, request: Request) -> Visit:
        return await self._driver.run(self.bff.visit(request))

    async def verify_access_token(self, authorization: str | None, *scopes: str) -> AccessToken:
        """From an Authorization header (RFC 6750). Raises: MtasError token_…, insufficient_scope."""
        return await self._driver.run(self.bff.verify_access_token(authorization, scopes))

    async def aclose(self) -> None:
        """Finish what is under way, and let go of connections."""
        await self._driver.aclose()


class AsyncDriver:
    def __init__(self, config: Config, ticks: Callable[[], float]) -> None:
        _driving.check_store(config)
        self._config = config
        self._kept = _driving.KeptResults(ticks)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flights: dict[str, asyncio.Task[Any]] = {}
        self._http: httpx2.AsyncClient | None = None
        self._redis: Any = None

    async def run(self, flow: Flow[T]) -> T:
        """To its end: yields effects, is given results."""
        try:
            effect = flow.send(None)
            while True:
                try:
                    result = await self._carry_out(effect)
                except Unreachable as unreachable:
                    effect = flow.throw(unreachable)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    async def aclose(self) -> None:
        if self._flights:
            await asyncio.wait(self._flights.values(), timeout=_DRAIN_S)
        if self._http is not None:
            await self._http.aclose()
        if self._redis is not None:
            await self._redis.aclose()
        self._http = self._redis = None

    async def _carry_out(self, effect: Effect) -> Any:
        self._settle_in()
        match effect:
            case Fetch():
                return await self._fetch(effect)
            case Once():
                return await self._once(effect)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case _:
                return await self._share(effect)

    def _settle_in(self) -> None:
        """Connections and tasks belong to one event loop; another one, in tests, begins anew."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._flights, self._http, self._redis = loop, {}, None, None

    async def _once(self, effect: Once) -> Any:
        kept = self._kept.get(effect.key)
        if kept is not None:
            return kept[0]
        flight = self._flights.get(effect.key)
        if flight is None:
            flight = asyncio.create_task(self._fly(effect))
            flight.add_done_callback(_look_at)
            self._flights[effect.key] = flight
        # Shielded: whoever asked may go away, the others and the server's answer do not.
        return await asyncio.shield(flight)

    async def _fly(self, effect: Once) -> Any:
        flights = self._flights
        try:
            kept = await self.run(effect.flow())
            self._kept.put(effect.key, kept.value, kept.keep_s)
            return kept.value
        finally:
            flights.pop(effect.key, None)

    async def _fetch(self, request: Fetch) -> Fetched:
        fake = _driving.FAKES.get(self._config.issuer)
        if fake is not None:
            await asyncio.sleep(0)
            return fake(request)
        if self._http is None:
            self._http = httpx2.AsyncClient(**_driving.http_settings(self._config.timeout_s))
        try:
            async with (
                asyncio.timeout(self._config.timeout_s),
                self._http.stream(
                    request.method, request.url, headers=dict(request.headers), content=request.body
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > LARGEST_BODY:
                        raise Unreachable
                return _driving.fetched(response, bytes(body))
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            log.info("no answer from the auth server: %s", type(error).__name__)
            raise Unreachable from None

    async def _share(self, effect: Effect) -> Any:
        from redis.exceptions import RedisError

        try:
            store = self._store()
            match effect:
                case SharedGet(key):
                    value = await store.get(key)
                    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
                case SharedPut(key, value, ttl_s):
                    await store.set(key, value, px=int(ttl_s * 1000))
                case SharedLock(key, owner, ttl_s):
                    return bool(await store.set(key, owner, nx=True, px=int(ttl_s * 1000)))
                case SharedUnlock(key, owner):
                    await store.eval(_driving.UNLOCK, 1, key, owner)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("the shared store is away, refreshes go on without it: %s", type(error).__name__)
        return None

    def _store(self) -> Any:
        if self._redis is None:
            from redis.asyncio import Redis

            self._redis = Redis.from_url(
                str(self._config.redis_url),
                socket_timeout=_driving.STORE_TIMEOUT_S,
                socket_connect_timeout=_driving.STORE_TIMEOUT_S,
            )
        return self._redis


def _look_at(flight: "asyncio.Task[Any]") -> None:
    """A failure that nobody waits for any more is not lost."""
    if not flight.cancelled() and (error := flight.exception()) is not None:
        log.debug("a flight failed: %s", type(error).__name__)
