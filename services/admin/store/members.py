"""Members of an app (members.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.admin.store.apps import Role
from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "members.sql")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    developer_id: UUID
    email: str
    role: Role
    created_at: datetime


async def list_members(
    connection: Connection, tenant_id: UUID, after: UUID | None, limit: int
) -> list[Member]:
    rows = await connection.fetch(_SQL["list_members"], tenant_id, after, limit)
    return [msgspec.convert(dict(row), Member) for row in rows]


async def get_member(connection: Connection, tenant_id: UUID, developer_id: UUID) -> Member | None:
    row = await connection.fetchrow(_SQL["get_member"], tenant_id, developer_id)
    return msgspec.convert(dict(row), Member) if row else None


async def is_member(connection: Connection, tenant_id: UUID, email_key: str) -> bool:
    return bool(await connection.fetchval(_SQL["is_member"], tenant_id, email_key))


async def lock_owners(connection: Connection, tenant_id: UUID) -> dict[UUID, bool]:
    """Each with whether their account is enabled."""
    rows = await connection.fetch(_SQL["lock_owners"], tenant_id)
    return {row["developer_id"]: row["is_enabled"] for row in rows}


async def update_role(connection: Connection, tenant_id: UUID, developer_id: UUID, role: Role) -> None:
    await connection.execute(_SQL["update_role"], tenant_id, developer_id, role)


async def delete_member(connection: Connection, tenant_id: UUID, developer_id: UUID) -> None:
    await connection.execute(_SQL["delete_member"], tenant_id, developer_id)


async def join_members(
    connection: Connection, tenant_id: UUID, developer_id: UUID, role: Role, now: datetime
) -> bool:
    """False when they are a member already, whose role stays."""
    joined = await connection.fetchval(_SQL["join_members"], tenant_id, developer_id, role, now)
    return joined is not None
