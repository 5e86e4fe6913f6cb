"""docs/operate/capacity.md: what so many users need, from benchmarks.json and operate/capacity.json.

Rates are a second, sizes bytes, processor times milliseconds, unless a name says otherwise.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

DOCS: Final = Path(__file__).parent
DAY_S: Final = 86_400
MEASURED_AT: Final = {"path": "gateway", "tenants": 1_000, "workers": 1}
GROUPS: Final = ("gateway", "authorize", "token", "jwks", "admin", "postgres", "valkey", "nats")
WORK: Final = {
    "sign_in": "a sign-in, its pages included",
    "code": "a code redeemed: access, refresh and ID token",
    "refresh": "a refresh",
    "client_credentials": "a token for a machine",
    "introspect": "an introspection",
    "jwks": "a JWKS (verifiers cache it)",
}


@dataclass(frozen=True)
class Assumed:
    """How people behave; put your own in."""

    active: float = 0.2  # of all users, on a day
    sign_ins: float = 0.25  # of an active user, a day
    refreshes: float = 8  # of an active user, a day
    peak: float = 5  # the busiest minute to the day's mean
    signed_out: float = 0.1  # of all sessions, which then stay for 366 days
    events: float = 2  # of a sign-in: begun, ended
    busy: float = 0.5  # how much of a core is used at the peak


@dataclass(frozen=True)
class Needs:
    """Of a number of users."""

    sign_ins: float
    refreshes: float
    cores: Mapping[str, float]
    commits: float
    wal: float
    stored: Mapping[str, float]
    events: float


def render() -> str:
    benchmarks = json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))
    sizes = json.loads((DOCS / "operate" / "capacity.json").read_text(encoding="utf-8"))
    costs = costs_of(benchmarks)
    assumed = Assumed()
    small, large = (needs(users, assumed, costs, sizes) for users in (1_000_000, 100_000_000))
    update = benchmarks["limits"]["postgres_update_durable_per_s"]
    page = Template((DOCS / "capacity.md.txt").read_text(encoding="utf-8"))
    return page.substitute(
        processor=benchmarks["machine"]["processor"],
        cores=benchmarks["machine"]["cores"],
        costs="\n".join(_cost_rows(costs)),
        sizes="\n".join(_size_rows(sizes)),
        needs="\n".join(_need_rows(small, large)),
        refreshes_a_core=_round(1000 / costs["refresh"]["token"]),
        refreshes_a_postgres_core=_round(1000 / costs["refresh"]["postgres"]),
        sign_ins_a_core=_round(1000 / costs["sign_in"]["authorize"]),
        codes_a_valkey=_round(1000 / (costs["code"]["valkey"] + costs["sign_in"]["valkey"])),
        published=_round(sizes["nats"]["published_per_s"]),
        durable=_round(update),
        durable_cores=benchmarks["machine"]["cores"],
        commits=_round(large.commits),
        wal=_size(large.wal),
        stored=_size(sum(large.stored.values())),
        audit=_size(large.stored["audit entry"]),
        events=_round(large.events),
        rss=_round(max(_result(benchmarks, "sign_in")["rss_mb"].values())),
        **{f"assumed_{name}": f"{value:g}" for name, value in vars(assumed).items()},
    )


def costs_of(benchmarks: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By kind of work and group of processes."""
    return {work: {group: _result(benchmarks, work)["cpu_ms"][group] for group in GROUPS} for work in WORK}


def needs(
    users: int, assumed: Assumed, costs: Mapping[str, Mapping[str, float]], sizes: Mapping[str, Any]
) -> Needs:
    sign_ins_a_day = users * assumed.active * assumed.sign_ins
    sign_ins = sign_ins_a_day / DAY_S * assumed.peak
    refreshes = users * assumed.active * assumed.refreshes / DAY_S * assumed.peak
    rates = {"sign_in": sign_ins, "code": sign_ins, "refresh": refreshes}
    cores = {
        group: sum(rate * costs[work][group] for work, rate in rates.items()) / 1000 / assumed.busy
        for group in GROUPS
    }
    # Days that a row stays, as in docs/operate/data.md: sessions and grants end after 30, and go a day later.
    rows = {
        "user": users,
        "session": sign_ins_a_day * (31 * (1 - assumed.signed_out) + 366 * assumed.signed_out),
        "family": sign_ins_a_day * 31,
        "audit entry": sign_ins_a_day * assumed.events * 400,
    }
    stored = {name: count * sizes["postgresql"][name] for name, count in rows.items()}
    stored["NATS, 30 days"] = sign_ins_a_day * assumed.events * 30 * sizes["nats"]["event"]
    return Needs(
        sign_ins=sign_ins,
        refreshes=refreshes,
        cores=cores,
        # The session, the family, and for each event: out of the outbox, and into the audit log.
        commits=sign_ins * (2 + 2 * assumed.events),
        wal=refreshes * sizes["wal"]["refresh"],
        stored=stored,
        events=sign_ins * assumed.events,
    )


def _result(benchmarks: Mapping[str, Any], work: str) -> dict[str, Any]:
    wanted = MEASURED_AT | {"work": work}
    return next(each for each in benchmarks["results"] if wanted.items() <= each.items())


def _cost_rows(costs: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for work, words in WORK.items():
        cells = [f"{costs[work][group]:.2f}" for group in GROUPS]
        yield f"| {words} | {' | '.join(cells)} | **{sum(costs[work].values()):.2f}** |"


def _size_rows(sizes: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "tenant": "a tenant: two clients with secrets, a signing key",
        "user": "a user with a password",
        "session": "a session",
        "family": "a grant (refresh-token family)",
        "audit entry": "an entry of the audit log",
    }
    for name, meaning in words.items():
        yield f"| {meaning} | PostgreSQL, indexes included | {_round(sizes['postgresql'][name])} |"
    yield f"| a refresh | PostgreSQL's log, between checkpoints | {_round(sizes['wal']['refresh'])} |"
    yield f"| a code, for a minute | Valkey, its own bookkeeping apart | {_round(sizes['valkey']['code'])} |"
    yield f"| an event, for 30 days | NATS JetStream, each copy | {_round(sizes['nats']['event'])} |"


def _need_rows(small: Needs, large: Needs) -> Iterator[str]:
    both = (small, large)

    def row(words: str, *cells: str) -> str:
        return f"| {words} | {' | '.join(cells)} |"

    yield row("sign-ins a second, at the peak", *(_round(each.sign_ins) for each in both))
    yield row("refreshes a second, at the peak", *(_round(each.refreshes) for each in both))
    for group in GROUPS:
        yield row(f"cores: {group}", *(f"{each.cores[group]:.1f}" for each in both))
    yield row("**cores, together**", *(f"**{_round(sum(each.cores.values()))}**" for each in both))
    for name in small.stored:
        yield row(f"stored: {name}", *(_size(each.stored[name]) for each in both))
    yield row("**stored, together**", *(f"**{_size(sum(each.stored.values()))}**" for each in both))
    yield row("commits that wait for the disk, a second", *(_round(each.commits) for each in both))
    yield row("PostgreSQL's log, of refreshes, a second", *(_size(each.wal) for each in both))


def _round(value: float) -> str:
    """Two digits: more, no figure here can mean."""
    digits = 0 if value >= 10 else 1
    step = 10 ** max(0, len(str(int(value))) - 2)
    return f"{round(value / step) * step:,}" if digits == 0 else f"{value:.1f}"


def _size(value: float) -> str:
    power = max(0, (len(str(int(value))) - 1) // 3)
    return f"{value / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
