"""`python -m tests.bench`: measure this product on this machine. `make bench` is the full run.

Exit codes: 0 measured · 1 could not, or an answer was wrong · 2 wrong usage. A missed target is a
result, not an error.
"""

import argparse
import asyncio
import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec
import uvloop
from rich.console import Console

from deploy.local import leftovers
from deploy.local.errors import ProcessDied, StackError
from deploy.local.services import ROOT
from docs import capacity
from tests.bench import machine, picture, report
from tests.bench.bench import FOLDER, Bench
from tests.bench.image import InstallError
from tests.bench.limits import LimitError
from tests.bench.plan import CONNECTIONS, EVENLY, KINDS, PATHS, RUNS, SECONDS, TENANTS, WORKERS, Plan
from tests.bench.proof import WrongAnswer
from tests.bench.results import Document
from tests.bench.stage import BenchError
from tests.bench.targets import verdicts

DOCS: Final = ROOT / "docs"

EXAMPLES: Final = """\
examples:
  python -m tests.bench --quick                              each once for 2 s, 10 tenants, in a minute
  python -m tests.bench --work refresh,code --path gateway   two kinds of work, through the gateway
  python -m tests.bench --tenants 10,10000 --workers 2       what many tenants cost
  python -m tests.bench --quick --json -                     for a script
"""


def main() -> int:
    arguments = _parser().parse_args()
    plan = _plan(arguments)
    is_full = plan == _plan(_parser().parse_args([]))
    writes = is_full if arguments.write is None else arguments.write
    began = time.monotonic()
    progress = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(text: str) -> None:
        progress.print(f"[dim]{time.monotonic() - began:6.0f} s[/]  ", end="")
        progress.print(text, markup=False)

    say(_announcement(plan, writes))
    leftovers.sweep(Path(tempfile.gettempdir()).glob(f"{FOLDER}*/data"))
    bench = Bench(plan, say, as_image=arguments.packages == "image")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(bench.run())
    except KeyboardInterrupt:
        return 130
    except ProcessDied as death:
        return _fail(progress, f"{death}; its log ends:", death.log_tail)
    except (BenchError, InstallError, LimitError, StackError, WrongAnswer) as error:
        return _fail(progress, str(error))
    document = Document(
        machine=machine.describe() | {"python": bench.python.version, "packages": arguments.packages},
        limits=bench.limits,
        settings={
            "connections": CONNECTIONS,
            "runs": plan.runs,
            "seconds": plan.seconds,
            "warm_up_s": plan.warm_up_s,
        },
        results=[result for result in bench.results if result.asked == EVENLY],
        by_rank=[result for result in bench.results if result.asked != EVENLY],
        first_requests=bench.first_requests,
        targets=verdicts(bench.results),
    )
    if arguments.json != "-":
        report.show(document, Console(highlight=False, width=160))
    if arguments.json is not None:
        _write_json(arguments.json, document)
    if writes:
        _write_documents(document)
        say(
            "written: docs/benchmarks.md, docs/benchmarks.json, docs/benchmarks.svg, docs/operate/capacity.md"
        )
    return 0


def _plan(arguments: argparse.Namespace) -> Plan:
    quick = arguments.quick
    return Plan(
        works=arguments.work or list(KINDS),
        paths=arguments.path or PATHS,
        tenants=arguments.tenants or (TENANTS[:1] if quick else TENANTS),
        workers=arguments.workers or (WORKERS[:1] if quick else WORKERS),
        runs=arguments.runs or (1 if quick else RUNS),
        seconds=arguments.seconds or (2.0 if quick else SECONDS),
        warm_up_s=0.5 if quick else 0.8,
    )


def _announcement(plan: Plan, writes: bool) -> str:
    cells = sum(len(plan.cells(*stage)) for stage in plan.stages())
    minutes = math.ceil(plan.estimated_s() / 60)
    runs = "one run" if plan.runs == 1 else f"{plan.runs} runs"
    written = " docs/benchmarks.* will be written." if writes else ""
    return (
        f"{cells} measurements of {runs} of {plan.seconds:g} s, {CONNECTIONS} connections: "
        f"about {minutes} min. Leave the machine alone meanwhile.{written}"
    )


def _write_json(to: str, document: Document) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=2)
    if to == "-":
        print(encoded.decode())
    else:
        Path(to).write_bytes(encoded + b"\n")


def _write_documents(document: Document) -> None:
    _write_json(str(DOCS / "benchmarks.json"), document)
    (DOCS / "benchmarks.md").write_text(report.markdown(document))
    (DOCS / "benchmarks.svg").write_text(picture.draw(document.results))
    (DOCS / "operate" / "capacity.md").write_text(capacity.render())


def _fail(console: Console, text: str, log_tail: Sequence[str] = ()) -> int:
    console.print("[red]✗[/] ", end="")
    console.print(text, markup=False)
    for line in log_tail:
        console.print(f"    {line}", markup=False)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure MTAS on this machine, beside what this machine can do: a stack of its own on\n"
        "spare ports, tokens and sign-ins through the gateway and at the services.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="one run of 2 s each, 10 tenants, 1 token process"
    )
    parser.add_argument("--work", type=_names(KINDS), metavar="A,B", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--path", type=_names(PATHS), metavar="A,B", help="of gateway, service")
    parser.add_argument("--tenants", type=_counts(1, 100_000), metavar="N,M", help="10,1000,10000")
    parser.add_argument("--workers", type=_counts(1, 16), metavar="N,M", help="token processes: 1,2")
    parser.add_argument("--runs", type=_between(int, 1, 20), metavar="N", help=f"runs of each: {RUNS}")
    parser.add_argument(
        "--seconds", type=_between(float, 0.2, 60), metavar="S", help=f"of each run: {SECONDS}"
    )
    parser.add_argument(
        "--packages",
        choices=("image", "here"),
        default="image",
        help="the services': the image's, installed for it (10 s) with the quickest Python of this machine, "
        "or those that are here",
    )
    parser.add_argument("--json", metavar="FILE", help="the figures as JSON too; - for standard output")
    parser.add_argument(
        "--write",
        action=argparse.BooleanOptionalAction,
        help="docs/benchmarks.md, .json and .svg; by default when all is measured",
    )
    return parser


def _names(known: Collection[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is not among {', '.join(known)}")
        return names

    return read


def _counts(least: int, most: int) -> Callable[[str], list[int]]:
    one = _between(int, least, most)
    return lambda text: [int(one(part)) for part in text.split(",")]


def _between(kind: type[float], least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least:,} to {most:,}")
        return value

    return read


if __name__ == "__main__":
    sys.exit(main())
