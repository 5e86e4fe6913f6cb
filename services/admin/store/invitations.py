"""Invitations to become a member of an app, and their mails (invitations.sql)."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from services.admin.store.apps import Role
from shared.db import Connection
from shared.languages import Tag
from shared.queries import load_queries

_SQL = load_queries(__file__, "invitations.sql")

Delivery: TypeAlias = Literal["shown", "waiting", "sent", "refused"]


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An open invitation, by its dates. `invited_by` is None for the operator's token; `is_void` says that
    who invited may no longer give this role. Without `mail_language` its link was shown to the inviter."""

    invitation_id: UUID
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime
    invited_by: str | None
    is_void: bool = False
    mail_language: Tag | None = None
    mail_sent_at: datetime | None = None
    mail_refused_at: datetime | None = None

    @property
    def delivery(self) -> Delivery:
        """What became of its link."""
        if self.mail_language is None:
            return "shown"
        if self.mail_refused_at is not None:
            return "refused"
        return "waiting" if self.mail_sent_at is None else "sent"


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """What is written of one: `token_hash` of a link that is shown, or `mail_language` of a mailed one."""

    email: str
    email_key: str
    role: Role
    vouched: bool
    invited_by: UUID | None
    token_hash: bytes | None
    mail_language: Tag | None
    created_at: datetime
    expires_at: datetime


class FoundInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """What a link stands for. `vouched`: by an operator; `is_mailed`: the link was in a mail to the address.
    `is_over`: taken, withdrawn, replaced, expired, or without an inviter who may still give the role."""

    invitation_id: UUID
    email: str
    email_key: str
    role: Role
    vouched: bool
    is_mailed: bool
    is_over: bool


class InvitationMail(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be mailed. `invited_by` only where that address is known to be the inviter's."""

    email: str
    role: Role
    language: Tag
    created_at: datetime
    slug: str
    name: str
    invited_by: str | None


async def list_invitations(
    connection: Connection, tenant_id: UUID, now: datetime, after: UUID | None, limit: int
) -> list[Invitation]:
    rows = await connection.fetch(_SQL["list_invitations"], tenant_id, now, after, limit)
    return [msgspec.convert(dict(row), Invitation) for row in rows]


async def get_invitation(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime
) -> Invitation | None:
    row = await connection.fetchrow(_SQL["get_invitation"], tenant_id, invitation_id, now)
    return msgspec.convert(dict(row), Invitation) if row else None


async def count_open_invitations(connection: Connection, tenant_id: UUID, now: datetime) -> int:
    return int(await connection.fetchval(_SQL["count_open_invitations"], tenant_id, now))


async def end_invitation_of(connection: Connection, tenant_id: UUID, email_key: str, now: datetime) -> None:
    await connection.execute(_SQL["end_invitation_of"], tenant_id, email_key, now)


async def insert_invitation(connection: Connection, tenant_id: UUID, new: NewInvitation) -> UUID | None:
    """None when another one for this address was faster."""
    invitation_id: UUID | None = await connection.fetchval(
        _SQL["insert_invitation"],
        tenant_id,
        new.token_hash,
        new.email,
        new.email_key,
        new.role,
        new.vouched,
        new.created_at,
        new.expires_at,
        new.mail_language,
        new.invited_by,
    )
    return invitation_id


async def revoke_invitation(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime
) -> bool:
    return await connection.fetchval(_SQL["revoke_invitation"], tenant_id, invitation_id, now) is not None


async def find_invitation(
    connection: Connection,
    tenant_id: UUID,
    token_hash: bytes | None,
    mailed_id: UUID | None,
    now: datetime,
) -> FoundInvitation | None:
    row = await connection.fetchrow(_SQL["find_invitation"], tenant_id, token_hash, mailed_id, now)
    return msgspec.convert(dict(row), FoundInvitation) if row else None


async def lock_inviter(connection: Connection, tenant_id: UUID, invitation_id: UUID) -> None:
    await connection.fetch(_SQL["lock_inviter"], tenant_id, invitation_id)


async def take_invitation(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime, developer_id: UUID
) -> bool:
    """True for one caller only, however many try, and while the inviter may still invite."""
    taken = await connection.fetchval(_SQL["take_invitation"], tenant_id, invitation_id, now, developer_id)
    return taken is not None


async def claim_mail(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime, given_up_before: datetime
) -> InvitationMail | None:
    """None when there is nothing to send, or somebody is at it."""
    row = await connection.fetchrow(_SQL["claim_mail"], tenant_id, invitation_id, now, given_up_before)
    return msgspec.convert(dict(row), InvitationMail) if row else None


async def is_mail_waiting(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime
) -> bool:
    return bool(await connection.fetchval(_SQL["is_mail_waiting"], tenant_id, invitation_id, now))


async def release_mail(connection: Connection, tenant_id: UUID, invitation_id: UUID) -> None:
    await connection.execute(_SQL["release_mail"], tenant_id, invitation_id)


async def set_mail_sent(connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["set_mail_sent"], tenant_id, invitation_id, now)


async def set_mail_refused(
    connection: Connection, tenant_id: UUID, invitation_id: UUID, now: datetime
) -> None:
    await connection.execute(_SQL["set_mail_refused"], tenant_id, invitation_id, now)
