"""Developers and their dashboard sessions (developers.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "developers.sql")


class Credentials(msgspec.Struct, frozen=True):
    developer_id: UUID
    password_hash: str


class Developer(msgspec.Struct, frozen=True):
    developer_id: UUID
    email: str
    email_verified: bool


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A live session and whose it is. `authenticated_at`: when the password was last given."""

    developer_id: UUID
    email: str
    is_operator: bool
    authenticated_at: datetime
    last_seen_at: datetime
    expires_at: datetime


async def has_developers(connection: Connection) -> bool:
    return bool(await connection.fetchval(_SQL["has_developers"]))


async def insert_first_developer(
    connection: Connection, email: str, email_key: str, password_hash: str, now: datetime
) -> UUID | None:
    """None when there is an account already, or another one was faster."""
    developer_id: UUID | None = await connection.fetchval(
        _SQL["insert_first_developer"], email, email_key, password_hash, now
    )
    return developer_id


async def insert_developer(
    connection: Connection,
    email: str,
    email_key: str,
    password_hash: str,
    email_verified: bool,
    now: datetime,
) -> UUID | None:
    """None when the address has an account."""
    developer_id: UUID | None = await connection.fetchval(
        _SQL["insert_developer"], email, email_key, password_hash, email_verified, now
    )
    return developer_id


async def set_email_verified(connection: Connection, developer_id: UUID) -> None:
    await connection.execute(_SQL["set_email_verified"], developer_id)


async def get_credentials(connection: Connection, email_key: str) -> Credentials | None:
    row = await connection.fetchrow(_SQL["get_credentials"], email_key)
    return msgspec.convert(dict(row), Credentials) if row else None


async def get_developer(connection: Connection, email_key: str) -> Developer | None:
    row = await connection.fetchrow(_SQL["get_developer"], email_key)
    return msgspec.convert(dict(row), Developer) if row else None


async def update_password_hash(connection: Connection, developer_id: UUID, password_hash: str) -> None:
    await connection.execute(_SQL["update_password_hash"], developer_id, password_hash)


async def lock_credentials(connection: Connection, developer_id: UUID, password_hash: str) -> bool:
    """False when the password is another by now, or the account disabled."""
    return await connection.fetchval(_SQL["lock_credentials"], developer_id, password_hash) is not None


async def reset_password(
    connection: Connection, developer_id: UUID, password_hash: str, email_verified: bool
) -> None:
    await connection.execute(_SQL["reset_password"], developer_id, password_hash, email_verified)


async def delete_sessions_of(connection: Connection, developer_id: UUID) -> None:
    await connection.execute(_SQL["delete_sessions_of"], developer_id)


async def insert_session(
    connection: Connection, token_hash: bytes, developer_id: UUID, now: datetime, expires_at: datetime
) -> None:
    await connection.execute(_SQL["insert_session"], token_hash, developer_id, now, expires_at)


async def get_session(
    connection: Connection, token_hash: bytes, now: datetime, seen_after: datetime
) -> Session | None:
    row = await connection.fetchrow(_SQL["get_session"], token_hash, now, seen_after)
    return msgspec.convert(dict(row), Session) if row else None


async def touch_session(connection: Connection, token_hash: bytes, now: datetime) -> None:
    await connection.execute(_SQL["touch_session"], token_hash, now)


async def delete_session(connection: Connection, token_hash: bytes) -> None:
    await connection.execute(_SQL["delete_session"], token_hash)


async def delete_expired_sessions(connection: Connection, now: datetime) -> None:
    await connection.execute(_SQL["delete_expired_sessions"], now)


async def list_emails(connection: Connection, developer_ids: list[UUID]) -> dict[UUID, str]:
    rows = await connection.fetch(_SQL["list_emails"], developer_ids)
    return {row["developer_id"]: row["email"] for row in rows}
