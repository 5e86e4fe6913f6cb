"""`python -m tests.chaos`: break each part of the product in each way, and say what happened.

Exit codes: 0 all as promised · 1 something was not · 2 wrong usage · 130 stopped with Ctrl-C.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from deploy.local.stack import Stack
from tests.chaos import report
from tests.chaos.broken import FAULTS, TARGETS, Linked
from tests.chaos.matrix import Cell, Matrix
from tests.chaos.rolling import REQUESTS, TWO_EACH, Rolling

EXAMPLES = """examples:
  make chaos                                    every cell, and writes docs/operate/faults.md
  make chaos ARGS="postgres valkey:cut"         some cells; writes nothing
  make chaos ARGS=rolling                       100,000 requests while everything is restarted, and keys
                                                and secrets rotate
  python -m tests.chaos --json nats > nats.json
"""


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(stderr=arguments.json, highlight=False, soft_wrap=True)
    try:
        wanted = [] if arguments.cells == ["rolling"] else _cells(arguments.cells)
        with tempfile.TemporaryDirectory(prefix="mtas-chaos-") as folder:
            if not wanted:
                return _roll(Path(folder), arguments, console)
            return _break(Path(folder), wanted, arguments, console)
    except ValueError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _break(
    folder: Path, wanted: list[tuple[str, str]], arguments: argparse.Namespace, console: Console
) -> int:
    cells: list[Cell] = []
    with Linked(folder / "data") as stack:
        matrix = Matrix(stack)
        for part, fault in wanted:
            cells.append(matrix.run(part, fault))
            word = "✗" if cells[-1].wrong else "✓"
            console.print(f"{word} {len(cells)}/{len(wanted)} {part} {fault}")
            for wrong in cells[-1].wrong:
                console.print(f"    {wrong}")
        matrix.close()
    report.show(console, cells)
    if arguments.json:
        print(report.as_json(cells))
    if arguments.keep is not None:
        cells = _kept(arguments.keep, cells)
    if len(cells) == len(_cells([])):
        report.write_page(cells)
    return 1 if any(cell.wrong for cell in cells) else 0


def _kept(path: Path, cells: list[Cell]) -> list[Cell]:
    """These, and from earlier runs the others."""
    kept = msgspec.json.decode(path.read_bytes(), type=list[Cell]) if path.exists() else []
    known = {(cell.part, cell.fault): cell for cell in (*kept, *cells)}
    cells = [known[cell] for cell in _cells([]) if cell in known]
    path.write_text(report.as_json(cells))
    return cells


def _roll(folder: Path, arguments: argparse.Namespace, console: Console) -> int:
    with Stack(
        folder / "data",
        spare_ports=True,
        gateway=False,
        instances=TWO_EACH,
    ) as stack:
        rolling = Rolling(stack, arguments.requests, console.print)
        result = asyncio.run(rolling.run())
    rate = result.requests / result.seconds
    console.print(f"{result.requests:,} requests, {rate:,.0f}/s, {result.failed} failed")
    for word, times in result.words.most_common(20):
        console.print(f"✗ {times} × {word}")
    if arguments.json:
        print(json.dumps({"requests": result.requests, "failed": dict(result.words), "done": result.done}))
    return 1 if result.failed or len(result.kids) < 2 else 0


def _cells(wanted: list[str]) -> list[tuple[str, str]]:
    """`postgres` is all four of its cells, `:cut` a column. Raises: ValueError."""
    every = [(part, fault) for part in TARGETS for fault in FAULTS]
    if not wanted:
        return every
    chosen = []
    for word in wanted:
        part, _, fault = word.partition(":")
        matching = [cell for cell in every if part in ("", cell[0]) and fault in ("", cell[1])]
        if not matching:
            raise ValueError(f"{word!r}: a part ({', '.join(TARGETS)}), :fault ({', '.join(FAULTS)}) or both")
        chosen += matching
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Break each part of the product in each way, under steady load, on servers of its own.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "cells", nargs="*", metavar="PART:FAULT", help="which cells, all by default; or rolling"
    )
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N", help="with rolling (100000)")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="keep the cells here: the page is written once it has all"
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
