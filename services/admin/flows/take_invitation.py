"""Take an invitation: with the account of the invited address, or by making that account.

That it works once is the database's doing (`take_invitation`). A token that was never issued is 403; one
that was taken, withdrawn or replaced, whose 72 hours are over, or whose inviter may no longer give the role,
is 410. The inviter's account and role are held while it is taken, so it never outlives them.

Whose address it is: somebody may hold an account under an address that nobody has shown to be theirs,
made with a link that was handed to them. Such an account takes no further invitation, unless this one
shows it: by coming from an operator, or with a link that was mailed to the very address. Of an address
outside ASCII no mail shows anything: another mailbox may have the same key (ß and ss).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.admin.flows import sessions
from services.admin.flows.access import Principal, has_id_shape
from services.admin.flows.check_password import count_address
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.invitation_mails import PURPOSE
from services.admin.flows.refused import Checks, Conflict, Forbidden, Refused
from services.admin.flows.sessions import StartedSession
from services.admin.store import apps, developers, invitations, members
from services.admin.store.apps import App
from services.admin.store.invitations import FoundInvitation
from shared.db import Connection
from shared.events.catalog import MemberJoined
from shared.events.outbox import insert_event
from shared.oauth.client_secret import INVITATION_PREFIX, hash_secret, is_well_formed
from shared.passwords import check_new_password

_NOT_ONE: Final = "This is not an invitation of ours. Open the link exactly as you were given it."


class NoInvitation(Forbidden):
    """Never issued: made up, or edited."""

    title = "This invitation is not valid"

    def __init__(self) -> None:
        super().__init__(_NOT_ONE)


class InvitationOver(Refused):
    """Issued, and of no use any more."""

    status = 410
    title = "This invitation has ended"

    def __init__(self) -> None:
        super().__init__(
            "It was used or withdrawn, its 72 hours are over, or who invited you may no longer do so. "
            "Ask for another one."
        )


class ShownInvitation(msgspec.Struct, frozen=True, kw_only=True):
    app: App
    invitation: FoundInvitation
    has_account: bool


class _Opened(msgspec.Struct, frozen=True, kw_only=True):
    connection: Connection
    app: App
    invitation: FoundInvitation
    now: datetime


async def show_invitation(context: Context, app_id: str, token: str) -> ShownInvitation:
    """To whoever holds the token. Raises: NoInvitation, InvitationOver."""
    async with _open(context, app_id, token) as opened:
        account = await developers.get_developer(opened.connection, opened.invitation.email_key)
        return ShownInvitation(app=opened.app, invitation=opened.invitation, has_account=account is not None)


async def take_invitation(context: Context, principal: Principal, app_id: str, token: str) -> App:
    """With the account that is signed in. Raises: NoInvitation, InvitationOver, Forbidden."""
    assert principal.developer_id is not None
    assert principal.email is not None
    async with _open(context, app_id, token) as opened:
        key = email_key(principal.email)
        if key != opened.invitation.email_key:
            raise Forbidden("This invitation is for another email address. Sign in with that one.")
        account = await developers.get_developer(opened.connection, key)
        vouched = _vouches(opened.invitation, principal.email)
        if not (vouched or (account is not None and account.email_verified)):
            raise Forbidden(
                "Nobody has verified that this email address is yours. Ask for an invitation by mail, or by "
                "an operator."
            )
        await _join(opened, principal.developer_id)
        if vouched:
            await developers.set_email_verified(opened.connection, principal.developer_id)
        app = opened.app
    context.relay.nudge()
    return app


async def sign_up_invited(
    context: Context, app_id: str, token: str, password: str, *, address: str, device: str | None
) -> tuple[App, StartedSession]:
    """Makes the account of the invited address; the app, and the new account's session.

    Raises: NoInvitation, InvitationOver, Invalid; Conflict when there is an account by now; TooManyTries.
    """
    await count_address(context, address)
    shown = await show_invitation(context, app_id, token)  # before a password is hashed for it
    checks = Checks()
    try:
        check_new_password(password, shown.invitation.email, shown.app.name, shown.app.slug)
    except ValueError as error:
        checks.add("password", str(error))
    checks.refuse_if_any()
    password_hash = await context.passwords.hash(None, password)
    async with _open(context, app_id, token) as opened:
        invitation = opened.invitation
        developer_id = await developers.insert_developer(
            opened.connection,
            invitation.email,
            invitation.email_key,
            password_hash,
            _vouches(invitation, invitation.email),
            opened.now,
        )
        if developer_id is None:
            raise Conflict("There is an account with this email address. Sign in with it.")
        await _join(opened, developer_id)
        session = await sessions.begin(context, opened.connection, developer_id, device=device)
        app = opened.app
    context.relay.nudge()
    return app, session


@asynccontextmanager
async def _open(context: Context, app_id: str, token: str) -> AsyncIterator[_Opened]:
    """A transaction that is set to the app's tenant. Raises: NoInvitation, InvitationOver."""
    if not has_id_shape(app_id):
        raise NoInvitation
    async with context.database.transaction() as connection:
        app = await apps.get_app(connection, app_id)
        if app is None:
            raise NoInvitation
        await apps.set_tenant(connection, app.tenant_id)
        now = context.clock()
        invitation = await _find(context, connection, app.tenant_id, token, now)
        if invitation is None:
            raise NoInvitation
        if invitation.is_over:
            raise InvitationOver
        yield _Opened(connection=connection, app=app, invitation=invitation, now=now)


async def _find(
    context: Context, connection: Connection, tenant_id: UUID, token: str, now: datetime
) -> FoundInvitation | None:
    """By the link that was shown, or by the one that was mailed: neither is worth the other."""
    if is_well_formed(token, INVITATION_PREFIX):
        return await invitations.find_invitation(connection, tenant_id, hash_secret(token), None, now)
    mailed_id = context.links.open(token, tenant_id, PURPOSE)
    if mailed_id is None:
        return None
    return await invitations.find_invitation(connection, tenant_id, None, mailed_id, now)


def _vouches(invitation: FoundInvitation, email: str) -> bool:
    """Does taking it show that the account's address, `email`, is theirs?"""
    return invitation.vouched or (invitation.is_mailed and (invitation.email + email).isascii())


async def _join(opened: _Opened, developer_id: UUID) -> None:
    """Raises: InvitationOver for all but the first."""
    tenant_id, invitation = opened.app.tenant_id, opened.invitation
    await invitations.lock_inviter(opened.connection, tenant_id, invitation.invitation_id)
    if not await invitations.take_invitation(
        opened.connection, tenant_id, invitation.invitation_id, opened.now, developer_id
    ):
        raise InvitationOver
    if await members.join_members(opened.connection, tenant_id, developer_id, invitation.role, opened.now):
        event = MemberJoined(actor=f"developer:{developer_id}", role=invitation.role)
        await insert_event(opened.connection, tenant_id, developer_id, event, opened.now)
