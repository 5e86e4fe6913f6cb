"""Invite somebody to an app: a link that works once, for 72 hours, for one email address.

Where there is a mail server the link is mailed, and nobody else sees it. Otherwise it is handed to the
inviter, this once, and only its token's hash is stored. Who has no account yet makes one with it, and that
is the only way to one after the first.

An invitation ends with its inviter's right to give the role (`admin.has_inviter`).
"""

from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from services.admin.flows.access import OpenedApp, Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key, is_email
from services.admin.flows.invitation_mails import count_mail, join_link
from services.admin.flows.once import Once, begin, keep
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_id, check_limit, page
from services.admin.flows.refused import Checks, Conflict, FieldError, NotFound
from services.admin.store import invitations, members
from services.admin.store.apps import App, Role
from services.admin.store.invitations import Invitation, NewInvitation
from shared.events.catalog import Event, MemberInvitationRevoked, MemberInvited, MemberMailRequested
from shared.events.outbox import insert_event
from shared.languages import SOURCE, Tag
from shared.oauth.client_secret import INVITATION_PREFIX, generate, hash_secret
from shared.secret import Secret
from shared.settings import Doc

LIFETIME: Final = timedelta(hours=72)
MOST_OPEN: Final = 50


class InviteMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Doc(description="Whom: nobody else can take the invitation.")]
    role: Annotated[Role, Doc(description="owner, admin or viewer.")]
    deliver: Annotated[
        Literal["mail", "link"] | None,
        Doc(
            description="mail: the link is sent to the address, and to nobody else; link: it is in the "
            "answer. null: mail where that can be."
        ),
    ] = None
    language: Annotated[Tag, Doc(description="Of the mail.")] = "en"


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """`link` is for the invited, and nowhere else; None when it is mailed."""

    app: App
    invitation: Invitation
    link: Secret | None


async def invite_member(
    context: Context, principal: Principal, app_id: str, wanted: InviteMember, once: Once | None = None
) -> Invited:
    """For owners. An earlier invitation of the same address ends.

    Raises: NotFound, Forbidden, ConfirmationNeeded, Invalid; Conflict for a member, or too many;
    TooManyTries; Replayed, KeyUsed.
    """
    wanted = msgspec.structs.replace(wanted, email=wanted.email.strip())
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        _check(context, wanted)
        require_fresh(context, principal)
        await begin(once, context, opened.connection)
        invited = await _invite(context, principal, opened, wanted)
        await keep(once, context, opened.connection, invited)
        return invited


async def resend_invitation(
    context: Context, principal: Principal, app_id: str, invitation_id: UUID
) -> Invited:
    """Another one in place of it, by whoever asks now: with a new link and 72 hours, mailed where it can be.
    What was sent before is of no use any more.

    Raises: as `invite_member`; NotFound for one that is not open.
    """
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        require_fresh(context, principal)
        former = await invitations.get_invitation(
            opened.connection, opened.app.tenant_id, invitation_id, context.clock()
        )
        if former is None:
            raise NotFound
        wanted = InviteMember(email=former.email, role=former.role, language=former.mail_language or SOURCE)
        return await _invite(context, principal, opened, wanted)


async def _invite(context: Context, principal: Principal, opened: OpenedApp, wanted: InviteMember) -> Invited:
    connection, tenant_id, now = opened.connection, opened.app.tenant_id, context.clock()
    key = email_key(wanted.email)
    is_mailed = wanted.deliver != "link" and _can_be_mailed(context, wanted.email)
    await _require_room(context, opened, key)
    if is_mailed:
        await count_mail(context, principal, tenant_id, key)
    token = generate(INVITATION_PREFIX, context.entropy)
    new = NewInvitation(
        email=wanted.email,
        email_key=key,
        role=wanted.role,
        vouched=principal.vouches,
        invited_by=principal.developer_id,
        token_hash=None if is_mailed else hash_secret(token.reveal()),
        mail_language=wanted.language if is_mailed else None,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    invitation_id = await invitations.insert_invitation(connection, tenant_id, new)
    if invitation_id is None:
        raise Conflict("Somebody invited this address in this very moment.")
    events: list[Event] = [MemberInvited(actor=principal.actor, role=wanted.role)]
    if is_mailed:
        events.append(MemberMailRequested())
    for event in events:
        await insert_event(connection, tenant_id, invitation_id, event, now)
    invitation = Invitation(
        invitation_id=invitation_id,
        email=new.email,
        role=new.role,
        created_at=now,
        expires_at=new.expires_at,
        invited_by=principal.email,
        mail_language=new.mail_language,
    )
    link = None if is_mailed else Secret(join_link(context, opened.app.slug, token.reveal()))
    return Invited(app=opened.app, invitation=invitation, link=link)


async def list_invitations(
    context: Context,
    principal: Principal,
    app_id: str,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Invitation]:
    """Open ones, newest first. Raises: NotFound, Invalid."""
    check_limit(limit)
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        rows = await invitations.list_invitations(
            opened.connection, opened.app.tenant_id, context.clock(), after_id(cursor), limit + 1
        )
    return page(rows, limit, lambda invitation: invitation.invitation_id)


async def revoke_invitation(context: Context, principal: Principal, app_id: str, invitation_id: UUID) -> None:
    """Nobody can take it any more. Raises: NotFound, Forbidden, ConfirmationNeeded."""
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        require_fresh(context, principal)
        now = context.clock()
        tenant_id = opened.app.tenant_id
        if not await invitations.revoke_invitation(opened.connection, tenant_id, invitation_id, now):
            raise NotFound
        event = MemberInvitationRevoked(actor=principal.actor)
        await insert_event(opened.connection, tenant_id, invitation_id, event, now)


def _check(context: Context, wanted: InviteMember) -> None:
    checks = Checks()
    if not is_email(wanted.email):
        checks.add("email", "Enter an email address, like name@example.com.")
    elif wanted.deliver == "mail" and not _can_be_mailed(context, wanted.email):
        checks.add("deliver", "No mail can be sent there. Have the link shown, and hand it on.")
    checks.refuse_if_any()


def _can_be_mailed(context: Context, email: str) -> bool:
    """Nothing is mailed to an address outside ASCII, which few mail servers take (RFC 6531)."""
    return context.mailer is not None and email.isascii()


async def _require_room(context: Context, opened: OpenedApp, key: str) -> None:
    """Ends what the new invitation replaces. Raises: Conflict."""
    connection, tenant_id, now = opened.connection, opened.app.tenant_id, context.clock()
    if await members.is_member(connection, tenant_id, key):
        message = "They are a member already. Change their role instead."
        raise Conflict(message, [FieldError("email", message)])
    await invitations.end_invitation_of(connection, tenant_id, key, now)
    if await invitations.count_open_invitations(connection, tenant_id, now) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} invitations are open. Withdraw some, or wait until they have ended.")
