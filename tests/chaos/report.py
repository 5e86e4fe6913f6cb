"""The table, for people and for docs/operate/faults.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.chaos.broken import AWAY_S, CUT_S, PAUSED_S, SLOW_S
from tests.chaos.matrix import Cell, Column
from tests.chaos.work import KINDS

PAGE: Final = Path(__file__).parents[2] / "docs" / "operate" / "faults.md"
_FAULTS: Final = {
    "kill": f"killed with `kill -9`, started again {AWAY_S:.0f} s later",
    "pause": f"stopped for {PAUSED_S:.0f} s, its connections open",
    "cut": f"every connection reset, and new ones, for {CUT_S:.0f} s",
    "slow": f"500 ms later in each direction, for {SLOW_S:.0f} s",
}


def show(console: Console, cells: Sequence[Cell]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("part", "fault", *KINDS, "again in", "afterwards"):
        table.add_column(name)
    for cell in cells:
        afterwards = Text("as promised", style="green") if not cell.wrong else Text("✗", style="red")
        columns = [words(cell.columns[kind]) for kind in KINDS]
        table.add_row(cell.part, cell.fault, *columns, _recovered(cell), afterwards)
    console.print(table)
    for cell in cells:
        for wrong in cell.wrong:
            console.print(Text.assemble(("✗ ", "red"), f"{cell.part}, {cell.fault}: {wrong}"))


def as_json(cells: Sequence[Cell]) -> str:
    return msgspec.json.format(msgspec.json.encode(cells), indent=2).decode()


_HEAD: Final = """\
# When a part is away

Written by `make chaos`, which breaks each part in each way while sign-ins, exchanges, refreshes, revocations
and changes at the admin API go on, with one process of each service, all on one machine. What may happen is
promised in [architecture.md](../architecture.md#when-a-store-is-away) and `tests/chaos/promises.py`.

{faults}

`on`: every request succeeded. `503`: some were told to come back (`Retry-After`), and succeeded then. `lost`:
some had no answer, since what answers was broken; asked again, they succeeded. `anew`: the answer to an
exchange was lost on its way; who asks again learns that the code was used, and signs in again (RFC 6749
§4.1.2). In brackets the longest that one took. `again in`: from when the part was back until each kind of
request had succeeded again, by itself.
"""

_TAIL: Final = """
After each of the {cells} cells ({requests:,} requests): every refresh token that was handed out was taken,
each family whose revocation was acknowledged was dead, every change that was acknowledged was there, and all
of these were in the audit log once. A code that was answered with 503 was still good, and gave tokens once.
"""


def write_page(cells: Sequence[Cell], path: Path = PAGE) -> None:
    columns = (*KINDS, "again in")
    table = ["| part | fault | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for cell in cells:
        said = [words(cell.columns[kind]) for kind in KINDS]
        table.append(f"| {' | '.join([cell.part, cell.fault, *said, _recovered(cell)])} |")
    requests = sum(sum(column.words.values()) for cell in cells for column in cell.columns.values())
    text = _HEAD.format(faults="\n".join(f"- **{name}**: {what}" for name, what in _FAULTS.items()))
    text += "\n" + "\n".join(table) + "\n" + _TAIL.format(cells=len(cells), requests=requests)
    if wrong := [f"- {cell.part}, {cell.fault}: {wrong}" for cell in cells for wrong in cell.wrong]:
        text += "\n**Not as promised:**\n\n" + "\n".join(wrong) + "\n"
    path.write_text(text)


def words(column: Column) -> str:
    said = ", ".join({"wait": "503", "void": "anew"}.get(word, word) for word in column.words if word != "ok")
    return f"{said or 'on'} ({column.worst_s:.1f} s)"


def _recovered(cell: Cell) -> str:
    times = [column.recovered_s for column in cell.columns.values()]
    known = [each for each in times if each is not None]
    return f"{max(known):.1f} s" if len(known) == len(times) else "never"
