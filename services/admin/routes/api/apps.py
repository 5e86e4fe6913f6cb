"""Apps: list, register, show, change, disable, enable."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.params import JSONBody, QueryParameter

from services.admin.flows import disable_app, read_apps, register_app, update_app
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.paging import DEFAULT_LIMIT, MAX_LIMIT
from services.admin.flows.register_app import RegisterApp
from services.admin.flows.update_app import UpdateApp
from services.admin.routes.api.conditions import GivenRepeatable, GivenVersions, versioned
from services.admin.routes.api.views import (
    AppDetail,
    AppPage,
    AppView,
    RegisteredAppView,
    app_detail,
    app_view,
    client_view,
)
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal

Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.")]
Search = Annotated[str | None, QueryParameter(description="A part of the name or app ID.")]
Limit = Annotated[int, QueryParameter(description="Items a page, 1 to 100.", ge=1, le=MAX_LIMIT)]


@get("/apps", scope=ApiScope.APPS_READ, operation_id="list_apps", summary="List apps")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    search: Search = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> AppPage:
    """By app ID."""
    page = await read_apps.list_apps(context, principal, cursor, limit, search=search)
    return AppPage(items=tuple(app_view(app) for app in page.items), next=page.next)


@post("/apps", scope=ApiScope.APPS_WRITE, operation_id="register_app", summary="Register an app")
async def register(
    context: GivenContext,
    principal: GivenPrincipal,
    repeatable: GivenRepeatable,
    data: JSONBody[RegisterApp],
) -> RegisteredAppView:
    """Creates the tenant, its first confidential client, whose `client_id` is the app ID, and its
    signing key. The answer holds the client's secret, this once."""
    once = repeatable.once(_registered)
    return _registered(await register_app.register_app(context, principal, data, once))


@get(
    "/apps/{app_id:str}",
    scope=ApiScope.APPS_READ,
    versioned=True,
    operation_id="show_app",
    summary="Show an app",
)
async def show(context: GivenContext, principal: GivenPrincipal, app_id: AppId) -> Response[AppDetail]:
    shown = await read_apps.show_app(context, principal, app_id)
    return versioned(app_detail(shown.app, shown.key), shown.app)


@patch(
    "/apps/{app_id:str}",
    scope=ApiScope.APPS_WRITE,
    versioned=True,
    operation_id="update_app",
    summary="Change an app's settings",
)
async def update(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    versions: GivenVersions,
    data: JSONBody[UpdateApp],
) -> Response[AppView]:
    """What is left out stays."""
    app = await update_app.update_app(context, principal, app_id, data, versions=versions)
    return versioned(app_view(app), app)


@post(
    "/apps/{app_id:str}/disable",
    status_code=200,
    scope=ApiScope.APPS_WRITE,
    operation_id="disable_app",
    summary="Disable an app",
)
async def disable(context: GivenContext, principal: GivenPrincipal, app_id: AppId) -> AppView:
    """Its endpoints refuse until it is enabled again. Nothing is deleted."""
    return app_view(await disable_app.disable_app(context, principal, app_id))


@post(
    "/apps/{app_id:str}/enable",
    status_code=200,
    scope=ApiScope.APPS_WRITE,
    operation_id="enable_app",
    summary="Enable an app",
)
async def enable(context: GivenContext, principal: GivenPrincipal, app_id: AppId) -> AppView:
    return app_view(await disable_app.enable_app(context, principal, app_id))


def _registered(registered: register_app.RegisteredApp) -> RegisteredAppView:
    return RegisteredAppView(
        app=app_detail(registered.app, registered.key),
        client=client_view(registered.client),
        client_secret=registered.secret.reveal(),
    )


ROUTES = [list_, register, show, update, disable, enable]
