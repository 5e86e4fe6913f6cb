"""`python -m tests.scale`: run the product on several of everything, take one away, and say what happened.

Exit codes: 0 all as promised · 1 something was not · 2 wrong usage · 130 stopped with Ctrl-C.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.scale import pgbouncer, report
from tests.scale.failover import Outcome
from tests.scale.scenarios import SCENARIOS

EXAMPLES = """examples:
  make scale                                     all of it, and writes the table in docs/operate/scaling.md
  make scale ARGS="postgres valkey:killed"       some of it; writes nothing
  make scale ARGS="versions secrets"             two versions side by side; secrets change
  python -m tests.scale --json nats > nats.json

pgbouncer runs the one on PATH, or that MTAS_PGBOUNCER names: 1.21 or newer.
"""


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(stderr=arguments.json, highlight=False, soft_wrap=True, width=140)
    try:
        outcomes = _run(_chosen(arguments.scenarios), console)
    except ValueError as error:
        print(f"scale: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    report.show(console, outcomes)
    if arguments.json:
        print(report.as_json(outcomes))
    if len(outcomes) == len(SCENARIOS):
        report.write_page(outcomes)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


def _run(names: Sequence[str], console: Console) -> list[Outcome]:
    outcomes = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="mtas-scale-") as folder:
            Path(folder).chmod(0o711)  # as root, PostgreSQL runs as another user
            outcomes.append(SCENARIOS[name](Path(folder), console.print))
        word = "✗" if outcomes[-1].wrong else "✓"
        console.print(f"{word} {len(outcomes)}/{len(names)} {name}")
        for wrong in outcomes[-1].wrong:
            console.print(f"    {wrong}")
    return outcomes


def _chosen(wanted: Sequence[str]) -> list[str]:
    """`postgres` is all of what happens to it. Raises: ValueError."""
    unknown = [word for word in wanted if not any(name.startswith(word) for name in SCENARIOS)]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(SCENARIOS)}")
    chosen = [name for name in SCENARIOS if not wanted or name.startswith(tuple(wanted))]
    if "pgbouncer" in chosen and pgbouncer.find() is None:
        raise ValueError(
            "PgBouncer 1.21 or newer is neither on PATH nor named by MTAS_PGBOUNCER: get it, or name others"
        )
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.scale",
        description="Run the product on several of each, and take one away under steady load.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenarios", nargs="*", metavar="WHAT", help="which ones, all by default")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
