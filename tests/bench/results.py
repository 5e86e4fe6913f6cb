"""Figures and their shape in docs/benchmarks.json."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """What several runs gave."""

    min: float
    median: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(*(significant(value) for value in (min(values), statistics.median(values), max(values))))


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One kind of work, on one path, with so many tenants and token processes."""

    work: str
    path: str
    tenants: int
    workers: int
    asked: str
    """How often each tenant: evenly, or by rank."""
    throughput: Spread
    """Requests a second."""
    p50_ms: float
    p99_ms: float
    """Medians over the runs."""
    p99_ms_runs: Spread
    requests: int
    errors: int
    limit: str
    """Which of `limits` the ratio is to."""
    ratio: float
    """Median throughput over that limit."""
    target: float | None
    """The least ratio aimed for; null where none is."""
    met: bool | None
    cpu_ms: dict[str, float]
    """Processor time a request, by group of processes."""
    cpu_busy: float
    """Share of all cores that these groups kept busy."""
    cpu_elsewhere: float | None
    """Share of all cores that something else kept busy: what disturbed the measurement; null: unknown."""
    rss_mb: dict[str, float]
    """Resident memory of each service process, after the load."""

    def against(self, limits: Mapping[str, float]) -> Self:
        """Held against these limits."""
        ratio = self.throughput.median / limits[self.limit]
        met = None if self.target is None else ratio >= self.target
        return msgspec.structs.replace(self, ratio=significant(ratio, 3), met=met)


class FirstRequests(msgspec.Struct, frozen=True, kw_only=True):
    """The first request to each tenant after a start: nothing is cached, its signing key is sealed."""

    tenants: int
    workers: int
    start_s: float
    """From the start of a token process until it is ready."""
    throughput: float
    p50_ms: float
    p99_ms: float
    errors: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is aimed for, what was measured, and where."""

    target: str
    measured: float
    met: bool
    at: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    machine: dict[str, str | int]
    limits: dict[str, float]
    settings: dict[str, int | float]
    results: list[Result]
    by_rank: list[Result]
    """With the most tenants, of which few are asked for most of the work; in `results`, all evenly."""
    first_requests: list[FirstRequests]
    targets: list[Verdict]


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that was measured, `share` of all being no larger."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def significant(value: float, digits: int = 4) -> float:
    """Rounded to what a figure of this kind can mean."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
