"""Statements of what a user does with their own account (account.sql)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "account.sql")


class User(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str
    email_verified: bool
    name: str | None
    created_at: datetime
    updated_at: datetime


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    session_id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What one client holds of a user, over all their families."""

    client_id: str
    name: str
    is_third_party: bool
    scope: tuple[str, ...]
    granted_at: datetime
    used_at: datetime


# The user -----------------------------------------------------------------------------------


async def get_user(connection: Connection, tenant_id: UUID, user_id: UUID) -> User | None:
    row = await connection.fetchrow(_SQL["get_user"], tenant_id, user_id)
    return msgspec.convert(dict(row), User) if row else None


async def update_name(
    connection: Connection, tenant_id: UUID, user_id: UUID, name: str | None, now: datetime
) -> bool:
    """Did this change anything?"""
    return await connection.fetchval(_SQL["update_name"], tenant_id, user_id, name, now) is not None


async def update_email(
    connection: Connection, tenant_id: UUID, user_id: UUID, *, email: str, email_key: str, now: datetime
) -> bool:
    """False when the address is another user's."""
    try:
        changed = await connection.fetchval(_SQL["update_email"], tenant_id, user_id, email, email_key, now)
    except asyncpg.UniqueViolationError:
        return False
    return changed is not None


async def update_password(
    connection: Connection, tenant_id: UUID, user_id: UUID, *, old: str, new: str, now: datetime
) -> bool:
    """False when it is not the one any more that was verified. Devices known before `now` are strangers."""
    return await connection.fetchval(_SQL["update_password"], tenant_id, user_id, old, new, now) is not None


async def delete_user(connection: Connection, tenant_id: UUID, user_id: UUID) -> bool:
    """With all that is about them. Did this change anything?"""
    return await connection.fetchval(_SQL["delete_user"], tenant_id, user_id) is not None


# Sessions -----------------------------------------------------------------------------------


async def list_sessions(
    connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime, idle_since: datetime
) -> list[LiveSession]:
    rows = await connection.fetch(_SQL["list_sessions"], tenant_id, user_id, now, idle_since)
    return [msgspec.convert(dict(row), LiveSession) for row in rows]


async def end_session_of_user(
    connection: Connection, tenant_id: UUID, user_id: UUID, session_id: UUID, now: datetime
) -> list[UUID]:
    """The ended session's id; none when it was not alive, or another user's."""
    rows = await connection.fetch(_SQL["end_session_of_user"], tenant_id, user_id, session_id, now)
    return [row["session_id"] for row in rows]


async def end_other_sessions(
    connection: Connection, tenant_id: UUID, user_id: UUID, session_id: UUID, now: datetime
) -> list[UUID]:
    """The ids of those that were ended."""
    rows = await connection.fetch(_SQL["end_other_sessions"], tenant_id, user_id, session_id, now)
    return [row["session_id"] for row in rows]


async def lock_session(connection: Connection, tenant_id: UUID, user_id: UUID, session_id: UUID) -> bool:
    """False when it has been ended. If not, it is not until the transaction ends."""
    return await connection.fetchval(_SQL["lock_session"], tenant_id, user_id, session_id) is not None


async def replace_token(
    connection: Connection, tenant_id: UUID, user_id: UUID, session_id: UUID, token_hash: bytes, now: datetime
) -> bool:
    """False when the session has ended meanwhile."""
    found = await connection.fetchval(_SQL["replace_token"], tenant_id, user_id, session_id, token_hash, now)
    return found is not None


# Grants and consents ------------------------------------------------------------------------


async def list_grants(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> list[Grant]:
    rows = await connection.fetch(_SQL["list_grants"], tenant_id, user_id, now)
    return [msgspec.convert(dict(row), Grant) for row in rows]


async def revoke_grants(
    connection: Connection,
    tenant_id: UUID,
    user_id: UUID,
    *,
    client_id: str | None = None,
    but_session_id: UUID | None = None,
    reason: str,
    now: datetime,
) -> int:
    """How many families were alive: of one client, or all but one session's. Codes that are being redeemed
    are waited for, and those behind them wait. The user is locked before, so that no two wait for each other.
    """
    return int(
        await connection.fetchval(
            _SQL["revoke_grants"], tenant_id, user_id, client_id, but_session_id, reason, now
        )
    )


async def list_consents(connection: Connection, tenant_id: UUID, user_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(_SQL["list_consents"], tenant_id, user_id)]


async def get_consent(
    connection: Connection, tenant_id: UUID, user_id: UUID, client_id: str
) -> tuple[frozenset[str], frozenset[str]] | None:
    """The scope at the app itself, and at APIs. None when they were never asked, or have taken it back."""
    row = await connection.fetchrow(_SQL["get_consent"], tenant_id, user_id, client_id)
    return (frozenset(row["scope"]), frozenset(row["scope_at_resources"])) if row is not None else None


async def insert_consent(
    connection: Connection,
    tenant_id: UUID,
    user_id: UUID,
    client_id: str,
    scope: tuple[str, ...],
    scope_at_resources: tuple[str, ...],
    now: datetime,
) -> bool:
    """False when there is no such user any more."""
    found = await connection.fetchval(
        _SQL["insert_consent"], tenant_id, user_id, client_id, list(scope), list(scope_at_resources), now
    )
    return found is not None


async def delete_consent(connection: Connection, tenant_id: UUID, user_id: UUID, client_id: str) -> bool:
    """Was there one?"""
    return await connection.fetchval(_SQL["delete_consent"], tenant_id, user_id, client_id) is not None


async def list_mails(connection: Connection, tenant_id: UUID, user_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(_SQL["list_mails"], tenant_id, user_id)]
