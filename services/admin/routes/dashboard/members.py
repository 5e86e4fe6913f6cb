"""Members of an app: who they are, their roles; and whom invitations are open for."""

from typing import Any, Final

from litestar import Response, get, post

from services.admin.flows import invitations, members, read_apps
from services.admin.flows.access import Principal
from services.admin.flows.confirm_identity import ConfirmationNeeded
from services.admin.flows.context import Context
from services.admin.flows.members import SAID, ChangeRole
from services.admin.flows.refused import Conflict, Invalid, Refused
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.confirmation import asks_again, confirmation_page
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.invitations import role_of
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, DeveloperId, GivenContext, GivenPrincipal
from services.admin.store.invitations import Delivery

_DELIVERIES: Final[dict[Delivery, str]] = {
    "shown": "the link was shown once",
    "waiting": "the mail is on its way",
    "sent": "the mail was sent",
    "refused": "the mail server refused the mail",
}
_MEMBER = "/apps/{app_id:str}/members/{developer_id:uuid}"


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
        deliveries=_DELIVERIES,
        is_mailed=context.mailer is not None,
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
        wanted = ChangeRole(role=role_of(visit.form))
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


ROUTES = [list_, show, change, remove]
