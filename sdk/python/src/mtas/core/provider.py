"""What is known of the server: its endpoints and its keys, kept while they are fresh, and stale in need."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from mtas._version import __version__
from mtas.core.config import Config
from mtas.core.discovery import Metadata, discovery_url, read_metadata
from mtas.core.effects import Fetch, Fetched, Flow, Kept, Once, Unreachable, fetch
from mtas.core.encoding import json_object
from mtas.core.errors import MtasError
from mtas.core.jwks import KeySet, PublicKey, read_key_set

CLIENT_HEADERS: Final = {"X-MTAS-Client": f"mtas-python/{__version__}", "Accept": "application/json"}
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})(?:$|[,\s])", re.IGNORECASE)
_LEAST_AGE_S, _USUAL_AGE_S, _MOST_AGE_S = 60, 600, 86_400
_UNKNOWN_KID_EVERY_S: Final = 30
_RETRY_S: Final = 2
_RETRY_WITH_STALE_S: Final = 30

T = TypeVar("T")


@dataclass(slots=True)
class _Cached(Generic[T]):
    """A document and how long it holds, on the monotonic clock."""

    value: T | None = None
    fresh_until: float = 0
    stale_until: float = 0
    retry_at: float = float("-inf")
    failure: str = field(default="server_unavailable")


class Provider:
    """The issuer's documents. Any number of requests for one of them are one fetch."""

    def __init__(self, config: Config, ticks: Callable[[], float]) -> None:
        self._config = config
        self._ticks = ticks
        self._metadata: _Cached[Metadata] = _Cached()
        self._keys: _Cached[KeySet] = _Cached()
        self._looked_again_at = float("-inf")
        self._looking = False

    def metadata(self) -> Flow[Metadata]:
        """Raises: MtasError server_unavailable, discovery_mismatch."""
        url = discovery_url(self._config.issuer)

        def read(document: object) -> Metadata:
            return read_metadata(document, self._config.issuer)

        return (yield from self._current(self._metadata, url, read))

    def key(self, kid: str, alg: str) -> Flow[PublicKey | None]:
        """The key; an unknown kid is looked for once more, at most every 30 seconds. Raises: as metadata."""
        metadata = yield from self.metadata()
        keys = yield from self._current(self._keys, metadata.jwks_uri, read_key_set)
        found = keys.find(kid, alg)
        if found is None:
            yield from self._look_again(metadata.jwks_uri)
            found = self._keys.value.find(kid, alg) if self._keys.value else None
        return found

    def _look_again(self, jwks_uri: str) -> Flow[None]:
        """Whoever comes while somebody looks waits for what that finds; nobody looks soon after."""
        if self._ticks() - self._looked_again_at >= _UNKNOWN_KID_EVERY_S:
            self._looked_again_at = self._ticks()
            self._looking = True
            try:
                yield from self._load(self._keys, jwks_uri, read_key_set)
            finally:
                self._looking = False
        elif self._looking:
            yield from self._load(self._keys, jwks_uri, read_key_set)

    def _current(self, cached: _Cached[T], url: str, read: Callable[[object], T]) -> Flow[T]:
        now = self._ticks()
        if cached.value is None or now >= cached.fresh_until:
            if now >= cached.retry_at:
                yield from self._load(cached, url, read)
            usable = cached.value is not None and self._ticks() < cached.stale_until
            if not usable or cached.failure == "discovery_mismatch":
                raise MtasError(cached.failure)
        assert cached.value is not None
        return cached.value

    def _load(self, cached: _Cached[T], url: str, read: Callable[[object], T]) -> Flow[None]:
        """Fetch it, together with whoever else wants it; what came of it stands in `cached`."""

        def load() -> Flow[Kept]:
            try:
                fetched = yield from fetch(Fetch("GET", url, CLIENT_HEADERS))
                if fetched.status != 200:
                    raise Unreachable  # noqa: TRY301 - the one place that notes a failure is below
                document = read(_document(fetched))
            except Unreachable:
                self._note_failure(cached, "server_unavailable")
            except ValueError:
                mismatch = cached is self._metadata
                self._note_failure(cached, "discovery_mismatch" if mismatch else "server_unavailable")
            else:
                cached.value = document
                cached.fresh_until = self._ticks() + _max_age(fetched)
                cached.stale_until = cached.fresh_until + self._config.jwks_stale_s
                cached.retry_at = float("-inf")
                cached.failure = "server_unavailable"
            return Kept(None)

        yield Once(f"GET {url}", load)

    def _note_failure(self, cached: _Cached[T], failure: str) -> None:
        cached.failure = failure
        cached.retry_at = self._ticks() + (_RETRY_S if cached.value is None else _RETRY_WITH_STALE_S)


def _document(fetched: Fetched) -> object:
    try:
        return json_object(fetched.body)
    except ValueError:
        raise Unreachable from None  # half a body, or a proxy's page


def _max_age(fetched: Fetched) -> int:
    match = _MAX_AGE.search(fetched.headers.get("cache-control", ""))
    if match is None:
        return _USUAL_AGE_S
    age = fetched.headers.get("age", "0")
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return min(max(int(match[1]) - spent, _LEAST_AGE_S), _MOST_AGE_S)
