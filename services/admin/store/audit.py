"""The audit log (audit.sql)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "audit.sql")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; what is None is not."""

    type: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was recorded. `event_id` is the event's own."""

    event_id: UUID
    occurred_at: datetime
    source: str
    type: str
    subject: str
    data: dict[str, Any]


async def insert_entry(connection: Connection, tenant_id: UUID, entry: Entry) -> None:
    """Record an event; recording it again changes nothing."""
    await connection.execute(
        _SQL["insert_entry"],
        tenant_id,
        entry.event_id,
        entry.occurred_at,
        entry.source,
        entry.type,
        entry.subject,
        entry.data,
    )


class Placed(Entry, frozen=True, kw_only=True):
    """An entry with its place in the tenant's feed; positions only grow."""

    position: int


async def list_feed(connection: Connection, tenant_id: UUID, after: int, limit: int) -> list[Placed]:
    rows = await connection.fetch(_SQL["list_feed"], tenant_id, after, limit)
    return [msgspec.convert(dict(row), Placed) for row in rows]


async def delete_old_entries(connection: Connection, before: datetime, limit: int) -> int:
    """Of all tenants; never of the last thirty days."""
    return int(await connection.fetchval(_SQL["delete_old_entries"], before, limit))


async def list_entries(
    connection: Connection,
    tenant_id: UUID,
    wanted: Filter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Entry]:
    occurred_at, event_id = after or (None, None)
    rows = await connection.fetch(
        _SQL["list_entries"],
        tenant_id,
        occurred_at,
        event_id,
        wanted.type,
        wanted.actor,
        wanted.subject,
        wanted.since,
        wanted.until,
        limit,
    )
    return [msgspec.convert(dict(row), Entry) for row in rows]
