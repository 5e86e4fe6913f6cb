"""What both drivers have in common: kept results, HTTP settings, Redis scripts, and fakes in their place."""

import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

import httpx2

from mtas.core.config import Config, ConfigError, Problem
from mtas.core.effects import Fetch, Fetched

FAKES: Final[dict[str, Callable[[Fetch], Fetched]]] = {}
"""By issuer: answers in place of the network. Filled by `mtas.testing` only."""

HEADERS: Final = {"Accept-Encoding": "identity"}  # a body is as long as it says
UNLOCK: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
STORE_TIMEOUT_S: Final = 1.0


def check_store(config: Config) -> None:
    """Raises: ConfigError, at the start: else the first refresh would miss the store's client."""
    if config.redis_url is not None and find_spec("redis") is None:
        message = "is set, and its client is not installed: pip install 'mtas[redis]'"
        raise ConfigError([Problem("redis_url", message)])


def http_settings(timeout_s: float) -> dict[str, Any]:
    """TLS is verified, nothing is followed, nothing waits for ever."""
    return {
        "follow_redirects": False,
        "timeout": httpx2.Timeout(timeout_s),
        "limits": httpx2.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=5),
        "headers": HEADERS,
    }


def fetched(response: httpx2.Response, body: bytes) -> Fetched:
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    return Fetched(response.status_code, headers, body)


class KeptResults:
    """Results that late comers are given. Bounded: what is over goes before it can pile up."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks = ticks
        self._results: dict[str, tuple[float, Any]] = {}
        self._sweep_at = 64
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[Any] | None:
        """The result in a tuple of one, as it may be anything."""
        kept = self._results.get(key)
        return (kept[1],) if kept is not None and self._ticks() < kept[0] else None

    def put(self, key: str, value: Any, keep_s: float) -> None:
        if keep_s <= 0:
            return
        with self._lock:
            self._results[key] = (self._ticks() + keep_s, value)
            if len(self._results) >= self._sweep_at:
                now = self._ticks()
                self._results = {each: kept for each, kept in self._results.items() if now < kept[0]}
                self._sweep_at = max(64, 2 * len(self._results))
