"""What a tenant consists of: every table that the mover may read and write, parents before children.

No list stands here: a new table moves as soon as grants.sql gives it to mtas_mover, and a test asks
for a decision about each table that a tenant owns.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final
from uuid import UUID

from deploy.move.connection import SQL, Connection

Row = dict[str, Any]
_PREFETCH: Final = 500


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[str, ...]
    """Both quoted by PostgreSQL itself."""

    async def rows(self, connection: Connection, tenant_id: UUID) -> AsyncIterator[Row]:
        """In a transaction, a few hundred at a time."""
        statement = f"select to_jsonb(t)::text as row from {self.name} t where tenant_id = $1"  # noqa: S608
        async for record in connection.cursor(statement, tenant_id, prefetch=_PREFETCH):
            yield json.loads(record["row"])

    async def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """PostgreSQL reads its own JSON back: every type to the last microsecond."""
        columns = ", ".join(self.columns)
        statement = (
            f"insert into {self.name} ({columns})"  # noqa: S608
            f" select {columns} from jsonb_populate_recordset(null::{self.name}, $1::jsonb)"
        )
        await connection.execute(statement, json.dumps(rows))


async def list_tables(connection: Connection) -> list[Table]:
    found = {
        row["name"]: (Table(row["name"], tuple(row["columns"])), row["after"])
        for row in await connection.fetch(SQL["list_tables"])
    }
    order = TopologicalSorter({name: set(after) & found.keys() for name, (_, after) in found.items()})
    return [found[name][0] for name in order.static_order()]
