"""What a person sees: progress while it runs, a table at the end; or JSON for a machine."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tests.race.contest import Result

SHOWN = 20


def bar(console: Console) -> Progress:
    """Lines of progress on a terminal; nothing elsewhere."""
    return Progress(
        TextColumn("trials"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[rate]}[/]"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def show(console: Console, result: Result) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("trial", style="bold")
    for name in ("trials", "answers", "minted", "refused", "violations"):
        table.add_column(name, justify="right")
    for kind, count in sorted(result.counts.items()):
        numbers = (count.trials, count.requests, count.minted, count.refused)
        found = Text(str(len(count.violations)), style="red" if count.violations else "green")
        table.add_row(kind, *(f"{number:,}" for number in numbers), found)
    console.print()
    console.print(table)
    console.print()
    rate = result.requests / result.seconds if result.seconds else 0
    console.print(
        f"{result.trials:,} trials, {result.requests:,} requests in {result.seconds:.1f} s ({rate:,.0f}/s), "
        f"{result.kills} kills, {result.lost:,} answers lost; seed {result.seed}"
    )
    for violation in result.all_violations[:SHOWN]:
        console.print(Text.assemble(("✗ ", "red"), violation))
    if len(result.all_violations) > SHOWN:
        console.print(f"  and {len(result.all_violations) - SHOWN} more")
    if not result.all_violations:
        console.print(
            Text.assemble(("✓ ", "green"), "no double mint, no false logout, nothing alive after its end")
        )


def as_json(result: Result) -> str:
    return json.dumps(asdict(result) | {"trials": result.trials, "ok": not result.all_violations})
