"""The authorize service's statements, one typed function each (queries.sql), and its keys in Valkey."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant
from shared.queries import load_queries
from shared.secret import Secret
from shared.valkey import Valkey

_SQL = load_queries(__file__)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a password is checked against."""

    user_id: UUID
    password_hash: str
    devices_valid_from: datetime
    disabled_at: datetime | None
    email: str
    email_verified: bool


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser, and what its pages show of the user."""

    session_id: UUID
    user_id: UUID
    auth_time: datetime
    last_seen_at: datetime
    email: str
    name: str | None


class EndedSession(msgspec.Struct, frozen=True, kw_only=True):
    session_id: UUID
    user_id: UUID


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    kid: str
    alg: str
    public_jwk: dict[str, Any]


# Users --------------------------------------------------------------------------------------


async def get_app_names(connection: Connection, tenant_id: UUID) -> tuple[str, ...] | None:
    """What people call the tenant: its name and its slug."""
    names = await connection.fetchval(_SQL["get_app_names"], tenant_id)
    return tuple(names) if names else None


async def get_export_terms(connection: Connection, tenant_id: UUID, now: datetime) -> tuple[str, datetime]:
    """Of a tenant that is there: its slug, and when a session that is not idle was last seen."""
    row = await connection.fetchrow(_SQL["get_export_terms"], tenant_id)
    return row["slug"], now - timedelta(seconds=row["session_idle_ttl_s"])


async def void_grants(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Whatever was authenticated before `now`. False when there is no such user."""
    return await connection.fetchval(_SQL["void_grants"], tenant_id, user_id, now) is not None


async def get_credentials(connection: Connection, tenant_id: UUID, email_key: str) -> Credentials | None:
    row = await connection.fetchrow(_SQL["get_credentials"], tenant_id, email_key)
    return msgspec.convert(dict(row), Credentials) if row else None


async def insert_user(
    connection: Connection,
    tenant_id: UUID,
    *,
    email: str,
    email_key: str,
    email_verified: bool,
    name: str | None,
    now: datetime,
) -> UUID | None:
    """The new user's id; None when the address is taken."""
    user_id: UUID | None = await connection.fetchval(
        _SQL["insert_user"], tenant_id, email, email_key, email_verified, name, now
    )
    return user_id


async def insert_credentials(
    connection: Connection, tenant_id: UUID, user_id: UUID, password_hash: str, now: datetime
) -> None:
    await connection.execute(_SQL["insert_credentials"], tenant_id, user_id, password_hash, now)


async def update_password_hash(
    connection: Connection, tenant_id: UUID, user_id: UUID, *, old: str, new: str, now: datetime
) -> None:
    await connection.execute(_SQL["update_password_hash"], tenant_id, user_id, old, new, now)


async def lock_password(connection: Connection, tenant_id: UUID, user_id: UUID, password_hash: str) -> bool:
    """False when it is another by now. If not, it stays until the transaction ends."""
    found = await connection.fetchval(_SQL["lock_password"], tenant_id, user_id, password_hash)
    return found is not None


async def verify_email(
    connection: Connection, tenant_id: UUID, user_id: UUID, email: str, now: datetime
) -> bool:
    """Did this change anything? Only while it is still the user's address."""
    return await connection.fetchval(_SQL["verify_email"], tenant_id, user_id, email, now) is not None


async def lock_user(connection: Connection, tenant_id: UUID, user_id: UUID) -> None:
    """Until the transaction ends, nobody else decides about this user's account."""
    await connection.execute(_SQL["lock_user"], tenant_id, user_id)


async def reset_password(
    connection: Connection, tenant_id: UUID, user_id: UUID, password_hash: str, email: str, now: datetime
) -> None:
    """The link that this is done by went to `email`, which is confirmed by that."""
    await connection.execute(_SQL["reset_password"], tenant_id, user_id, password_hash, email, now)


async def is_user(connection: Connection, tenant_id: UUID, user_id: UUID) -> bool:
    return bool(await connection.fetchval(_SQL["is_user"], tenant_id, user_id))


