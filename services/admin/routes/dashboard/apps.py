"""Apps: the list, registering one, an app's overview."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import read_apps
from services.admin.flows.refused import Conflict, Invalid
from services.admin.flows.register_app import RegisterApp, register_app
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from shared.secret import b64url

Cursor = Annotated[str | None, QueryParameter()]


@get("/")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    cursor: Cursor = None,
    done: Done = None,
) -> Response[Any]:
    apps = await read_apps.list_apps(context, principal, cursor)
    return page(visit, "apps.html", apps=apps, is_first_page=cursor is None, done=done)


@get("/register-app")
async def show_register(visit: GivenVisit, principal: GivenPrincipal) -> Response[Any]:
    return page(visit, "register_app.html")


@post("/register-app", status_code=200)
async def register(context: GivenContext, visit: GivenVisit, principal: GivenPrincipal) -> Response[Any]:
    """The secret is in this very answer and in no other: going back or reloading does not show it."""
    form = visit.form
    wanted = RegisterApp(
        app_id=form.text("app_id"),
        name=form.text("name"),
        redirect_uris=form.lines("redirect_uris"),
        post_logout_redirect_uris=form.lines("post_logout_redirect_uris"),
        frontend_origins=form.lines("frontend_origins"),
    )
    try:
        registered = await register_app(context, principal, wanted)
    except (Invalid, Conflict) as refusal:
        return page(visit, "register_app.html", form=form, refusal=refusal)
    return page(
        visit,
        "secret_once.html",
        heading=f"{registered.app.name} is registered",
        app=registered.app,
        client=registered.client,
        secret=registered.secret.reveal(),
        former_expires_at=None,
        key_missing=registered.key is None,
        cookie_secret=b64url(context.entropy(32)),
        app_url=app_url(registered.client.redirect_uris),
    )


@get("/apps/{app_id:str}")
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    done: Done = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    clients = await read_apps.list_clients(context, principal, app_id)
    return page(
        visit,
        "app.html",
        app=shown.app,
        key=shown.key,
        rights=shown.rights,
        clients=clients.items,
        done=done,
        section="overview",
    )


@get("/apps")
async def to_list(visit: GivenVisit) -> Response[Any]:
    return see_other(visit, "/dashboard")


def app_url(redirect_uris: tuple[str, ...]) -> str:
    """Where the developer's own app most likely is: the origin of its first callback."""
    for uri in redirect_uris:
        parts = urlsplit(uri)
        if parts.scheme in ("http", "https"):
            return f"{parts.scheme}://{parts.netloc}"
    return "http://localhost:8000"


ROUTES = [list_, show_register, register, show, to_list]
