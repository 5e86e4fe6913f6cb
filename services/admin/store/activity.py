"""How often users signed in, and did not (activity.sql)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "activity.sql")


class Count(NamedTuple):
    day: datetime
    kind: str
    times: int


async def list_days(connection: Connection, tenant_id: UUID, since: datetime) -> list[Count]:
    return [Count(*row) for row in await connection.fetch(_SQL["list_days"], tenant_id, since)]
