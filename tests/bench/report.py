"""The figures as tables: on the terminal, and as docs/benchmarks.md."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench.plan import CONNECTIONS, P99_MS
from tests.bench.results import Document, Result

LIMITS: Final = {
    "rs256_sign_per_s": "RS256 signatures, all cores (`openssl speed -multi`)",
    "rs256_sign_in_python_per_s": "the same, called from Python (`cryptography`, a process a core)",
    "argon2id_verify_per_s": "argon2id verifications, all cores, the product's parameters",
    "postgres_select_per_s": "PostgreSQL, SELECT of one row by key, 10 connections (`pgbench`)",
    "postgres_update_per_s": "PostgreSQL, UPDATE of one row, committed as a rotation is (asynchronously)",
    "postgres_update_durable_per_s": "PostgreSQL, UPDATE of one row, waiting for the disk",
    "generator_per_s": "this load generator against a server that does nothing",
}
_SHORT: Final = {
    "rs256_sign_per_s": "signatures",
    "argon2id_verify_per_s": "argon2id",
    "postgres_select_per_s": "SELECT",
    "generator_per_s": "generator",
}
_HEAD: Final = (
    "work", "path", "tenants", "token processes", "requests/s (min–max)", "p50 ms", "p99 ms", "errors",
    "of its limit", "target",
)  # fmt: skip
_RIGHT: Final = range(2, 9)

_PREAMBLE: Final = """\
# Benchmarks

Written by `make bench`; the same figures are in [benchmarks.json](benchmarks.json). What one machine does in
a second says little about another one, so each rate stands beside a limit of this machine, measured in the
same run.

![Throughput and p99 by number of tenants](benchmarks.svg)
"""

_NOTES: Final = f"""\
## How it is measured

- PostgreSQL, Valkey, NATS, Envoy, the four services and the load generator share this one machine's
  cores. PostgreSQL waits for the disk, as it does in production (`fsync`).
- {CONNECTIONS} keep-alive connections, each with one request under way. Every status is checked, and that
  the answer holds what it must; a sample of the tokens is verified against the JWKS with a library that
  the services don't use.
- `gateway` is through Envoy, `service` is straight at the service's port. With two token processes,
  connections are shared out between them.
- `client_credentials` signs one token; `refresh` rotates and signs one; `refresh_id_token` and `code`
  sign two. Each refresh presents its chain's newest token. Every chain began with the exchange of a code.
  Codes are written to Valkey as the authorize service writes them; each is exchanged once.
- `introspect` asks about an access token: a verified signature and one row. `sign_in` sends the form of
  the sign-in page with the right password, from a device that has signed in before: one argon2id
  verification, and a new session; no letter about a new device.
- The services have the packages of the image and nothing else, in the quickest Python of this machine: the
  image's is optimised, and one that was built without takes a quarter longer for all that is not a signature.
- Tenants are asked at random, each as likely as any other. Real load is kinder: with 10,000 tenants many
  requests find their key closed again (`MTAS_KEY_CACHE_SIZE`), and opening one costs about a signature.
- Every tenant has its own RSA key of 2048 bits, sealed for it alone. To make 10,000 in seconds, the keys
  are pairs out of a few primes. All users have one password hash. Neither makes the services' work less.
- The gateway's limits by address are lifted, since all load comes from this machine.
- `cores busy` is the share of all cores that what is measured took, `by others` what anything else on the
  machine took meanwhile. A row where that is much was disturbed.
- Each target is held against the number of token processes that does best.
- A figure is the median of the runs. The ratio is the median throughput over the limit named in
  benchmarks.json; targets are held against what goes through the gateway.

## What bounds it

- A token is a signature and little else: of the processor time of a client_credentials, all processes
  together, half is OpenSSL's; of a code exchange a third, for its two signatures. The rest is HTTP twice,
  PostgreSQL and Valkey. At a ratio of 0.45 that rest may take 0.30 ms, of which Envoy has 0.10 with nothing
  of ours in its configuration.
- Signing stays in a core's own cache, and the rest does not. Where others work on the same host, one run
  takes 5 to 20 % longer for all but signatures than the next: so much may two ratios, or two lines that
  were measured a quarter of an hour apart, differ without a reason that is here.
- With {CONNECTIONS} connections and the cores busy, the mean latency is {CONNECTIONS} over the throughput:
  at 750 exchanges a second 43 ms. A p99 below {P99_MS:.0f} ms leaves a sixth above that, and one pause of
  30 ms in a run, whatever its cause, is a hundredth of its requests. An exchange waits for the disk; a
  refresh does not.
- With 10,000 tenants asked equally often, many keys are closed when they are asked for, and opening one
  costs nearly a signature. What was tried against that is in [ADR 0033](adr/0033-tenants-are-shared-out.md).
