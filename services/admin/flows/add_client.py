"""Add a client to an app: web, spa, native or machine, each with the defaults of its type."""

import base64
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from services.admin.flows.access import OpenedApp, Principal, Right, open_app
from services.admin.flows.app_id import check_client_id
from services.admin.flows.client_settings import check_client
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.new_client import new_client
from services.admin.flows.once import Once, begin, keep
from services.admin.flows.refused import Checks, Conflict, FieldError
from services.admin.flows.secrets import make_secret
from services.admin.store import clients
from services.admin.store.apps import App
from services.admin.store.clients import AppClient
from shared.events.catalog import ClientCreated
from shared.events.outbox import insert_event
from shared.oauth.types import ClientType
from shared.secret import Secret
from shared.settings import Doc

_SUFFIX_BYTES: Final = 4


class AddClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client is added with; the rest are the defaults of its type."""

    client_type: Annotated[
        ClientType,
        Doc(description="web and machine hold a secret; spa and native are public and use PKCE."),
    ] = msgspec.field(name="type")
    name: Annotated[str, Doc(description="At most 80 characters.")]
    client_id: Annotated[
        str | None, Doc(description="3 to 64 characters of an appId; made from appId and type when left out.")
    ] = None
    redirect_uris: Annotated[
        tuple[str, ...], Doc(description="Callback URLs, compared character by character (RFC 9700 §4.1.3).")
    ] = ()
    post_logout_redirect_uris: Annotated[
        tuple[str, ...], Doc(description="Where users may be sent after signing out.")
    ] = ()
    frontend_origins: Annotated[
        tuple[str, ...] | None,
        Doc(description="Origins whose scripts may call the endpoints. For spa: those of its callbacks."),
    ] = None
    allowed_scope: Annotated[
        tuple[str, ...] | None, Doc(description="What it may ask for. For machine: none unless given.")
    ] = None


class AddedClient(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` is None for a public client."""

    app: App
    client: AppClient
    secret: Secret | None


async def add_client(
    context: Context, principal: Principal, app_id: str, wanted: AddClient, once: Once | None = None
) -> AddedClient:
    """A client is somewhere more that codes or tokens go.

    Raises: NotFound, Forbidden, Invalid, Conflict, ConfirmationNeeded; Replayed, KeyUsed.
    """
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        client = _client(context, opened.app, wanted)
        _check(wanted, client)
        require_fresh(context, principal)
        await begin(once, context, opened.connection)
        added = await _insert(context, principal, opened, client)
        await keep(once, context, opened.connection, added)
        return added


async def _insert(
    context: Context, principal: Principal, opened: OpenedApp, client: AppClient
) -> AddedClient:
    if not await clients.insert_client(opened.connection, client):
        message = "This app has a client of that ID. Choose another."
        raise Conflict(message, [FieldError("client_id", message)])
    secret = None
    if client.is_confidential:
        secret = await make_secret(context, opened.connection, client.tenant_id, client.client_id)
    await insert_event(
        opened.connection,
        client.tenant_id,
        client.client_id,
        ClientCreated(client_type=client.client_type, actor=principal.actor),
        client.created_at,
    )
    return AddedClient(app=opened.app, client=client, secret=secret)


def _client(context: Context, app: App, wanted: AddClient) -> AppClient:
    return new_client(
        app.tenant_id,
        wanted.client_id or make_client_id(context, app, wanted.client_type),
        wanted.client_type,
        context.clock(),
        name=wanted.name.strip(),
        redirect_uris=wanted.redirect_uris,
        post_logout_redirect_uris=wanted.post_logout_redirect_uris,
        frontend_origins=_origins(wanted),
        allowed_scope=wanted.allowed_scope,
    )


def make_client_id(context: Context, app: App, client_type: ClientType) -> str:
    """`{appId}-{type}-{6 characters}`."""
    suffix = base64.b32encode(context.entropy(_SUFFIX_BYTES)).decode("ascii")[:6].lower()
    return f"{app.slug}-{client_type}-{suffix}"


def _origins(wanted: AddClient) -> tuple[str, ...]:
    """A browser app calls the endpoints from where it is served: its callbacks say where that is."""
    if wanted.frontend_origins is not None:
        return wanted.frontend_origins
    if wanted.client_type is not ClientType.SPA:
        return ()
    return tuple(dict.fromkeys(_origin(uri) for uri in wanted.redirect_uris))


def _origin(uri: str) -> str:
    try:
        parts = urlsplit(uri)
    except ValueError:  # the URI's own check says what is wrong with it
        return uri
    return f"{parts.scheme}://{parts.netloc}"


def _check(wanted: AddClient, client: AppClient) -> None:
    checks = Checks()
    if wanted.client_id is not None:
        try:
            check_client_id(wanted.client_id)
        except ValueError as error:
            checks.add("client_id", str(error))
    check_client(checks, client)
    if wanted.frontend_origins is None and any(error.field == "redirect_uris" for error in checks.errors):
        checks.errors = [error for error in checks.errors if error.field != "frontend_origins"]
    checks.refuse_if_any()
