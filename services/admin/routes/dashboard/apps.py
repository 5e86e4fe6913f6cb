"""Apps: the list, registering one, an app's overview."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import read_apps
from services.admin.flows.activity import show_activity
from services.admin.flows.checklist import show_checklist
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, Invalid, Refused
from services.admin.flows.register_app import RegisterApp, app_id_answer, register_app
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.frameworks import DEFAULT, FRAMEWORKS, Framework, chosen
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from services.admin.store.apps import App
from services.admin.store.clients import AppClient
from shared.http.headers import NO_STORE
from shared.secret import Secret, b64url

Cursor = Annotated[str | None, QueryParameter()]


@get("/")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    search: Annotated[str | None, QueryParameter()] = None,
    cursor: Cursor = None,
    done: Done = None,
) -> Response[Any]:
    apps = await read_apps.list_apps(context, principal, cursor, search=search)
    is_everything = cursor is None and not search
    return page(
        visit,
        "apps.html",
        apps=apps,
        search=search or "",
        checklist=await show_checklist(context, principal) if is_everything else None,
        is_searchable=apps.next is not None or not is_everything,
        is_first_page=cursor is None,
        done=done,
    )


@get("/register-app")
async def show_register(context: GivenContext, visit: GivenVisit, principal: GivenPrincipal) -> Response[Any]:
    first = Form({"framework": DEFAULT.key, "redirect_uris": DEFAULT.callback})
    return _register_page(context, visit, first)


@get("/app-id")
async def check_app_id(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[bytes]:
    """Asked by the form's script while an app ID is typed."""
    refusal = await app_id_answer(context, app_id)
    answer = {"is_free": refusal is None, "words": refusal or "This app ID is free."}
    return Response(msgspec.json.encode(answer), media_type="application/json", headers=NO_STORE)


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
        return _register_page(context, visit, form, refusal)
    return secret_page(
        context,
        visit,
        f"{registered.app.name} is registered",
        registered.app,
        registered.client,
        registered.secret,
        key_missing=registered.key is None,
        framework=chosen(form.raw("framework")),
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
    days = await show_activity(context, principal, app_id)
    return page(
        visit,
        "app.html",
        app=shown.app,
        key=shown.key,
        rights=shown.rights,
        clients=clients.items,
        days=days,
        done=done,
        section="overview",
    )


@get("/apps")
async def to_list(visit: GivenVisit) -> Response[Any]:
    return see_other(visit, "/dashboard")


def secret_page(
    context: Context,
    visit: Visit,
    heading: str,
    app: App,
    client: AppClient,
    secret: Secret,
    *,
    former_expires_at: datetime | None = None,
    key_missing: bool = False,
    framework: Framework | None = None,
) -> Response[Any]:
    """The one answer that holds the secret, inside the environment that the app is started with."""
    return page(
        visit,
        "secret_once.html",
        heading=heading,
        app=app,
        client=client,
        secret=secret.reveal(),
        former_expires_at=former_expires_at,
        key_missing=key_missing,
        cookie_secret=b64url(context.entropy(32)),
        app_url=app_url(client.redirect_uris),
        framework=framework,
    )


def _register_page(
    context: Context, visit: Visit, form: Form, refusal: Refused | None = None
) -> Response[Any]:
    return page(
        visit,
        "register_app.html",
        form=form,
        refusal=refusal,
        frameworks=[(each.key, each.label, each.about) for each in FRAMEWORKS],
        callbacks=msgspec.json.encode({each.key: each.callback for each in FRAMEWORKS}).decode(),
        issuer_prefix=f"{context.public_url}/t/",
    )


def app_url(redirect_uris: tuple[str, ...]) -> str:
    """Where the developer's own app most likely is: the origin of its first callback."""
    for uri in redirect_uris:
        parts = urlsplit(uri)
        if parts.scheme in ("http", "https"):
            return f"{parts.scheme}://{parts.netloc}"
    return "http://localhost:8000"


ROUTES = [list_, show_register, check_app_id, register, show, to_list]
