"""Users, as far as the dashboard shows them (users.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "users.sql")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An end user of one tenant."""

    user_id: UUID
    email: str
    email_verified: bool
    name: str | None
    disabled_at: datetime | None
    created_at: datetime


async def list_users(
    connection: Connection, tenant_id: UUID, part: str | None, after: UUID | None, limit: int
) -> list[User]:
    """All, or those with this part in their email or name; the tenant is the transaction's."""
    if part is None:
        rows = await connection.fetch(_SQL["list_users"], tenant_id, after, limit)
    else:
        rows = await connection.fetch(_SQL["find_users"], part, after, limit)
    return [msgspec.convert(dict(row), User) for row in rows]


async def get_user(connection: Connection, tenant_id: UUID, user_id: UUID) -> User | None:
    row = await connection.fetchrow(_SQL["get_user"], tenant_id, user_id)
    return msgspec.convert(dict(row), User) if row else None
