"""What the core asks of the outside: it yields one of these and is given the result.

A driver (`mtas.aio`, `mtas.sync`) carries them out. `Unreachable` is thrown back where a `Fetch` found
nobody; the `Shared` ones are answered None where there is no store, or it is away.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
LARGEST_BODY = 256 * 1024


class Unreachable(Exception):
    """No answer, or none that can be taken: refused, timed out, too large. No details of the request."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One HTTP request. Redirects are never followed; a body beyond `LARGEST_BODY` is Unreachable."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """A result, and for how long whoever comes late is given it."""

    value: Any
    keep_s: float = 0


@dataclass(frozen=True, slots=True)
class Once:
    """One flight under a key, however many ask; it goes on when the one who asked goes away."""

    key: str
    flow: Callable[[], "Flow[Kept]"]


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class SharedGet:
    """A text that another process left, or None."""

    key: str


@dataclass(frozen=True, slots=True)
class SharedPut:
    key: str
    value: str = field(repr=False)
    ttl_s: float


@dataclass(frozen=True, slots=True)
class SharedLock:
    """True: ours. False: another's. None: there is no store to ask."""

    key: str
    owner: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class SharedUnlock:
    """Take our own lock away, and no other's."""

    key: str
    owner: str


Effect: TypeAlias = Fetch | Once | Sleep | SharedGet | SharedPut | SharedLock | SharedUnlock
Flow: TypeAlias = Generator[Effect, Any, T]


def fetch(request: Fetch) -> Flow[Fetched]:
    """Raises: Unreachable."""
    fetched = yield request
    assert isinstance(fetched, Fetched)
    return fetched
