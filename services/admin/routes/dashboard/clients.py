"""Clients of an app: the list, adding one, its URLs and settings."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import read_apps
from services.admin.flows.access import Principal, Right
from services.admin.flows.add_client import AddClient, add_client, make_client_id
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.read_apps import ShownClient
from services.admin.flows.refused import Conflict, Invalid, NotFound, Refused
from services.admin.flows.update_client import UpdateClient, update_client
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import Cursor, secret_page
from services.admin.routes.dashboard.confirmation import asks_again, confirmation_page
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, ClientId, GivenContext, GivenPrincipal
from shared.oauth.types import ClientType

_LISTS = ("redirect_uris", "post_logout_redirect_uris", "frontend_origins", "resources")
_TICKS = ("pkce_required", "refresh_by_default", "id_token_on_refresh", "is_third_party")
_CLIENT = "/apps/{app_id:str}/clients/{client_id:str}"
Type = Annotated[str | None, QueryParameter(name="type")]


@get("/apps/{app_id:str}/clients")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    cursor: Cursor = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    clients = await read_apps.list_clients(context, principal, app_id, cursor)
    return page(visit, "clients.html", app=shown.app, rights=shown.rights, clients=clients, section="clients")


@get("/apps/{app_id:str}/add-client")
async def show_add(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    type_: Type = None,
) -> Response[Any]:
    """First which type; then the form that this type has."""
    if type_ not in list(ClientType):
        shown = await read_apps.show_app(context, principal, app_id, Right.CHANGE)
        return page(visit, "choose_type.html", app=shown.app, rights=shown.rights, section="clients")
    return await _add_page(context, visit, principal, app_id, ClientType(type_))


@post("/apps/{app_id:str}/add-client", status_code=200)
async def add(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    """The answer to a confidential client's form holds its secret, and no other answer ever does."""
    form = visit.form
    if form.text("type") not in list(ClientType):
        raise NotFound
    client_type = ClientType(form.text("type"))
    try:
        added = await add_client(context, await visit.confirmed(context), app_id, _wanted(client_type, form))
    except (Invalid, Conflict, ConfirmationNeeded) as refusal:
        return await _add_page(context, visit, principal, app_id, client_type, form=form, refusal=refusal)
    if added.secret is None:
        return see_other(
            visit, f"/dashboard/apps/{app_id}/clients/{added.client.client_id}?done=client-added"
        )
    return secret_page(context, visit, f"{added.client.name} is added", added.app, added.client, added.secret)


@get(_CLIENT)
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
    done: Done = None,
) -> Response[Any]:
    return _client_page(visit, await read_apps.show_client(context, principal, app_id, client_id), done=done)


@post(_CLIENT)
async def save(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
) -> Response[Any]:
    form = visit.form
    try:
        before = await read_apps.show_client(context, principal, app_id, client_id)
        await update_client(
            context, await visit.confirmed(context), app_id, client_id, _changes(before, form)
        )
    except (Invalid, ConfirmationNeeded) as refusal:
        if asks_again(refusal):
            return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/clients/{client_id}")
        return _client_page(visit, before, form=form, refusal=refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/clients/{client_id}?done=saved")


@post(_CLIENT + "/disable")
async def disable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
) -> Response[Any]:
    await update_client(context, principal, app_id, client_id, UpdateClient(disabled=True))
    return see_other(visit, f"/dashboard/apps/{app_id}/clients/{client_id}?done=client-disabled")


@post(_CLIENT + "/enable")
async def enable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
) -> Response[Any]:
    await update_client(context, principal, app_id, client_id, UpdateClient(disabled=False))
    return see_other(visit, f"/dashboard/apps/{app_id}/clients/{client_id}?done=client-enabled")


def _wanted(client_type: ClientType, form: Form) -> AddClient:
    is_machine = client_type is ClientType.MACHINE
    return AddClient(
        client_type=client_type,
        name=form.text("name"),
        client_id=form.text("client_id"),
        redirect_uris=form.lines("redirect_uris"),
        post_logout_redirect_uris=form.lines("post_logout_redirect_uris"),
        frontend_origins=form.lines("frontend_origins") or None,
        allowed_scope=form.words("allowed_scope") if is_machine else None,
    )


def _changes(before: ShownClient, form: Form) -> UpdateClient:
    """Only what this client's form has: a machine has no URLs, a public client no choice of PKCE."""
    changes: dict[str, Any] = {"name": form.text("name"), "allowed_scope": form.words("allowed_scope")}
    if before.client.client_type is ClientType.MACHINE:
        return UpdateClient(**changes, resources=form.lines("resources"))
    changes |= {field: form.lines(field) for field in _LISTS}
    changes |= {field: form.ticked(field) for field in _TICKS}
    if not before.client.is_confidential:
        changes.pop("pkce_required")
    return UpdateClient(**changes, refresh_grace_s=form.number("refresh_grace_s"))


async def _add_page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    client_type: ClientType,
    *,
    form: Form | None = None,
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id, Right.CHANGE)
    # The id is made with the page: sending the form twice adds one client.
    form = form or Form({"client_id": make_client_id(context, shown.app, client_type)})
    return page(
        visit,
        "add_client.html",
        form=form,
        refusal=refusal,
        app=shown.app,
        rights=shown.rights,
        type=client_type,
        asks_password=not is_fresh(context, visit.require_principal()),
        section="clients",
    )


def _client_page(
    visit: Visit,
    shown: ShownClient,
    *,
    form: Form | None = None,
    refusal: Refused | None = None,
    done: str | None = None,
) -> Response[Any]:
    client = shown.client
    if form is None:
        fields = {field: "\n".join(getattr(client, field)) for field in _LISTS}
        fields |= {field: "on" for field in _TICKS if getattr(client, field)}
        fields |= {
            "name": client.name,
            "allowed_scope": " ".join(client.allowed_scope),
            "refresh_grace_s": str(client.refresh_grace_s),
        }
        form = Form(fields)
    return page(
        visit,
        "client.html",
        form=form,
        refusal=refusal,
        done=done,
        app=shown.app,
        client=client,
        secrets=shown.secrets,
        rights=shown.rights,
        section="clients",
    )


ROUTES = [list_, show_add, add, show, save, disable, enable]
