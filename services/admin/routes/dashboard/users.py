"""Users of an app: find them, add one; one user, and what can be done about them."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import read_apps, users
from services.admin.flows.access import Principal, Right
from services.admin.flows.confirm_identity import ConfirmationNeeded
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, Invalid, Refused
from services.admin.flows.users import CreateUser
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.confirmation import confirmation_page
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal, SessionId, UserId
from shared.http.headers import NO_STORE

Search = Annotated[str | None, QueryParameter()]
_USER = "/apps/{app_id:str}/users/{user_id:uuid}"


@get("/apps/{app_id:str}/users")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    search: Search = None,
    cursor: Cursor = None,
    done: Done = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    found = await users.list_users(context, principal, app_id, search, cursor)
    return page(
        visit,
        "users.html",
        done=done,
        app=shown.app,
        rights=shown.rights,
        users=found,
        search=search or "",
        is_first_page=cursor is None,
        section="users",
    )


@get("/apps/{app_id:str}/add-user")
async def show_add(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    return await _add_page(context, visit, principal, app_id)


@post("/apps/{app_id:str}/add-user")
async def add(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    form = visit.form
    wanted = CreateUser(
        email=form.text("email"), password=form.raw("password"), name=form.text("name") or None
    )
    try:
        await users.create_user(context, principal, app_id, wanted)
    except (Invalid, Conflict) as refusal:
        return await _add_page(context, visit, principal, app_id, form=form, refusal=refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/users?done=user-added")


@get(_USER)
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
    done: Done = None,
) -> Response[Any]:
    shown = await users.show_user(context, principal, app_id, user_id)
    return page(
        visit,
        "user.html",
        done=done,
        app=shown.app,
        rights=shown.rights,
        user=shown.user,
        sessions=shown.sessions,
        section="users",
    )


@post(_USER + "/disable")
async def disable(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> Response[Any]:
    await users.set_user_disabled(context, principal, app_id, user_id, disabled=True)
    return see_other(visit, f"/dashboard/apps/{app_id}/users/{user_id}?done=user-disabled")


@post(_USER + "/enable")
async def enable(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> Response[Any]:
    await users.set_user_disabled(context, principal, app_id, user_id, disabled=False)
    return see_other(visit, f"/dashboard/apps/{app_id}/users/{user_id}?done=user-enabled")


@post(_USER + "/sign-out")
async def sign_out(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> Response[Any]:
    await users.sign_out_user(context, principal, app_id, user_id)
    return see_other(visit, f"/dashboard/apps/{app_id}/users/{user_id}?done=user-signed-out")


@post(_USER + "/sessions/{session_id:uuid}/end")
async def end_session(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
    session_id: SessionId,
) -> Response[Any]:
    await users.end_session(context, principal, app_id, user_id, session_id)
    return see_other(visit, f"/dashboard/apps/{app_id}/users/{user_id}?done=session-ended")


@post(_USER + "/export", status_code=200)
async def export(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> Response[bytes]:
    """A form and no link, so that no address gives anybody's data."""
    found = await users.export_user(context, principal, app_id, user_id)
    return Response(
        msgspec.json.format(msgspec.json.encode(found), indent=2),
        media_type="application/json",
        headers={
            **NO_STORE,
            "Content-Disposition": f'attachment; filename="{app_id}-{user_id}.json"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@post(_USER + "/delete")
async def delete(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> Response[Any]:
    try:
        await users.delete_user(context, await visit.confirmed(context), app_id, user_id)
    except (Invalid, ConfirmationNeeded) as refusal:
        return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/users/{user_id}")
    return see_other(visit, f"/dashboard/apps/{app_id}/users?done=user-deleted")


async def _add_page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    *,
    form: Form | None = None,
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id, Right.CHANGE)
    return page(
        visit,
        "add_user.html",
        form=form,
        refusal=refusal,
        app=shown.app,
        rights=shown.rights,
        section="users",
    )


ROUTES = [list_, show_add, add, show, disable, enable, sign_out, end_session, export, delete]
