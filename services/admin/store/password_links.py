"""Links to a new dashboard password, and their mails (password_links.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.languages import Tag
from shared.queries import load_queries

_SQL = load_queries(__file__, "password_links.sql")


class PasswordMail(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be mailed; `email` is the account's own address, whatever was typed."""

    email: str
    language: Tag
    created_at: datetime


class PasswordLink(msgspec.Struct, frozen=True, kw_only=True):
    """Whose password a live link changes. `is_mailed`: a mail to their address had it, and nothing else."""

    developer_id: UUID
    email: str
    email_verified: bool
    is_mailed: bool


async def put_password_link(
    connection: Connection,
    email_key: str,
    *,
    token_hash: bytes | None,
    mail_language: Tag | None,
    now: datetime,
    expires_at: datetime,
) -> UUID:
    link_id: UUID = await connection.fetchval(
        _SQL["put_password_link"], email_key, token_hash, mail_language, now, expires_at
    )
    return link_id


async def claim_mail(
    connection: Connection, link_id: UUID, token_hash: bytes, now: datetime, given_up_before: datetime
) -> PasswordMail | None:
    """None when there is nothing to send, or somebody is at it."""
    row = await connection.fetchrow(_SQL["claim_mail"], link_id, token_hash, now, given_up_before)
    return msgspec.convert(dict(row), PasswordMail) if row else None


async def is_mail_waiting(connection: Connection, link_id: UUID, now: datetime) -> bool:
    return bool(await connection.fetchval(_SQL["is_mail_waiting"], link_id, now))


async def release_mail(connection: Connection, link_id: UUID) -> None:
    await connection.execute(_SQL["release_mail"], link_id)


async def set_mail_sent(connection: Connection, link_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["set_mail_sent"], link_id, now)


async def find_password_link(connection: Connection, token_hash: bytes, now: datetime) -> PasswordLink | None:
    row = await connection.fetchrow(_SQL["find_password_link"], token_hash, now)
    return msgspec.convert(dict(row), PasswordLink) if row else None


async def use_password_link(connection: Connection, token_hash: bytes, now: datetime) -> PasswordLink | None:
    """Not None for one caller only, however many try."""
    row = await connection.fetchrow(_SQL["use_password_link"], token_hash, now)
    return msgspec.convert(dict(row), PasswordLink) if row else None


async def delete_old_password_links(connection: Connection, before: datetime) -> None:
    await connection.execute(_SQL["delete_old_password_links"], before)
