"""Members of an app: who they are, their roles; inviting somebody, with the link shown once."""

from typing import Any, get_args

from litestar import Response, get, post

from services.admin.flows import invitations, members, read_apps
from services.admin.flows.access import Principal, Right
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.invitations import InviteMember
from services.admin.flows.members import SAID, ChangeRole
from services.admin.flows.refused import Conflict, FieldError, Invalid, Refused
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.confirmation import asks_again, confirmation_page
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, DeveloperId, GivenContext, GivenPrincipal, InvitationId
from services.admin.store.apps import Role

_MEMBER = "/apps/{app_id:str}/members/{developer_id:uuid}"
_INVITE = "/apps/{app_id:str}/invite"
_ROLES: tuple[Role, ...] = get_args(Role)


@get("/apps/{app_id:str}/members")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    cursor: Cursor = None,
    done: Done = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    return page(
        visit,
        "members.html",
        done=done,
        app=shown.app,
        rights=shown.rights,
        members=await members.list_members(context, principal, app_id, cursor),
        invitations=await invitations.list_invitations(context, principal, app_id),
        said=SAID,
        section="members",
    )


@get(_MEMBER)
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    developer_id: DeveloperId,
) -> Response[Any]:
    return await _member_page(context, visit, principal, app_id, developer_id)


@post(_MEMBER + "/role")
async def change(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    developer_id: DeveloperId,
) -> Response[Any]:
    try:
        wanted = ChangeRole(role=_role(visit.form))
        await members.change_role(context, await visit.confirmed(context), app_id, developer_id, wanted)
    except (Invalid, Conflict, ConfirmationNeeded) as refusal:
        if asks_again(refusal):
            return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/members")
        return await _member_page(context, visit, principal, app_id, developer_id, refusal=refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/members?done=role-changed")


@post(_MEMBER + "/remove")
async def remove(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    developer_id: DeveloperId,
) -> Response[Any]:
    try:
        await members.remove_member(context, await visit.confirmed(context), app_id, developer_id)
    except (Invalid, Conflict, ConfirmationNeeded) as refusal:
        if asks_again(refusal):
            return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/members")
        return await _member_page(context, visit, principal, app_id, developer_id, refusal=refusal)
    if developer_id == principal.developer_id and not principal.sees_all:
        return see_other(visit, "/dashboard?done=left")
    return see_other(visit, f"/dashboard/apps/{app_id}/members?done=member-removed")


@get(_INVITE)
async def show_invite(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    return await _invite_page(context, visit, principal, app_id, form=Form({"role": "viewer"}))


@post(_INVITE, status_code=200)
async def invite(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    """The link is in this very answer and in no other."""
    try:
        wanted = InviteMember(email=visit.form.text("email"), role=_role(visit.form))
        invited = await invitations.invite_member(context, await visit.confirmed(context), app_id, wanted)
    except (Invalid, Conflict, ConfirmationNeeded) as refusal:
        return await _invite_page(context, visit, principal, app_id, form=visit.form, refusal=refusal)
    return page(visit, "invited.html", app=invited.app, invited=invited, link=invited.link.reveal())


@post("/apps/{app_id:str}/invitations/{invitation_id:uuid}/revoke")
async def revoke(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    invitation_id: InvitationId,
) -> Response[Any]:
    try:
        await invitations.revoke_invitation(context, await visit.confirmed(context), app_id, invitation_id)
    except (Invalid, ConfirmationNeeded) as refusal:
        return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/members")
    return see_other(visit, f"/dashboard/apps/{app_id}/members?done=invitation-revoked")


def _role(form: Form) -> Role:
    """Raises: Invalid."""
    for role in _ROLES:
        if form.text("role") == role:
            return role
    raise Invalid("Check the fields that are named.", [FieldError("role", "Choose a role.")])


async def _member_page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    developer_id: DeveloperId,
    *,
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    member = await members.show_member(context, principal, app_id, developer_id)
    return page(
        visit,
        "member.html",
        form=Form({"role": member.role}),
        refusal=refusal,
        app=shown.app,
        rights=shown.rights,
        member=member,
        is_self=member.developer_id == principal.developer_id,
        roles=SAID,
        section="members",
    )


async def _invite_page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    *,
    form: Form,
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id, Right.OWN)
    return page(
        visit,
        "invite.html",
        form=form,
        refusal=refusal,
        app=shown.app,
        rights=shown.rights,
        roles=SAID,
        asks_password=not is_fresh(context, visit.require_principal()),
        section="members",
    )


ROUTES = [list_, show, change, remove, show_invite, invite, revoke]
