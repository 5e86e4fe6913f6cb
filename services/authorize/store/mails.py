"""Statements of mails and what their links are good for (mails.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "mails.sql")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to be sent. Without a user it is for whoever has the address."""

    purpose: str
    email: str
    user_id: UUID | None
    locale: str
    created_at: datetime
    expires_at: datetime


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Whose link it is, and the address that the mail went to."""

    user_id: UUID
    email: str
    interaction_id: str | None
    locale: str
    present_email: str


async def insert_mail(
    connection: Connection,
    tenant_id: UUID,
    *,
    purpose: str,
    email: str,
    user_id: UUID | None,
    locale: str,
    interaction_id: str | None,
    now: datetime,
    expires_at: datetime,
) -> UUID:
    mail_id: UUID = await connection.fetchval(
        _SQL["insert_mail"], tenant_id, purpose, email, user_id, locale, interaction_id, now, expires_at
    )
    return mail_id


async def claim_mail(
    connection: Connection, tenant_id: UUID, mail_id: UUID, now: datetime, given_up_before: datetime
) -> Mail | None:
    """None when it is sent, or somebody is at it."""
    row = await connection.fetchrow(_SQL["claim_mail"], tenant_id, mail_id, now, given_up_before)
    return msgspec.convert(dict(row), Mail) if row else None


async def is_mail_waiting(connection: Connection, tenant_id: UUID, mail_id: UUID) -> bool:
    return bool(await connection.fetchval(_SQL["is_mail_waiting"], tenant_id, mail_id))


async def address_mail(
    connection: Connection, tenant_id: UUID, mail_id: UUID, email_key: str, unverified_only: bool
) -> Mail | None:
    """None when nobody has the address."""
    row = await connection.fetchrow(_SQL["address_mail"], tenant_id, mail_id, email_key, unverified_only)
    return msgspec.convert(dict(row), Mail) if row else None


async def set_mail_sent(connection: Connection, tenant_id: UUID, mail_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["set_mail_sent"], tenant_id, mail_id, now)


async def release_mail(connection: Connection, tenant_id: UUID, mail_id: UUID) -> None:
    await connection.execute(_SQL["release_mail"], tenant_id, mail_id)


async def get_slug(connection: Connection, tenant_id: UUID) -> str | None:
    slug: str | None = await connection.fetchval(_SQL["get_slug"], tenant_id)
    return slug


async def use_link(
    connection: Connection, tenant_id: UUID, mail_id: UUID, purpose: str, now: datetime
) -> Link | None:
    """One caller gets it, however many try."""
    row = await connection.fetchrow(_SQL["use_link"], tenant_id, mail_id, purpose, now)
    return msgspec.convert(dict(row), Link) if row else None


async def get_link(
    connection: Connection, tenant_id: UUID, mail_id: UUID, purpose: str, now: datetime
) -> Link | None:
    row = await connection.fetchrow(_SQL["get_link"], tenant_id, mail_id, purpose, now)
    return msgspec.convert(dict(row), Link) if row else None


async def void_links(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["void_links"], tenant_id, user_id, now)


async def void_email_changes(connection: Connection, tenant_id: UUID, user_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["void_email_changes"], tenant_id, user_id, now)


async def delete_forgotten_mails(connection: Connection, limit: int) -> int:
    """How many were deleted, of all tenants."""
    return int(await connection.fetchval(_SQL["delete_forgotten_mails"], limit))
