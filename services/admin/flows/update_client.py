"""Change a client: its name, URIs, origins, scope, refresh settings; disable and enable it."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from services.admin.flows.access import OpenedApp, Principal, Right, lock_client, open_app
from services.admin.flows.client_settings import MAX_GRACE_S, check_client
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.refused import Checks
from services.admin.flows.update_app import changed_fields, given_fields
from services.admin.flows.versions import require_version
from services.admin.store import clients
from services.admin.store.clients import AppClient
from shared.events.catalog import ClientDisabled, ClientEnabled, ClientUpdated, Event
from shared.events.outbox import insert_event
from shared.settings import Doc

_WEIGHTY: Final = ("redirect_uris", "pkce_required")


class UpdateClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; a list replaces the list that was."""

    name: Annotated[str | UnsetType, Doc(description="At most 80 characters.")] = UNSET
    redirect_uris: Annotated[
        tuple[str, ...] | UnsetType, Doc(description="Callback URLs, compared character by character.")
    ] = UNSET
    post_logout_redirect_uris: Annotated[
        tuple[str, ...] | UnsetType, Doc(description="Where users may be sent after signing out.")
    ] = UNSET
    frontend_origins: Annotated[
        tuple[str, ...] | UnsetType, Doc(description="Origins whose scripts may call the endpoints.")
    ] = UNSET
    resources: Annotated[
        tuple[str, ...] | UnsetType, Doc(description="Audiences that it may ask for (RFC 8707).")
    ] = UNSET
    allowed_scope: Annotated[tuple[str, ...] | UnsetType, Doc(description="What it may ask for.")] = UNSET
    pkce_required: Annotated[
        bool | UnsetType, Doc(description="Only a confidential client can be exempted.")
    ] = UNSET
    refresh_by_default: Annotated[
        bool | UnsetType, Doc(description="A refresh token without asking for `offline_access`.")
    ] = UNSET
    refresh_grace_s: Annotated[
        int | UnsetType,
        Doc(description=f"How long a spent refresh token may be retried, 0 to {MAX_GRACE_S} seconds."),
    ] = UNSET
    id_token_on_refresh: Annotated[
        bool | UnsetType, Doc(description="A new ID token with every refresh.")
    ] = UNSET
    is_third_party: Annotated[
        bool | UnsetType,
        Doc(description="Somebody else's: users are asked before it gets anything of theirs."),
    ] = UNSET
    disabled: Annotated[
        bool | UnsetType, Doc(description="A disabled client can neither authorize nor authenticate.")
    ] = UNSET


async def update_client(
    context: Context,
    principal: Principal,
    app_id: str,
    client_id: str,
    wanted: UpdateClient,
    *,
    versions: frozenset[str] | None = None,
) -> AppClient:
    """The client as it is now. Raises: NotFound, Forbidden, Invalid, Outdated; ConfirmationNeeded."""
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        before = await lock_client(opened, client_id)
        require_version(versions, before)
        return await change_client(context, principal, opened, before, wanted)


async def change_client(
    context: Context, principal: Principal, opened: OpenedApp, before: AppClient, wanted: UpdateClient
) -> AppClient:
    """The same, of a client that the caller has locked. Raises: Invalid; ConfirmationNeeded where it changes
    where codes go, or who may redeem them."""
    given = given_fields(wanted)
    disable = given.pop("disabled", before.disabled_at is not None)
    if isinstance(given.get("name"), str):
        given["name"] = given["name"].strip()
    changes = changed_fields(before, given)
    if changes:
        checks = Checks()
        check_client(checks, msgspec.structs.replace(before, **changes))
        checks.refuse_if_any()
    if changes.keys() & _WEIGHTY:
        require_fresh(context, principal)
    return await _write(context, principal, opened, before, changes, disable=disable)


async def _write(
    context: Context,
    principal: Principal,
    opened: OpenedApp,
    before: AppClient,
    changes: dict[str, Any],
    *,
    disable: bool,
) -> AppClient:
    now = context.clock()
    events: list[Event] = []
    if changes:
        events.append(ClientUpdated(actor=principal.actor, changed=tuple(changes)))
    if disable != (before.disabled_at is not None):
        changes = changes | {"disabled_at": now if disable else None}
        events.append((ClientDisabled if disable else ClientEnabled)(actor=principal.actor))
    if not events:
        return before
    after = msgspec.structs.replace(before, **changes, updated_at=now)
    await clients.update_client(opened.connection, after)
    for event in events:
        await insert_event(opened.connection, after.tenant_id, after.client_id, event, now)
    return after
