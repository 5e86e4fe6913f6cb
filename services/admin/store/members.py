"""Members of an app, and invitations to become one (members.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.admin.store.apps import Role
from shared.db import Connection, load_queries

_SQL = load_queries(__file__, "members.sql")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    developer_id: UUID
    email: str
    role: Role
    created_at: datetime


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An open invitation, by its dates."""

    invitation_id: UUID
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class FoundInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """What a token stands for. `is_over`: taken, revoked, replaced or expired."""

    invitation_id: UUID
    email: str
    email_key: str
    role: Role
    vouched: bool
    is_over: bool


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


async def lock_owners(connection: Connection, tenant_id: UUID) -> set[UUID]:
    rows = await connection.fetch(_SQL["lock_owners"], tenant_id)
    return {row["developer_id"] for row in rows}


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


async def list_invitations(
    connection: Connection, tenant_id: UUID, now: datetime, after: UUID | None, limit: int
) -> list[Invitation]:
    rows = await connection.fetch(_SQL["list_invitations"], tenant_id, now, after, limit)
    return [msgspec.convert(dict(row), Invitation) for row in rows]


async def count_open_invitations(connection: Connection, tenant_id: UUID, now: datetime) -> int:
    return int(await connection.fetchval(_SQL["count_open_invitations"], tenant_id, now))


async def end_invitation_of(connection: Connection, tenant_id: UUID, email_key: str, now: datetime) -> None:
    await connection.execute(_SQL["end_invitation_of"], tenant_id, email_key, now)


async def insert_invitation(
    connection: Connection,
    tenant_id: UUID,
    token_hash: bytes,
    email: str,
    email_key: str,
    role: Role,
    vouched: bool,
    now: datetime,
    expires_at: datetime,
) -> UUID | None:
    """None when another one for this address was faster."""
    invitation_id: UUID | None = await connection.fetchval(
        _SQL["insert_invitation"], tenant_id, token_hash, email, email_key, role, vouched, now, expires_at
    )
    return invitation_id


async def revoke_invitation(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime
) -> bool:
    return await connection.fetchval(_SQL["revoke_invitation"], tenant_id, invitation_id, now) is not None


async def find_invitation(
    connection: Connection, tenant_id: UUID, token_hash: bytes, now: datetime
) -> FoundInvitation | None:
    row = await connection.fetchrow(_SQL["find_invitation"], tenant_id, token_hash, now)
    return msgspec.convert(dict(row), FoundInvitation) if row else None


async def take_invitation(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime, developer_id: UUID
) -> bool:
    """True for one caller only, however many try."""
    taken = await connection.fetchval(_SQL["take_invitation"], tenant_id, invitation_id, now, developer_id)
    return taken is not None