"""


def show(document: Document, console: Console) -> None:
    """On the terminal."""
    _print(console, "Limits of this machine", ("limit", "a second"), _limits(document), (1,))
    _print(console, "Results", _HEAD, [_row(result) for result in document.results], _RIGHT)
    _print(console, "By rank", _HEAD, [_row(result) for result in document.by_rank], _RIGHT)
    groups = _groups(document.results)
    cpu = ("work", "path", "tenants", "token processes", *groups, "cores busy", "by others")
    _print(
        console,
        "Processor time, ms a request",
        cpu,
        [_cpu_row(result, groups) for result in document.results],
        range(2, len(cpu)),
    )
    processes = _processes(document.results)
    _print(
        console,
        "Resident memory, MiB, the most after any load",
        ("tenants", *processes),
        _memory(document.results, processes),
        range(len(processes) + 1),
    )
    _print(console, "First requests", _FIRST, _first(document), range(7))
    _print(console, "Targets", _TARGETS, _targets(document), (1,))


def markdown(document: Document) -> str:
    """docs/benchmarks.md."""
    groups, processes = _groups(document.results), _processes(document.results)
    machine = [[name, str(value)] for name, value in document.machine.items()]
    cpu = ("work", "path", "tenants", "token processes", *groups, "cores busy", "by others")
    parts = [
        _PREAMBLE,
        "## Targets\n",
        _markdown_table(_TARGETS, _targets(document)),
        "## This machine, and its limits\n",
        _markdown_table(("machine", ""), machine),
        _markdown_table(("limit", "a second"), _limits(document)),
        "## Results\n",
        _conditions(document),
        _markdown_table(_HEAD, [_row(result) for result in document.results]),
        *_by_rank(document),
        "## Processor time, ms a request\n",
        _markdown_table(cpu, [_cpu_row(result, groups) for result in document.results]),
        "## Resident memory, MiB, the most after any load\n",
        _markdown_table(("tenants", *processes), _memory(document.results, processes)),
        "## First requests\n",
        "How soon a token process is ready, and the first request to each tenant after that: nothing\n"
        "cached, the signing key still sealed.\n",
        _markdown_table(_FIRST, _first(document)),
        _NOTES,
    ]
    return "\n".join(parts)


def _by_rank(document: Document) -> list[str]:
    """Nothing, when it was not measured."""
    if not document.by_rank:
        return []
    return [
        "## Tenants asked by rank\n",
        "The n-th of a connection's tenants is asked one n-th as often as its first (Zipf's law): a few\n"
        "have most of the traffic, as where many products share a service. Above, all are asked evenly.\n",
        _markdown_table(_HEAD, [_row(result) for result in document.by_rank]),
    ]


_FIRST: Final = ("tenants", "token processes", "ready after s", "requests/s", "p50 ms", "p99 ms", "errors")
_TARGETS: Final = ("target", "measured", "met", "where")


def _conditions(document: Document) -> str:
    runs, settings = document.settings["runs"], document.settings
    return (
        f"{'One run' if runs == 1 else f'{runs} runs'} of {settings['seconds']:g} s after "
        f"{settings['warm_up_s']:g} s of warm-up, {settings['connections']} connections.\n"
    )


def _limits(document: Document) -> list[list[str]]:
    return [[LIMITS.get(name, name), f"{value:,.0f}"] for name, value in document.limits.items()]


def _row(result: Result) -> list[str]:
    rate = result.throughput
    met = "" if result.target is None else f"{result.target} {'✓' if result.met else '✗'}"
    return [
        result.work,
        result.path,
        f"{result.tenants:,}",
        str(result.workers),
        f"{rate.median:,.0f} ({rate.min:,.0f}–{rate.max:,.0f})",
        f"{result.p50_ms:.1f}",
        f"{result.p99_ms:.1f}",
        str(result.errors),
        f"{result.ratio:.3f} {_SHORT.get(result.limit, result.limit)}",
        met,
    ]


def _cpu_row(result: Result, groups: Sequence[str]) -> list[str]:
    return [
        result.work,
        result.path,
        f"{result.tenants:,}",
        str(result.workers),
        *(f"{result.cpu_ms.get(group, 0):.3f}" for group in groups),
        f"{result.cpu_busy:.0%}",
        "" if result.cpu_elsewhere is None else f"{result.cpu_elsewhere:.0%}",
    ]


def _memory(results: Sequence[Result], processes: Sequence[str]) -> list[list[str]]:
    rows = []
    for tenants in dict.fromkeys(result.tenants for result in results):
        sizes = [result.rss_mb for result in results if result.tenants == tenants]
        most = [max((size.get(process, 0.0) for size in sizes), default=0.0) for process in processes]
        rows.append([f"{tenants:,}", *(f"{size:.0f}" if size else "" for size in most)])
    return rows


def _first(document: Document) -> list[list[str]]:
    return [
        [
            f"{first.tenants:,}",
            str(first.workers),
            f"{first.start_s:.1f}",
            f"{first.throughput:,.0f}",
            f"{first.p50_ms:.1f}",
            f"{first.p99_ms:.1f}",
            str(first.errors),
        ]
        for first in document.first_requests
    ]


def _targets(document: Document) -> list[list[str]]:
    return [
        [verdict.target, f"{verdict.measured:g}", "✓" if verdict.met else "✗", verdict.at]
        for verdict in document.targets
    ]


def _groups(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(group for result in results for group in result.cpu_ms))


def _processes(results: Sequence[Result]) -> list[str]:
    return sorted({process for result in results for process in result.rss_mb})


def _print(
    console: Console, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def lines() -> Iterator[str]:
        yield "| " + " | ".join(head) + " |"
        yield "|" + "---|" * len(head)
        for row in rows:
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"

    return "\n".join(lines()) + "\n"
