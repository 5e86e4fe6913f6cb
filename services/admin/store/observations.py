"""What authorize and token have seen of an app (observations.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.observations import Kind
from shared.queries import load_queries

_SQL = load_queries(__file__, "observations.sql")


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """The last of a kind. `client_id` is empty where none of the app's was named; `detail` is a
    stranger's text where the kind is about what was sent."""

    client_id: str
    kind: str
    detail: str | None
    times: int
    last_at: datetime


async def list_observations(connection: Connection, tenant_id: UUID, since: datetime) -> list[Observation]:
    rows = await connection.fetch(_SQL["list_observations"], tenant_id, since)
    return [Observation(**dict(row)) for row in rows]


async def get_observation(
    connection: Connection, tenant_id: UUID, client_id: str, kind: Kind
) -> Observation | None:
    row = await connection.fetchrow(_SQL["get_observation"], tenant_id, client_id, kind)
    return Observation(**dict(row)) if row else None


async def delete_observation(connection: Connection, tenant_id: UUID, client_id: str, kind: Kind) -> None:
    await connection.execute(_SQL["delete_observation"], tenant_id, client_id, kind)


async def last_redeemed_at(connection: Connection, tenant_id: UUID) -> datetime | None:
    """When a code of the app was last redeemed: a user had signed in, and the backend took it from there."""
    at: datetime | None = await connection.fetchval(_SQL["last_redeemed_at"], tenant_id)
    return at
