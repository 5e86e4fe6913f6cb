"""What is measured, and what is aimed for."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

CONNECTIONS: Final = 32
PATHS: Final = ("gateway", "service")
TENANTS: Final = (10, 1_000, 10_000)
WORKERS: Final = (1, 2)
EVENLY: Final = "evenly"
BY_RANK: Final = "by rank"
"""How often each tenant is asked: `tests.bench.works.ORDERS`."""
RUNS: Final = 3
SECONDS: Final = 3.0


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of work: which service answers it, and the limit that it is held against."""

    service: str
    limit: str
    ratio: float | None = None
    """The least share of the limit that is aimed for, through the gateway."""


KINDS: Final = {
    "client_credentials": Kind(service="token", limit="rs256_sign_per_s", ratio=0.45),
    "refresh": Kind(service="token", limit="rs256_sign_per_s", ratio=0.28),
    "refresh_id_token": Kind(service="token", limit="rs256_sign_per_s", ratio=0.20),
    "code": Kind(service="token", limit="rs256_sign_per_s", ratio=0.18),
    "jwks": Kind(service="jwks", limit="generator_per_s"),
    "introspect": Kind(service="token", limit="postgres_select_per_s"),
    "sign_in": Kind(service="authorize", limit="argon2id_verify_per_s"),
}

P99_MS: Final = 50.0
"""Of the kinds with a ratio, through the gateway."""
P99_GROWTH: Final = 1.25
"""p99 with the most tenants, over that with the fewest."""
RSS_MB: Final = 150.0
"""Of each service process, after the load."""


class Cell(msgspec.Struct, frozen=True):
    """One line of the table."""

    work: str
    path: str
    tenants: int
    workers: int
    asked: str = EVENLY

    def __str__(self) -> str:
        asked = "" if self.asked == EVENLY else f", asked {self.asked}"
        return f"{self.work}, {self.path}, {self.tenants:,} tenants{asked}, {self.workers} token"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    works: Sequence[str]
    paths: Sequence[str]
    tenants: Sequence[int]
    workers: Sequence[int]
    runs: int
    seconds: float
    warm_up_s: float = 0.8

    def stages(self) -> Iterator[tuple[int, int]]:
        """Tenants and token processes: each stage is a start of the stack. Tenants only ever grow."""
        for tenants in sorted(self.tenants):
            for workers in self.workers:
                if self.cells(tenants, workers):
                    yield tenants, workers

    def cells(self, tenants: int, workers: int) -> list[Cell]:
        """What does not go to the token service is measured once, not for every number of its processes.

        Where tenants are most, and what is aimed for has seen few of them, they are asked by rank besides.
        What goes past the gateway comes last: it asks each process about every tenant, at home or not.
        """
        by_rank = [
            Cell(work, "gateway", tenants, workers, BY_RANK)
            for work in self.works
            if KINDS[work].ratio
            and "gateway" in self.paths
            and min(self.tenants) < tenants == max(self.tenants)
        ]
        evenly = [
            Cell(work, path, tenants, workers)
            for path in self.paths
            for work in self.works
            if KINDS[work].service == "token" or workers == self.workers[0]
        ]
        return sorted(evenly + by_rank, key=lambda cell: cell.path == "service")

    def estimated_s(self) -> float:
        """How long it takes, roughly: the load itself, and what it takes to get there."""
        stages = list(self.stages())
        cells = sum(len(self.cells(*stage)) for stage in stages)
        load = cells * self.runs * (self.seconds + self.warm_up_s + 0.7)
        # Making chains and filling caches goes through the product itself, at some hundreds a second.
        meeting = sum(tenants * (workers + 1) / 600 for tenants, workers in stages)
        filling = meeting + 2 * max(self.tenants) / 300
        return 60 + 12 * len(stages) + load + filling
