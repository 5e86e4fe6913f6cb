"""Register an app: a tenant with its first confidential client, whose `client_id` is the appId.

One transaction, the events in it. jwks hears `tenant.created` and makes the first key; the
caller waits for that a little, so that what they are handed works.
"""

import asyncio
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from services.admin.flows.access import Principal
from services.admin.flows.app_id import check_app_id
from services.admin.flows.client_settings import check_settings
from services.admin.flows.context import Context
from services.admin.flows.new_client import new_client
from services.admin.flows.once import Once, begin, keep
from services.admin.flows.refused import Checks, Conflict, FieldError, Forbidden, Refused
from services.admin.flows.secrets import make_secret
from services.admin.store import apps, clients
from services.admin.store.apps import App, KeyState
from services.admin.store.clients import AppClient
from shared.db import Connection
from shared.events.catalog import ClientCreated, TenantCreated
from shared.events.outbox import insert_event
from shared.oauth.types import ClientType
from shared.secret import Secret
from shared.settings import Doc

_POLL_S = 0.1
TAKEN: Final = "This app ID is taken. IDs are never given out twice, so choose another."


class RegisterApp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an app is registered with."""

    app_id: Annotated[
        str,
        Doc(
            description="Claimed for ever: part of the issuer, and the first client's `client_id`. "
            "3 to 40 letters a to z, digits and single hyphens, a letter first.",
            examples=["acme-shop"],
        ),
    ]
    name: Annotated[str, Doc(description="Shown to users. At most 80 characters.", examples=["Acme Shop"])]
    redirect_uris: Annotated[
        tuple[str, ...], Doc(description="Callback URLs, compared character by character (RFC 9700 §4.1.3).")
    ] = ()
    post_logout_redirect_uris: Annotated[
        tuple[str, ...], Doc(description="Where users may be sent after signing out.")
    ] = ()
    frontend_origins: Annotated[
        tuple[str, ...], Doc(description="Origins whose scripts may call the token and userinfo endpoints.")
    ] = ()
    sign_up_enabled: Annotated[bool, Doc(description="May users make their own account?")] = True
    signing_alg: Annotated[
        Literal["RS256", "ES256"], Doc(description="What tokens are signed with from the first one on.")
    ] = "RS256"
    signing_key_bits: Annotated[
        Literal[2048, 3072, 4096], Doc(description="Size of RSA keys that are made, the first one too.")
    ] = 2048


class RegisteredApp(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is None when jwks has not made it in time; it will."""

    app: App
    client: AppClient
    secret: Secret
    key: KeyState | None


async def register_app(
    context: Context, principal: Principal, wanted: RegisterApp, once: Once | None = None
) -> RegisteredApp:
    """Raises: Forbidden, Invalid, Conflict when the appId is taken; Replayed, KeyUsed."""
    if principal.only_tenant_id is not None:
        raise Forbidden("This API token is for one app, so it cannot register another.")
    client = _first_client(context, wanted)
    _check(wanted, client)
    async with context.database.transaction() as connection:
        await begin(once, context, connection)
        app = await _insert_app(context, connection, principal, wanted)
        client = msgspec.structs.replace(client, tenant_id=app.tenant_id)
        if not await clients.insert_client(connection, client):
            raise AssertionError("a new tenant has no client")
        secret = await make_secret(context, connection, app.tenant_id, client.client_id)
        await insert_event(
            connection,
            app.tenant_id,
            client.client_id,
            ClientCreated(client_type=client.client_type, actor=principal.actor),
            context.clock(),
        )
        registered = RegisteredApp(app=app, client=client, secret=secret, key=None)
        await keep(once, context, connection, registered)
    context.relay.nudge()
    registered = msgspec.structs.replace(registered, key=await _wait_for_key(context, app))
    if once is not None:
        async with context.database.transaction() as connection:
            await once.keep(context, connection, registered)
    return registered


async def app_id_answer(context: Context, app_id: str) -> str | None:
    """Why the app ID cannot be claimed, or None while it can. Who claims it first has it."""
    try:
        check_app_id(app_id)
    except ValueError as error:
        return str(error)
    async with context.database.connection() as connection:
        taken = await apps.get_app(connection, app_id)
    return TAKEN if taken is not None else None


def _first_client(context: Context, wanted: RegisterApp) -> AppClient:
    return new_client(
        UUID(int=0),  # known once the tenant is inserted
        wanted.app_id,
        ClientType.WEB,
        context.clock(),
        name=wanted.name.strip(),
        redirect_uris=wanted.redirect_uris,
        post_logout_redirect_uris=wanted.post_logout_redirect_uris,
        frontend_origins=wanted.frontend_origins,
    )


def _check(wanted: RegisterApp, client: AppClient) -> None:
    checks = Checks()
    checks.name(client.name)
    try:
        check_app_id(wanted.app_id)
    except ValueError as error:
        checks.add("app_id", str(error))
    check_settings(checks, client)
    checks.refuse_if_any()


async def _insert_app(
    context: Context, connection: Connection, principal: Principal, wanted: RegisterApp
) -> App:
    now = context.clock()
    tenant_id = await apps.insert_app(
        connection,
        wanted.app_id,
        wanted.name.strip(),
        f"{context.public_url}/t/{wanted.app_id}",
        wanted.signing_alg,
        wanted.signing_key_bits,
        wanted.sign_up_enabled,
        now,
    )
    if tenant_id is None:
        raise app_id_taken()
    if principal.developer_id is not None:
        await apps.insert_member(connection, tenant_id, principal.developer_id, "owner", now)
    await insert_event(
        connection, tenant_id, tenant_id, TenantCreated(slug=wanted.app_id, actor=principal.actor), now
    )
    return await apps.lock_app(connection, tenant_id)


def app_id_taken() -> Refused:
    return Conflict(TAKEN, [FieldError("app_id", TAKEN)])


async def _wait_for_key(context: Context, app: App) -> KeyState | None:
    deadline = asyncio.get_running_loop().time() + context.key_wait_s
    while True:
        async with context.database.tenant(app.tenant_id) as connection:
            key = await apps.get_key_state(connection, app.tenant_id, app.signing_alg)
        if key is not None or asyncio.get_running_loop().time() >= deadline:
            return key
        await asyncio.sleep(_POLL_S)
