"""A bounded cache of records, in process: one load at a time a key, a TTL, and forgetting on an event."""

import asyncio
import math
import time
import weakref
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from shared.readings import COUNTS

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_ALL: Final[weakref.WeakSet["RecordCache[Any, Any]"]] = weakref.WeakSet()


class _Entry(msgspec.Struct, frozen=True, gc=False):  # there are tens of thousands
    value: object
    loaded_at: float
    fresh: bool = True  # else it only serves while loading fails


class RecordCache(Generic[K, V]):
    """Values by key, loaded when missing or older than `ttl_s`.

    - From half of its time on, a value is loaded anew while it still serves: who asks steadily never waits.
      Some keys later than others, or all that was loaded after a start would be loaded again at once.
    - A miss (`None`) is kept for a second only, so that what is created appears.
    - `forget` during a load wins over it: what was read before the change is not kept.
    - `ttl_s` may be a function, which is asked once a second: longer while the events that would change a
      record are heard.
    - `stale_on_error_s`: how much longer an old value, but no miss, may serve when loading fails; 0 raises.
    - `name` is what its look-ups are counted under.
    - The least recently used keys go when there are more than `size`, and before any value the misses:
      whoever asks for what does not exist crowds out nothing that does.
    """

    MISS_TTL_S: Final = 1.0
    TTL_HOLDS_S: Final = 1.0
    RETRY_AFTER_S: Final = 1.0  # after a failed load, old values serve this long without another try

    def __init__(
        self,
        load: Callable[[K], Awaitable[V | None]],
        *,
        name: str = "records",
        ttl_s: float | Callable[[], float],
        size: int,
        stale_on_error_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self.name = name
        self.hits = self.misses = 0  # not a Count: there are half a dozen look-ups a token
        _ALL.add(self)
        self._ttl = ttl_s if callable(ttl_s) else lambda: ttl_s
        self._ttl_s, self._ttl_holds_until = 0.0, -math.inf
        self._size = size
        self._stale_on_error_s = stale_on_error_s
        self._now = now
        self._entries: OrderedDict[K, _Entry] = OrderedDict()
        self._loading: dict[K, asyncio.Task[V | None]] = {}
        self._failed_until = -math.inf

    async def get(self, key: K, *, max_age_s: float = math.inf) -> V | None:
        """The value, at most `ttl_s` old, or `max_age_s` where that is less."""
        entry, now = self._entries.get(key), self._now()
        if now >= self._ttl_holds_until:
            self._ttl_s, self._ttl_holds_until = self._ttl(), now + self.TTL_HOLDS_S
        if entry is None:
            self.misses += 1
            return await self._try_to_load(key)
        age_s, ttl_s = now - entry.loaded_at, self._ttl_s
        lifetime_s = ttl_s if entry.value is not None else min(ttl_s, self.MISS_TTL_S)
        if entry.fresh and age_s < min(lifetime_s, max_age_s):
            self.hits += 1
            self._entries.move_to_end(key, last=entry.value is not None)
            if age_s >= lifetime_s / 2:
                self._renew_when_due(key, age_s / lifetime_s, now)
            return entry.value  # type: ignore[return-value]
        self.misses += 1
        may_be_stale = entry.value is not None and self._stale_on_error_s > max(0, age_s - ttl_s)
        if may_be_stale and now < self._failed_until:
            return entry.value  # type: ignore[return-value]
        try:
            return await self._try_to_load(key)
        except Exception:
            if not may_be_stale:
                raise
            return entry.value  # type: ignore[return-value]

    def peek(self, key: K) -> V | None:
        """What is cached, however old; nothing is loaded."""
        entry = self._entries.get(key)
        return entry.value if entry is not None else None  # type: ignore[return-value]

    def forget(self, key: K) -> None:
        self._entries.pop(key, None)
        self._loading.pop(key, None)

    def forget_where(self, matches: Callable[[K], bool]) -> None:
        for key in [key for key in (*self._entries, *self._loading) if matches(key)]:
            self.forget(key)

    def clear(self) -> None:
        """Load everything anew when it is next asked for: events may have been missed.

        What may serve while loading fails is kept for that.
        """
        self._entries = OrderedDict(
            (key, _Entry(entry.value, entry.loaded_at, fresh=False))
            for key, entry in self._entries.items()
            if self._stale_on_error_s > 0
        )
        self._loading.clear()

    def _renew_when_due(self, key: K, age: float, now: float) -> None:
        """`age` is from half of its time, 0.5, to 1; each key is due somewhere between that and 0.9."""
        due = 0.5 + 0.4 * (hash(key) % 1024) / 1024
        if age >= due and now >= self._failed_until and key not in self._loading:
            self._begin_to_load(key)

    async def _try_to_load(self, key: K) -> V | None:
        return await asyncio.shield(self._loading.get(key) or self._begin_to_load(key))

    def _begin_to_load(self, key: K) -> "asyncio.Task[V | None]":
        task = self._loading[key] = asyncio.create_task(self._load_and_keep(key))
        task.add_done_callback(lambda done: self._loaded(key, done))
        return task

    async def _load_and_keep(self, key: K) -> V | None:
        loaded_at = self._now()
        value = await self._load(key)
        if self._loading.get(key) is asyncio.current_task():
            if key not in self._entries and len(self._entries) >= self._size:
                self._entries.popitem(last=False)
            self._entries[key] = _Entry(value, loaded_at)
            self._entries.move_to_end(key, last=value is not None)
        return value

    def _loaded(self, key: K, task: "asyncio.Task[V | None]") -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled() and task.exception() is not None:  # seen here too, when nobody waits any more
            self._failed_until = self._now() + self.RETRY_AFTER_S


class _Lookups:
    """A Count of what the caches of this process have counted themselves."""

    name = "mtas_cache_lookups"
    help = "Look-ups in a cache of records"
    labels = ("cache", "result")

    @property
    def values(self) -> Mapping[tuple[str, ...], int]:
        totals: Counter[tuple[str, ...]] = Counter()
        for cache in list(_ALL):
            totals[cache.name, "hit"] += cache.hits
            totals[cache.name, "miss"] += cache.misses
        return totals


COUNTS.append(_Lookups())
