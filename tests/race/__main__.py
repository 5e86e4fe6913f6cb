"""`python -m tests.race`: race refresh tokens at two token processes on a durable PostgreSQL.

Exit codes: 0 nothing was violated · 1 something was · 2 wrong usage · 130 stopped with Ctrl-C.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console

from deploy.local.stack import Stack
from tests.race import arena, contest, report

EXAMPLES = """examples:
  make race                                          ten thousand trials, a few minutes
  make race ARGS="--trials 500"                      a few seconds
  python -m tests.race --seed 7 --trials 1000        the same trials as another time with this seed
  python -m tests.race --seed 7 --first 412 --trials 1    one of them again
  python -m tests.race --json > race.json            the result for a machine; progress on stderr
"""


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(stderr=arguments.json, highlight=False, soft_wrap=True)
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(2**31)
    console.print(f"seed {seed}")
    try:
        with tempfile.TemporaryDirectory(prefix="mtas-race-") as folder:
            result = uvloop.run(_run(Path(folder), seed, arguments, console))
    except KeyboardInterrupt:
        return 130
    report.show(console, result)
    if arguments.json:
        print(report.as_json(result))
    return 1 if result.all_violations else 0


async def _run(folder: Path, seed: int, arguments: argparse.Namespace, console: Console) -> contest.Result:
    stack = Stack(folder / "data", services=(), spare_ports=True)
    with console.status("starting PostgreSQL, Valkey, NATS and two token processes"):
        await asyncio.to_thread(stack.start)
    try:
        async with arena.opened(stack, count_calls=True) as opened:
            with report.bar(console) as bar:
                task = bar.add_task("trials", total=arguments.trials, rate="")

                def progress(result: contest.Result) -> None:
                    rate = f"{result.requests / result.seconds:,.0f} requests/s"
                    bar.update(task, completed=result.trials, rate=rate)

                result = await contest.run(
                    opened,
                    seed,
                    trials=arguments.trials,
                    first=arguments.first,
                    lanes=arguments.lanes,
                    kill_every=arguments.kill_every,
                    progress=progress,
                )
            await opened.stop()
            result.violations += await opened.miscounted_calls()
            return result
    finally:
        await asyncio.to_thread(stack.stop)


def _number(least: int) -> "type[int]":
    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"at least {least}")
        return number

    return read  # type: ignore[return-value]  # argparse names it in its messages


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.race",
        description="Race refresh tokens, codes and revocations at two token processes on one PostgreSQL, "
        "all on this machine, and hold every answer against what may be.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--trials", type=_number(1), default=10_000, metavar="N", help="how many (10000)")
    parser.add_argument("--seed", type=int, metavar="S", help="draw from this; else a new one is drawn")
    parser.add_argument("--first", type=_number(0), default=0, metavar="N", help="begin with trial N (0)")
    parser.add_argument("--lanes", type=_number(1), default=3, metavar="N", help="trials at a time (3)")
    parser.add_argument(
        "--kill-every", type=_number(0), default=contest.KILL_EVERY, metavar="N",
        help=f"every Nth trial kills a process; 0: none does ({contest.KILL_EVERY})",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
