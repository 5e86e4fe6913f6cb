"""Invite somebody to an app: a token that works once, for 72 hours, for one email address.

Only its hash is stored; the link is handed to the inviter, this once. Who has no account yet makes one
with it, and that is the only way to one after the first.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from services.admin.flows.access import OpenedApp, Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key, is_email
from services.admin.flows.once import Once, begin, keep
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_id, check_limit, page
from services.admin.flows.refused import Checks, Conflict, FieldError, NotFound
from services.admin.store import members
from services.admin.store.apps import App, Role
from services.admin.store.members import Invitation
from shared.events.catalog import MemberInvitationRevoked, MemberInvited
from shared.events.outbox import insert_event
from shared.oauth.client_secret import INVITATION_PREFIX, generate, hash_secret
from shared.secret import Secret
from shared.settings import Doc

LIFETIME: Final = timedelta(hours=72)
MOST_OPEN: Final = 50


class InviteMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Doc(description="Whom: nobody else can take the invitation.")]
    role: Annotated[Role, Doc(description="owner, admin or viewer.")]


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """`link` is for the invited, and nowhere else."""

    app: App
    invitation: Invitation
    link: Secret


async def invite_member(
    context: Context, principal: Principal, app_id: str, wanted: InviteMember, once: Once | None = None
) -> Invited:
    """For owners. An earlier invitation of the same address ends.

    Raises: NotFound, Forbidden, ConfirmationNeeded, Invalid; Conflict for a member, or too many;
    Replayed, KeyUsed.
    """
    email = wanted.email.strip()
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        _check(email)
        require_fresh(context, principal)
        await begin(once, context, opened.connection)
        now = context.clock()
        await _require_room(opened, email, now)
        token = generate(INVITATION_PREFIX, context.entropy)
        invitation_id = await members.insert_invitation(
            opened.connection,
            opened.app.tenant_id,
            hash_secret(token.reveal()),
            email,
            email_key(email),
            wanted.role,
            principal.sees_all,
            now,
            now + LIFETIME,
        )
        if invitation_id is None:
            raise Conflict("Somebody invited this address in this very moment.")
        event = MemberInvited(actor=principal.actor, role=wanted.role)
        await insert_event(opened.connection, opened.app.tenant_id, invitation_id, event, now)
        invitation = Invitation(
            invitation_id=invitation_id,
            email=email,
            role=wanted.role,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        link = _link(context, opened.app, token)
        invited = Invited(app=opened.app, invitation=invitation, link=link)
        await keep(once, context, opened.connection, invited)
        return invited


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
        rows = await members.list_invitations(
            opened.connection, opened.app.tenant_id, context.clock(), after_id(cursor), limit + 1
        )
    return page(rows, limit, lambda invitation: invitation.invitation_id)


async def revoke_invitation(context: Context, principal: Principal, app_id: str, invitation_id: UUID) -> None:
    """Nobody can take it any more. Raises: NotFound, Forbidden, ConfirmationNeeded."""
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        require_fresh(context, principal)
        now = context.clock()
        tenant_id = opened.app.tenant_id
        if not await members.revoke_invitation(opened.connection, tenant_id, invitation_id, now):
            raise NotFound
        event = MemberInvitationRevoked(actor=principal.actor)
        await insert_event(opened.connection, tenant_id, invitation_id, event, now)


def _check(email: str) -> None:
    checks = Checks()
    if not is_email(email):
        checks.add("email", "Enter an email address, like name@example.com.")
    checks.refuse_if_any()


async def _require_room(opened: OpenedApp, email: str, now: datetime) -> None:
    """Ends what the new invitation replaces. Raises: Conflict."""
    connection, tenant_id = opened.connection, opened.app.tenant_id
    if await members.is_member(connection, tenant_id, email_key(email)):
        message = "They are a member already. Change their role instead."
        raise Conflict(message, [FieldError("email", message)])
    await members.end_invitation_of(connection, tenant_id, email_key(email), now)
    if await members.count_open_invitations(connection, tenant_id, now) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} invitations are open. Revoke some, or wait until they have ended.")


def _link(context: Context, app: App, token: Secret) -> Secret:
    query = urlencode({"app": app.slug, "token": token.reveal()})
    return Secret(f"{context.public_url}/dashboard/join?{query}")
