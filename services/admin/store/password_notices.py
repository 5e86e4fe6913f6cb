"""Notices of a new dashboard password that are to be mailed (password_notices.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.languages import Tag
from shared.queries import load_queries

_SQL = load_queries(__file__, "password_notices.sql")


class PasswordNotice(msgspec.Struct, frozen=True, kw_only=True):
    notice_id: UUID
    email: str
    language: Tag
    reset_at: datetime


async def put_notice(connection: Connection, developer_id: UUID, language: Tag, now: datetime) -> None:
    await connection.execute(_SQL["put_notice"], developer_id, language, now)


async def claim_notice(
    connection: Connection, developer_id: UUID, now: datetime, given_up_before: datetime
) -> PasswordNotice | None:
    """None when there is nothing to send, or somebody is at it."""
    row = await connection.fetchrow(_SQL["claim_notice"], developer_id, now, given_up_before)
    return msgspec.convert(dict(row), PasswordNotice) if row else None


async def is_notice_waiting(connection: Connection, developer_id: UUID) -> bool:
    return bool(await connection.fetchval(_SQL["is_notice_waiting"], developer_id))


async def release_notice(connection: Connection, notice_id: UUID) -> None:
    await connection.execute(_SQL["release_notice"], notice_id)


async def delete_notice(connection: Connection, notice_id: UUID) -> None:
    """It is sent, or nobody takes it."""
    await connection.execute(_SQL["delete_notice"], notice_id)