async def disable_user(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Did this change anything?"""
    return await connection.fetchval(_SQL["disable_user"], tenant_id, user_id, now) is not None


async def enable_user(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Did this change anything?"""
    return await connection.fetchval(_SQL["enable_user"], tenant_id, user_id, now) is not None


# Sessions -----------------------------------------------------------------------------------


async def insert_session(
    connection: Connection,
    tenant_id: UUID,
    *,
    token_hash: bytes,
    user_id: UUID,
    now: datetime,
    expires_at: datetime,
    user_agent: str,
    address: str,
) -> UUID | None:
    """The new session's id; None when the user may not have one."""
    session_id: UUID | None = await connection.fetchval(
        _SQL["insert_session"], tenant_id, user_id, token_hash, now, expires_at, user_agent, address
    )
    return session_id


async def renew_session(
    connection: Connection,
    tenant_id: UUID,
    *,
    former_hash: bytes,
    token_hash: bytes,
    user_id: UUID,
    now: datetime,
    idle_since: datetime,
    expires_at: datetime,
    user_agent: str,
    address: str,
) -> UUID | None:
    """The session's id; None when the former token is not a live session of this user."""
    session_id: UUID | None = await connection.fetchval(
        _SQL["renew_session"],
        tenant_id,
        user_id,
        former_hash,
        token_hash,
        now,
        expires_at,
        idle_since,
        user_agent,
        address,
    )
    return session_id


async def get_session(
    connection: Connection, tenant_id: UUID, token_hash: bytes, now: datetime, idle_since: datetime
) -> Session | None:
    row = await connection.fetchrow(_SQL["get_session"], tenant_id, token_hash, now, idle_since)
    return msgspec.convert(dict(row), Session) if row else None


async def touch_session(connection: Connection, tenant_id: UUID, session_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["touch_session"], tenant_id, session_id, now)


async def end_session(
    connection: Connection, tenant_id: UUID, token_hash: bytes, now: datetime, idle_since: datetime
) -> EndedSession | None:
    row = await connection.fetchrow(_SQL["end_session"], tenant_id, token_hash, now, idle_since)
    return msgspec.convert(dict(row), EndedSession) if row else None


async def end_sessions_of_user(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["end_sessions_of_user"], tenant_id, user_id, now)


async def delete_forgotten_sessions(connection: Connection, limit: int) -> int:
    """How many were deleted, of all tenants: at most `limit` that lapsed, and as many that were ended."""
    return int(await connection.fetchval(_SQL["delete_forgotten_sessions"], limit))


# Public keys --------------------------------------------------------------------------------


async def list_public_keys(connection: Connection, tenant_id: UUID) -> list[PublicKey]:
    rows = await connection.fetch(_SQL["list_public_keys"], tenant_id)
    return [msgspec.convert(dict(row), PublicKey) for row in rows]


# Valkey: codes and interactions -------------------------------------------------------------


async def insert_code(
    valkey: Valkey, tenant_id: UUID, code: Secret, grant: CodeGrant, ttl: timedelta
) -> None:
    """Keep what the code stands for until it is redeemed or `ttl` is over."""
    await valkey.set(code_key(tenant_id, code.reveal()), encode_grant(grant), ex=ttl, nx=True)


async def insert_interaction(
    valkey: Valkey, tenant_id: UUID, interaction_id: str, packed: bytes, ttl: timedelta
) -> None:
    await valkey.set(_interaction_key(tenant_id, interaction_id), packed, ex=ttl)


async def get_interaction(valkey: Valkey, tenant_id: UUID, interaction_id: str) -> bytes | None:
    packed: bytes | None = await valkey.get(_interaction_key(tenant_id, interaction_id))  # type: ignore[assignment]
    return packed


async def update_interaction(valkey: Valkey, tenant_id: UUID, interaction_id: str, packed: bytes) -> bool:
    """False when it has ended meanwhile; its time to live stays as it was."""
    key = _interaction_key(tenant_id, interaction_id)
    return bool(await valkey.set(key, packed, xx=True, keepttl=True))


async def consume_interaction(valkey: Valkey, tenant_id: UUID, interaction_id: str) -> bool:
    """End it. True for one caller only, however many try."""
    return await valkey.delete(_interaction_key(tenant_id, interaction_id)) == 1


def _interaction_key(tenant_id: UUID, interaction_id: str) -> str:
    return f"interaction:{tenant_id}:{interaction_id}"


async def get_logo(connection: Connection, tenant_id: UUID, logo: str) -> tuple[str, bytes] | None:
    """Its media type and content."""
    row = await connection.fetchrow(_SQL["get_logo"], tenant_id, logo)
    return (row["media_type"], row["content"]) if row else None
