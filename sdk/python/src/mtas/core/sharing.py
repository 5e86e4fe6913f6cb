"""One flight for all processes, where they have a store in common: who gets the lock asks, and leaves the
answer for the others. Without a store, or while it is away, everyone asks for themselves.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from mtas.core.config import Config
from mtas.core.effects import Flow, SharedGet, SharedLock, SharedPut, SharedUnlock, Sleep
from mtas.core.encoding import b64url

T = TypeVar("T")
KEEP_S: Final = 10
"""For how long whoever comes late is given the same."""
_POLL_S: Final = 0.05


class Sharing:
    def __init__(self, config: Config, entropy: Callable[[int], bytes]) -> None:
        self._config = config
        self._entropy = entropy

    def once(
        self,
        kind: str,
        name: str,
        ask: Callable[[], Flow[T]],
        *,
        read: Callable[[Any], T | None],
        write: Callable[[T], str | None],
    ) -> Flow[T]:
        """`name` may be a secret. `write` says what is left for the others, sealed; None: nothing."""
        if self._config.redis_url is None:
            return (yield from ask())
        key = self._key(kind, name)
        lock, owner, ttl_s = f"{key}:lock", b64url(self._entropy(16)), 2 * self._config.timeout_s
        waited = 0.0
        while True:
            found = read((yield SharedGet(key)))
            if found is not None:
                return found
            ours = yield SharedLock(lock, owner, ttl_s)
            if ours is not False or waited > ttl_s:
                break
            yield Sleep(_POLL_S)
            waited += _POLL_S
        # Between the look and the lock another may have finished.
        found = read((yield SharedGet(key))) if ours else None
        outcome = found or (yield from ask())
        value = write(outcome)
        if value is not None:
            yield SharedPut(key, value, KEEP_S)
        if ours:
            yield SharedUnlock(lock, owner)
        return outcome

    def tell(self, kind: str, name: str, value: str) -> Flow[None]:
        """For whoever looks within ten seconds, in whichever process."""
        if self._config.redis_url is not None:
            yield SharedPut(self._key(kind, name), value, KEEP_S)

    def told(self, kind: str, name: str) -> Flow[Any]:
        """None: nothing, or there is no store to ask."""
        if self._config.redis_url is None:
            return None
        return (yield SharedGet(self._key(kind, name)))

    def _key(self, kind: str, name: str) -> str:
        return f"mtas:{self._config.app_id}:{kind}:{b64url(hashlib.sha256(name.encode()).digest())}"
