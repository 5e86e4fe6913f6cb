"""Signing keys of an app: listed and configured here; jwks, whose they are, rotates and imports them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from services.admin.flows.access import OpenedApp, Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, FieldError, Invalid, NotFound
from services.admin.flows.update_app import changed_fields, given_fields
from services.admin.flows.versions import require_version
from services.admin.internal_api import InternalRefused
from services.admin.jwks_api import Import, KeySchedule, Rotated, Rotation
from services.admin.store import apps, keys
from services.admin.store.keys import Fetch, KeySettings, SigningKey
from shared.events.catalog import Cause, TenantUpdated
from shared.events.outbox import insert_event
from shared.secret import Secret
from shared.settings import Doc
from shared.unavailable import Unavailable

WaitObserved = Annotated[
    bool | None,
    Doc(
        description="Wait, beyond the lead, until whoever fetches the JWKS has fetched the new key, "
        "but no longer than a limit. Null: as the app has it."
    ),
]


class RotateSigningKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    emergency: Annotated[
        bool,
        Doc(
            description="A key leaked: withdraw every key now and sign with a new one. "
            "All tokens that are out become invalid."
        ),
    ] = False
    reason: Annotated[Cause | None, Doc(description="For the audit log, in an emergency.")] = None
    wait_observed: WaitObserved = None


class ImportSigningKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pem: Annotated[
        str,
        Doc(
            description="The private key, PEM without passphrase: RSA of 2048 to 4096 bits, or EC on P-256; "
            "of the app's algorithm, and nobody's signing key before."
        ),
        msgspec.Meta(max_length=8192),
    ]
    wait_observed: WaitObserved = None

    def __repr__(self) -> str:
        return "ImportSigningKey(…)"


class UpdateKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. A key that fits is published now and signs after the lead."""

    signing_alg: Annotated[
        Literal["RS256", "ES256"] | UnsetType, Doc(description="What tokens are signed with.")
    ] = UNSET
    signing_key_bits: Annotated[
        Literal[2048, 3072, 4096] | UnsetType, Doc(description="Size of RSA keys that are made.")
    ] = UNSET
    wait_observed: Annotated[
        bool | UnsetType, Doc(description="Does every next key wait until it has been fetched?")
    ] = UNSET


class ShownKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Keys newest first; fetches of those that are published."""

    app: apps.App
    rights: frozenset[Right]
    settings: KeySettings
    keys: list[SigningKey]
    fetches: list[Fetch]


async def show_signing_keys(
    context: Context, principal: Principal, app_id: str, right: Right = Right.VIEW
) -> ShownKeys:
    """Raises: NotFound, Forbidden."""
    async with open_app(context, principal, app_id, right) as opened:
        connection, tenant_id = opened.connection, opened.app.tenant_id
        return ShownKeys(
            app=opened.app,
            rights=opened.rights,
            settings=await keys.get_key_settings(connection, tenant_id),
            keys=await keys.list_signing_keys(connection, tenant_id),
            fetches=await keys.list_fetches(connection, tenant_id),
        )


async def key_schedule(context: Context) -> KeySchedule | None:
    """None while jwks is away: a page can do without."""
    try:
        return await context.jwks.schedule()
    except (Unavailable, InternalRefused):
        return None


async def rotate_signing_keys(
    context: Context, principal: Principal, app_id: str, wanted: RotateSigningKeys
) -> Rotated:
    """Raises: NotFound, Forbidden, ConfirmationNeeded, Unavailable."""
    opened = await _may_change(context, principal, app_id)
    rotation = Rotation(
        emergency=wanted.emergency,
        reason=wanted.reason,
        actor=principal.actor,
        wait_observed=wanted.wait_observed,
    )
    try:
        return await context.jwks.rotate(opened.app.tenant_id, rotation)
    except InternalRefused:
        raise NotFound from None


async def import_signing_key(
    context: Context, principal: Principal, app_id: str, wanted: ImportSigningKey
) -> Rotated:
    """Raises: NotFound, Forbidden, ConfirmationNeeded, Invalid on `pem`, Conflict, Unavailable."""
    opened = await _may_change(context, principal, app_id)
    key = Import(pem=Secret(wanted.pem), actor=principal.actor, wait_observed=wanted.wait_observed)
    try:
        return await context.jwks.import_key(opened.app.tenant_id, key)
    except InternalRefused as refused:
        if refused.problem.status == 404:
            raise NotFound from None
        if refused.problem.status == 409:
            message = "This key is a signing key already, here or elsewhere, or it was one."
            raise Conflict(message, [FieldError("pem", message)]) from None
        errors = refused.problem.errors or {"pem": "This key may not be imported."}
        raise Invalid(
            "The key was not imported.", [FieldError(field, text) for field, text in errors.items()]
        ) from None


async def update_key_settings(
    context: Context,
    principal: Principal,
    app_id: str,
    wanted: UpdateKeySettings,
    *,
    versions: frozenset[str] | None = None,
) -> KeySettings:
    """The settings as they are now. Raises: NotFound, Forbidden, ConfirmationNeeded, Outdated."""
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        require_fresh(context, principal)
        app = await apps.lock_app(opened.connection, opened.app.tenant_id)
        before = await keys.get_key_settings(opened.connection, app.tenant_id)
        require_version(versions, before)
        changes: dict[str, Any] = changed_fields(before, given_fields(wanted))
        if not changes:
            return before
        after = msgspec.structs.replace(before, **changes)
        now = context.clock()
        await keys.update_key_settings(opened.connection, app.tenant_id, after, now)
        # jwks hears of it and publishes a key that fits.
        event = TenantUpdated(slug=app.slug, actor=principal.actor, changed=tuple(changes))
        await insert_event(opened.connection, app.tenant_id, app.tenant_id, event, now)
        return after


async def _may_change(context: Context, principal: Principal, app_id: str) -> OpenedApp:
    """Rights first, in a transaction that ends before the call to jwks."""
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        require_fresh(context, principal)
        return opened
