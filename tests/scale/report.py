"""The table, for people and for docs/operate/scaling.md."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.chaos.report import words
from tests.chaos.work import KINDS
from tests.scale.failover import Outcome

PAGE: Final = Path(__file__).parents[2] / "docs" / "operate" / "scaling.md"
_SECTION: Final = re.compile(r"(?<=<!-- make scale -->\n).*?(?=<!-- end -->)", re.DOTALL)
_NOTES: Final = {
    "promoted_s": "the standby took over after {:.1f} s",
    "rejoined_s": "the former primary was a standby again within {:.1f} s",
    "rotations_lost": "{:.0f} rotations were lost with the primary, and fast-forwarded",
    "elected_s": "another one was elected after {:.1f} s",
    "told_s": "no event waited any more after {:.1f} s",
    "connections": "{:.0f} connections to PostgreSQL for all services",
    "requests": "{:,.0f} requests",
    "rate": "{:,.0f} a second",
    "failed": "{:,.0f} failed",
}


def show(console: Console, outcomes: Sequence[Outcome]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("what", *KINDS, "again in", "afterwards"):
        table.add_column(name, no_wrap=True)
    for outcome in outcomes:
        afterwards = Text("as promised", style="green") if not outcome.wrong else Text("✗", style="red")
        table.add_row(outcome.name, *(_cells(outcome) or [""] * (len(KINDS) + 1)), afterwards)
    console.print(table, soft_wrap=True)
    for outcome in outcomes:
        for note in _notes(outcome):
            console.print(f"{outcome.name}: {note}")
        for wrong in outcome.wrong:
            console.print(Text.assemble(("✗ ", "red"), f"{outcome.name}: {wrong}"))


def as_json(outcomes: Sequence[Outcome]) -> str:
    return msgspec.json.format(msgspec.json.encode(outcomes), indent=2).decode()


def write_page(outcomes: Sequence[Outcome], path: Path = PAGE) -> None:
    """Between the two comments; the rest of the page is written by people."""
    columns = ("what", *KINDS, "again in")
    rows = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    rows += [f"| {' | '.join([o.name, *_cells(o)])} |" for o in outcomes if o.columns]
    rows.append("")
    rows += [
        f"- {outcome.name}: {'; '.join(notes)}." for outcome in outcomes if (notes := [*_notes(outcome)])
    ]
    rows += [f"- **Not as promised:** {o.name}: {wrong}" for o in outcomes for wrong in o.wrong]
    section = "\n" + "\n".join(rows) + "\n\n"
    path.write_text(_SECTION.sub(lambda _: section, path.read_text()))


def _cells(outcome: Outcome) -> list[str]:
    if not outcome.columns:
        return []
    times = [column.recovered_s for column in outcome.columns.values()]
    known = [each for each in times if each is not None]
    again = f"{max(known):.1f} s" if len(known) == len(times) else "never"
    return [*(words(outcome.columns[kind]) for kind in KINDS), again]


def _notes(outcome: Outcome) -> Iterator[str]:
    return (_NOTES[name].format(value) for name, value in outcome.notes.items())
