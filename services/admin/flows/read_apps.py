"""List and show apps and their clients."""

from typing import Final

import msgspec

from services.admin.flows.access import Principal, Right, has_id_shape, open_app
from services.admin.flows.context import Context
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_text, check_limit, page
from services.admin.flows.refused import NotFound
from services.admin.store import apps, clients
from services.admin.store.apps import App, KeyState
from services.admin.store.clients import AppClient, LiveSecret
from shared.normal_form import nfc

_LONGEST_NAME: Final = 80


class ShownApp(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is the one that signs now, None while jwks has yet to make it."""

    app: App
    key: KeyState | None
    rights: frozenset[Right]


class ShownClient(msgspec.Struct, frozen=True, kw_only=True):
    app: App
    client: AppClient
    secrets: tuple[LiveSecret, ...]
    rights: frozenset[Right]


async def list_apps(
    context: Context,
    principal: Principal,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    *,
    search: str | None = None,
) -> Page[App]:
    """The apps that the principal may see, by appId; `search` is a part of it or of the name.

    Raises: Invalid.
    """
    check_limit(limit)
    part = nfc((search or "").replace("\x00", ""), _LONGEST_NAME).strip() or None
    after = after_text(cursor)
    async with context.database.transaction() as connection:
        only = principal.only_tenant_id
        if principal.sees_all:
            rows = await apps.list_apps(connection, only, after, limit + 1, part)
        elif principal.developer_id is not None:
            rows = await apps.list_apps_of_developer(
                connection, principal.developer_id, only, after, limit + 1, part
            )
        else:
            rows = []
    return page(rows, limit, lambda app: app.slug)


async def newest_app_id(context: Context, principal: Principal) -> str | None:
    """Of the apps that the principal may see, the one that was registered last."""
    async with context.database.transaction() as connection:
        if principal.sees_all:
            return await apps.newest_slug(connection)
        if principal.developer_id is not None:
            return await apps.newest_slug_of_developer(connection, principal.developer_id)
        return None


async def show_app(
    context: Context, principal: Principal, app_id: str, right: Right = Right.VIEW
) -> ShownApp:
    """For who holds `right`: a form asks for what sending it will need. Raises: NotFound, Forbidden."""
    async with open_app(context, principal, app_id, right) as opened:
        key = await apps.get_key_state(opened.connection, opened.app.tenant_id, opened.app.signing_alg)
        return ShownApp(app=opened.app, key=key, rights=opened.rights)


async def list_clients(
    context: Context,
    principal: Principal,
    app_id: str,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[AppClient]:
    """Raises: NotFound, Invalid."""
    check_limit(limit)
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        rows = await clients.list_clients(
            opened.connection, opened.app.tenant_id, after_text(cursor), limit + 1
        )
    return page(rows, limit, lambda client: client.client_id)


async def show_client(
    context: Context, principal: Principal, app_id: str, client_id: str, right: Right = Right.VIEW
) -> ShownClient:
    """With its live secrets' dates, never a secret. Raises: NotFound, Forbidden."""
    async with open_app(context, principal, app_id, right) as opened:
        tenant_id = opened.app.tenant_id
        if not has_id_shape(client_id):
            raise NotFound
        client = await clients.get_client(opened.connection, tenant_id, client_id)
        if client is None:
            raise NotFound
        secrets = await clients.list_live_secrets(opened.connection, tenant_id, client_id, context.clock())
        return ShownClient(app=opened.app, client=client, secrets=tuple(secrets), rights=opened.rights)
