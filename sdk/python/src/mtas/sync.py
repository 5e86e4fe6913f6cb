"""The core's effects, carried out by the thread that asks: for WSGI, Flask and Django."""

import logging
import os
import threading
import time
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
    Kept,
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


class SyncAuth:
    """What a synchronous adapter needs: who a request is from, and whether an access token holds."""

    def __init__(self, bff: Bff) -> None:
        self.bff: Final = bff
        self.config: Final[Config] = bff.config
        self._driver = SyncDriver(bff.config, bff.ticks)

    def visit(self, request: Request) -> Visit:
        return self._driver.run(self.bff.visit(request))

    def verify_access_token(self, authorization: str | None, *scopes: str) -> AccessToken:
        """From an Authorization header (RFC 6750). Raises: MtasError token_…, insufficient_scope."""
        return self._driver.run(self.bff.verify_access_token(authorization, scopes))

    def close(self) -> None:
        """Let go of connections."""
        self._driver.close()


class _Flight:
    """One thread flies, the others wait."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.kept: Kept | None = None
        self.error: BaseException | None = None


class SyncDriver:
    def __init__(self, config: Config, ticks: Callable[[], float]) -> None:
        _driving.check_store(config)
        self._config = config
        self._kept = _driving.KeptResults(ticks)
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._flights: dict[str, _Flight] = {}
        self._http: httpx2.Client | None = None
        self._redis: Any = None

    def run(self, flow: Flow[T]) -> T:
        """To its end: yields effects, is given results."""
        try:
            effect = flow.send(None)
            while True:
                try:
                    result = self._carry_out(effect)
                except Unreachable as unreachable:
                    effect = flow.throw(unreachable)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def close(self) -> None:
        with self._lock:
            http, redis = self._http, self._redis
            self._http = self._redis = None
        if http is not None:
            http.close()
        if redis is not None:
            redis.close()

    def _carry_out(self, effect: Effect) -> Any:
        if os.getpid() != self._pid:  # a fork shares no connection and no lock with its parent
            self._lock, self._pid, self._flights = threading.Lock(), os.getpid(), {}
            self._http = self._redis = None
        match effect:
            case Fetch():
                return self._fetch(effect)
            case Once():
                return self._once(effect)
            case Sleep(seconds):
                return time.sleep(seconds)
            case _:
                return self._share(effect)

    def _once(self, effect: Once) -> Any:
        with self._lock:
            kept = self._kept.get(effect.key)
            if kept is not None:
                return kept[0]
            flight = self._flights.get(effect.key)
            mine = flight is None
            if flight is None:
                flight = self._flights[effect.key] = _Flight()
        if mine:
            self._fly(effect, flight)
        else:
            flight.landed.wait()
        if flight.error is not None:
            raise flight.error
        assert flight.kept is not None
        return flight.kept.value

    def _fly(self, effect: Once, flight: _Flight) -> None:
        try:
            flight.kept = self.run(effect.flow())
            self._kept.put(effect.key, flight.kept.value, flight.kept.keep_s)
        except BaseException as error:
            flight.error = error
        finally:
            with self._lock:
                self._flights.pop(effect.key, None)
            flight.landed.set()

    def _fetch(self, request: Fetch) -> Fetched:
        fake = _driving.FAKES.get(self._config.issuer)
        if fake is not None:
            return fake(request)
        deadline = time.monotonic() + self._config.timeout_s
        try:
            with self._client().stream(
                request.method, request.url, headers=dict(request.headers), content=request.body
            ) as response:
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > LARGEST_BODY or time.monotonic() > deadline:
                        raise Unreachable
                return _driving.fetched(response, bytes(body))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            log.info("no answer from the auth server: %s", type(error).__name__)
            raise Unreachable from None

    def _client(self) -> httpx2.Client:
        with self._lock:
            if self._http is None:
                self._http = httpx2.Client(**_driving.http_settings(self._config.timeout_s))
            return self._http

    def _share(self, effect: Effect) -> Any:
        from redis.exceptions import RedisError

        try:
            store = self._store()
            match effect:
                case SharedGet(key):
                    value = store.get(key)
                    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
                case SharedPut(key, value, ttl_s):
                    store.set(key, value, px=int(ttl_s * 1000))
                case SharedLock(key, owner, ttl_s):
                    return bool(store.set(key, owner, nx=True, px=int(ttl_s * 1000)))
                case SharedUnlock(key, owner):
                    store.eval(_driving.UNLOCK, 1, key, owner)
        except (RedisError, OSError) as error:
            log.warning("the shared store is away, refreshes go on without it: %s", type(error).__name__)
        return None

    def _store(self) -> Any:
        with self._lock:
            if self._redis is None:
                from redis import Redis

                self._redis = Redis.from_url(
                    str(self._config.redis_url),
                    socket_timeout=_driving.STORE_TIMEOUT_S,
                    socket_connect_timeout=_driving.STORE_TIMEOUT_S,
                )
            return self._redis
