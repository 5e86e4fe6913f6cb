"""What can be counted of a service: kept where it happens, as plain numbers, and read when somebody asks.

A count costs a dictionary look-up, since one is made with every token; nothing here locks, for an
event loop has one thread. `shared.metrics` shows all of it. Labels take values of ours alone, of which
there are few: never a tenant, a client or anything that was sent.
"""

import functools
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
UNEXPECTED: Final = "error"


class Reading(NamedTuple):
    """A number that something else keeps; a counter only ever grows."""

    name: str
    help: str
    kind: Literal["gauge", "counter"]
    read: Callable[[], float]
    labels: Mapping[str, str] = {}


class Readable(Protocol):
    """What has numbers to show."""

    def readings(self) -> Iterable[Reading]: ...


class Counted(Protocol):
    """What `Count` shows of itself; whoever counts in another way shows the same."""

    @property
    def name(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def values(self) -> Mapping[tuple[str, ...], int]: ...


class Count:
    """How often something happened, by its labels' values: `TOKENS("refresh_token", "issued")`."""

    def __init__(self, name: str, help: str, *labels: str) -> None:  # noqa: A002 - as Prometheus calls it
        self.name: Final = name
        self.help: Final = help
        self.labels: Final = labels
        self.values: Final[dict[tuple[str, ...], int]] = {}
        COUNTS.append(self)

    def __call__(self, *values: str) -> None:
        self.values[values] = self.values.get(values, 0) + 1

    def add(self, times: int, *values: str) -> None:
        self.values[values] = self.values.get(values, 0) + times

    def outcomes(
        self, done: str, refusals: Mapping[type[Exception], str]
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Decorates a flow: counted as `done`, or by what it raises."""

        def decorate(flow: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            @functools.wraps(flow)
            async def counted(*args: P.args, **kwargs: P.kwargs) -> R:
                try:
                    result = await flow(*args, **kwargs)
                except Exception as error:
                    self(refusals.get(type(error), UNEXPECTED))
                    raise
                self(done)
                return result

            return counted

        return decorate


class Seconds:
    """How long something took, by its labels' values, in buckets."""

    BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

    def __init__(self, name: str, help: str, *labels: str) -> None:  # noqa: A002 - as above
        self.name: Final = name
        self.help: Final = help
        self.labels: Final = labels
        self.values: Final[dict[tuple[str, ...], list[float]]] = {}
        """Of each: how many fell in every bucket, those above all bounds, and the sum."""
        SECONDS.append(self)

    def observe(self, seconds: float, *values: str) -> None:
        row = self.values.get(values)
        if row is None:
            row = self.values[values] = [0.0] * (len(self.BOUNDS) + 2)
        row[bisect_left(self.BOUNDS, seconds)] += 1
        row[-1] += seconds


COUNTS: Final[list[Counted]] = []
SECONDS: Final[list[Seconds]] = []
"""All there are in this process."""
