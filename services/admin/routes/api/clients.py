"""Clients of an app: list, add, show, change; rotate a secret."""

from litestar import Response, get, patch, post
from litestar.params import JSONBody

from services.admin.flows import add_client, read_apps, rotate_secret, update_client
from services.admin.flows.add_client import AddClient
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.flows.rotate_secret import RotateSecret
from services.admin.flows.update_client import UpdateClient
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.conditions import GivenRepeatable, GivenVersions, versioned
from services.admin.routes.api.views import (
    AddedClientView,
    ClientDetail,
    ClientPage,
    ClientView,
    RotatedSecretView,
    client_detail,
    client_view,
)
from services.admin.routes.given import AppId, ClientId, GivenContext, GivenPrincipal

_CLIENTS = "/apps/{app_id:str}/clients"
_CLIENT = _CLIENTS + "/{client_id:str}"


@get(_CLIENTS, scope=ApiScope.APPS_READ, operation_id="list_clients", summary="List an app's clients")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ClientPage:
    """By client ID."""
    page = await read_apps.list_clients(context, principal, app_id, cursor, limit)
    return ClientPage(items=tuple(client_view(client) for client in page.items), next=page.next)


@post(_CLIENTS, scope=ApiScope.APPS_WRITE, operation_id="add_client", summary="Add a client")
async def add(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    repeatable: GivenRepeatable,
    data: JSONBody[AddClient],
) -> AddedClientView:
    """web and machine clients get a secret, in this answer and never again; spa and native have none."""
    return _added(await add_client.add_client(context, principal, app_id, data, repeatable.once(_added)))


@get(_CLIENT, scope=ApiScope.APPS_READ, versioned=True, operation_id="show_client", summary="Show a client")
async def show(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
) -> Response[ClientDetail]:
    """With the dates of its live secrets."""
    shown = await read_apps.show_client(context, principal, app_id, client_id)
    return versioned(client_detail(shown), shown.client)


@patch(
    _CLIENT,
    scope=ApiScope.APPS_WRITE,
    versioned=True,
    operation_id="update_client",
    summary="Change a client",
)
async def update(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
    versions: GivenVersions,
    data: JSONBody[UpdateClient],
) -> Response[ClientView]:
    """What is left out stays; a list replaces the list that was."""
    client = await update_client.update_client(context, principal, app_id, client_id, data, versions=versions)
    return versioned(client_view(client), client)


@post(
    _CLIENT + "/secrets",
    scope=ApiScope.SECRETS_WRITE,
    operation_id="rotate_secret",
    summary="Rotate a client's secret",
)
async def rotate(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
    repeatable: GivenRepeatable,
    data: JSONBody[RotateSecret],
) -> RotatedSecretView:
    """A new secret, in this answer and never again. The former one works for `overlap_s` more; what
    an earlier rotation left over ends now, so at most two are live."""
    once = repeatable.once(_rotated)
    return _rotated(await rotate_secret.rotate_secret(context, principal, app_id, client_id, data, once=once))


def _added(added: add_client.AddedClient) -> AddedClientView:
    return AddedClientView(
        issuer=added.app.issuer,
        client=client_view(added.client),
        client_secret=None if added.secret is None else added.secret.reveal(),
    )


def _rotated(rotated: rotate_secret.RotatedSecret) -> RotatedSecretView:
    return RotatedSecretView(
        issuer=rotated.app.issuer,
        client_id=rotated.client.client_id,
        client_secret=rotated.secret.reveal(),
        former_expires_at=rotated.former_expires_at,
    )


ROUTES = [list_, add, show, update, rotate]
