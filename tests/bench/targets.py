"""What is aimed for, held against what was measured: through the gateway, with 32 connections."""

from collections.abc import Iterator, Sequence

from tests.bench.plan import BY_RANK, EVENLY, P99_GROWTH, P99_MS, RSS_MB
from tests.bench.results import Result, Verdict, significant


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    """Each target once, at the place where it is furthest from being met."""
    evenly = [result for result in results if result.asked == EVENLY]
    aimed = [result for result in evenly if result.target is not None]
    growth = [verdict for asked in (EVENLY, BY_RANK) for verdict in _growth(results, asked)]
    return [*_ratios(aimed), *_p99(aimed), *_errors(results), *growth, *_memory(results)]


def _ratios(aimed: Sequence[Result]) -> Iterator[Verdict]:
    """With as many token processes as do best, and the fewest tenants."""
    for work in dict.fromkeys(result.work for result in aimed):
        best = _best([result for result in aimed if result.work == work])
        assert best.target is not None
        yield Verdict(
            target=f"{work}: at least {best.target} of {best.limit}",
            measured=best.ratio,
            met=best.ratio >= best.target,
            at=_place(best),
        )


def _p99(aimed: Sequence[Result]) -> Iterator[Verdict]:
    for work in dict.fromkeys(result.work for result in aimed):
        # The best number of token processes, and there the worst number of tenants.
        of_work = [result for result in aimed if result.work == work]
        workers = {result.workers for result in of_work}
        worst = min(
            (_slowest([result for result in of_work if result.workers == count]) for count in workers),
            key=lambda result: result.p99_ms,
        )
        yield Verdict(
            target=f"{work}: p99 below {P99_MS:.0f} ms",
            measured=worst.p99_ms,
            met=worst.p99_ms < P99_MS,
            at=_place(worst),
        )


def _errors(results: Sequence[Result]) -> Iterator[Verdict]:
    if results:
        worst = max(results, key=lambda result: result.errors)
        yield Verdict(
            target="no errors",
            measured=sum(result.errors for result in results),
            met=worst.errors == 0,
            at=_place(worst) if worst.errors else "anywhere",
        )


def _growth(results: Sequence[Result], asked: str) -> Iterator[Verdict]:
    """Of what is aimed for, and of the JWKS; with as many token processes as do best with few tenants.

    `asked` is how often each of many tenants is; the few are always asked evenly.
    """
    through = [result for result in results if result.path == "gateway"]
    growths = []
    for work in dict.fromkeys(
        result.work for result in through if result.target is not None or result.work == "jwks"
    ):
        of_work = [result for result in through if result.work == work]
        fewest = _best([result for result in of_work if result.asked == EVENLY])
        many = [each for each in of_work if each.workers == fewest.workers and each.asked == asked]
        most = max(many, key=lambda result: result.tenants, default=fewest)
        if fewest.tenants < most.tenants:
            growths.append((most.p99_ms / fewest.p99_ms, fewest, most))
    if growths:
        growth, fewest, most = max(growths, key=lambda each: each[0])
        yield Verdict(
            target=f"p99 at {most.tenants:,} tenants, asked {asked}, at most {P99_GROWTH} × that at "
            f"{fewest.tenants:,}",
            measured=significant(growth, 3),
            met=growth <= P99_GROWTH,
            at=_place(most),
        )


def _memory(results: Sequence[Result]) -> Iterator[Verdict]:
    resident = [(size, process, result) for result in results for process, size in result.rss_mb.items()]
    if resident:
        size, process, result = max(resident, key=lambda each: each[0])
        yield Verdict(
            target=f"each service process below {RSS_MB:.0f} MiB",
            measured=size,
            met=size < RSS_MB,
            at=f"{process}, after {_place(result)}",
        )


def _best(of_work: Sequence[Result]) -> Result:
    """With the fewest tenants."""
    fewest = min(result.tenants for result in of_work)
    return max((result for result in of_work if result.tenants == fewest), key=lambda result: result.ratio)


def _slowest(results: Sequence[Result]) -> Result:
    return max(results, key=lambda result: result.p99_ms)


def _place(result: Result) -> str:
    return f"{result.work}, {result.path}, {result.tenants:,} tenants, {result.workers} token"
