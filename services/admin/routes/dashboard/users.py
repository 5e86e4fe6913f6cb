"""Users of an app: find them, add one, disable and enable."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import read_apps, users
from services.admin.flows.access import Principal, Right
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, Invalid, Refused
from services.admin.flows.users import CreateUser
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal, UserId

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


@post(_USER + "/disable")
async def disable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
) -> Response[Any]:
    await users.set_user_disabled(context, principal, app_id, user_id, disabled=True)
    return see_other(visit, f"/dashboard/apps/{app_id}/users?done=user-disabled")


@post(_USER + "/enable")
async def enable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
) -> Response[Any]:
    await users.set_user_disabled(context, principal, app_id, user_id, disabled=False)
    return see_other(visit, f"/dashboard/apps/{app_id}/users?done=user-enabled")


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


ROUTES = [list_, show_add, add, disable, enable]
