"""Members of an app: list, show, change a role, remove; invitations: list, invite, revoke."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import JSONBody

from services.admin.flows import invitations, members
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.invitations import Invited, InviteMember
from services.admin.flows.members import ChangeRole
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.conditions import GivenRepeatable, GivenVersions, versioned
from services.admin.routes.api.views import (
    InvitationPage,
    InvitationView,
    MemberPage,
    MemberView,
    invitation_view,
    member_view,
)
from services.admin.routes.given import AppId, DeveloperId, GivenContext, GivenPrincipal, InvitationId
from shared.settings import Doc

_MEMBERS = "/apps/{app_id:str}/members"
_MEMBER = _MEMBERS + "/{developer_id:uuid}"
_INVITATIONS = "/apps/{app_id:str}/invitations"
_READ, _WRITE = ApiScope.MEMBERS_READ, ApiScope.MEMBERS_WRITE


class InvitedView(msgspec.Struct, frozen=True, kw_only=True):
    """The link is shown here and never again."""

    invitation: InvitationView
    link: Annotated[str, Doc(description="For the invited alone: it works once, for 72 hours.")]


@get(_MEMBERS, scope=_READ, operation_id="list_members", summary="List an app's members")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> MemberPage:
    """The oldest accounts first."""
    page = await members.list_members(context, principal, app_id, cursor, limit)
    return MemberPage(items=tuple(member_view(member) for member in page.items), next=page.next)


@get(_MEMBER, scope=_READ, versioned=True, operation_id="show_member", summary="Show a member")
async def show(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, developer_id: DeveloperId
) -> Response[MemberView]:
    member = await members.show_member(context, principal, app_id, developer_id)
    return versioned(member_view(member), member)


@patch(
    _MEMBER,
    scope=_WRITE,
    conflicts=True,
    versioned=True,
    operation_id="change_role",
    summary="Change a member's role",
)
async def change(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    developer_id: DeveloperId,
    versions: GivenVersions,
    data: JSONBody[ChangeRole],
) -> Response[MemberView]:
    """For owners; counts from the next request on. The last owner stays one."""
    member = await members.change_role(context, principal, app_id, developer_id, data, versions=versions)
    return versioned(member_view(member), member)


@delete(_MEMBER, scope=_WRITE, conflicts=True, operation_id="remove_member", summary="Remove a member")
async def remove(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, developer_id: DeveloperId
) -> None:
    """Owners remove anybody, and everybody may leave; the last owner stays."""
    await members.remove_member(context, principal, app_id, developer_id)


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


@post(_INVITATIONS, scope=_WRITE, operation_id="invite_member", summary="Invite a member")
async def invite(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    repeatable: GivenRepeatable,
    data: JSONBody[InviteMember],
) -> InvitedView:
    """For owners. The answer holds the link, this once. An earlier invitation of the address ends."""
    once = repeatable.once(_invited)
    return _invited(await invitations.invite_member(context, principal, app_id, data, once))


@delete(
    _INVITATIONS + "/{invitation_id:uuid}",
    scope=_WRITE,
    operation_id="revoke_invitation",
    summary="Revoke an invitation",
)
async def revoke(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, invitation_id: InvitationId
) -> None:
    """Nobody can take it any more."""
    await invitations.revoke_invitation(context, principal, app_id, invitation_id)


def _invited(invited: Invited) -> InvitedView:
    return InvitedView(invitation=invitation_view(invited.invitation), link=invited.link.reveal())


ROUTES = [list_, show, change, remove, list_open, invite, revoke]
