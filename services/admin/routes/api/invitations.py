"""Invitations to become a member of an app: list, invite, send again, withdraw."""

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody

from services.admin.flows import invitations
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.invitations import Invited, InviteMember
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.conditions import GivenRepeatable
from services.admin.routes.api.views import InvitationPage, InvitationView, invitation_view
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal, InvitationId
from shared.settings import Doc

_INVITATIONS = "/apps/{app_id:str}/invitations"
_INVITATION = _INVITATIONS + "/{invitation_id:uuid}"
_READ, _WRITE = ApiScope.MEMBERS_READ, ApiScope.MEMBERS_WRITE


class InvitedView(msgspec.Struct, frozen=True, kw_only=True):
    """The link is shown here and never again; null when it is mailed."""

    invitation: InvitationView
    link: Annotated[str | None, Doc(description="For the invited alone: it works once, for 72 hours.")]


@get(_INVITATIONS, scope=_READ, operation_id="list_invitations", summary="List open invitations")
async def list_open(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> InvitationPage:
    """Newest first."""
    page = await invitations.list_invitations(context, principal, app_id, cursor, limit)
    return InvitationPage(items=tuple(invitation_view(item) for item in page.items), next=page.next)


@post(_INVITATIONS, scope=_WRITE, limited=True, operation_id="invite_member", summary="Invite a member")
async def invite(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    repeatable: GivenRepeatable,
    data: JSONBody[InviteMember],
) -> InvitedView:
    """For owners. The link is mailed to the address; or, without a mail server or where that is asked for, it
    is in the answer, this once. An earlier invitation of the address ends."""
    once = repeatable.once(_invited)
    return _invited(await invitations.invite_member(context, principal, app_id, data, once))


@post(
    _INVITATION + "/resend",
    scope=_WRITE,
    conflicts=True,
    limited=True,
    operation_id="resend_invitation",
    summary="Send an invitation again",
)
async def resend(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    invitation_id: InvitationId,
) -> InvitedView:
    """For owners. Another one takes its place, with a new link and 72 hours, in the name of whoever asks."""
    return _invited(await invitations.resend_invitation(context, principal, app_id, invitation_id))


@delete(_INVITATION, scope=_WRITE, operation_id="revoke_invitation", summary="Withdraw an invitation")
async def revoke(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, invitation_id: InvitationId
) -> None:
    """Nobody can take it any more."""
    await invitations.revoke_invitation(context, principal, app_id, invitation_id)


def _invited(invited: Invited) -> InvitedView:
    link = None if invited.link is None else invited.link.reveal()
    return InvitedView(invitation=invitation_view(invited.invitation), link=link)


ROUTES = [list_open, invite, resend, revoke]
