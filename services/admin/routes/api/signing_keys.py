"""Signing keys of an app: list, rotate, import, and what the app has chosen for them."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, patch, post
from litestar.params import JSONBody

from services.admin.flows import signing_keys
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.signing_keys import ImportSigningKey, RotateSigningKeys, UpdateKeySettings
from services.admin.jwks_api import Rotated
from services.admin.routes.api.conditions import GivenVersions, versioned
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from services.admin.store.keys import KeySettings
from shared.settings import Doc

_KEYS = "/apps/{app_id:str}/signing-keys"

Bits = Annotated[int | None, Doc(description="Size of an RSA key.")]
ActivatesBy = Annotated[
    datetime | None, Doc(description="For a key that waits to be fetched: signs from here on all the same.")
]


class FetchView(msgspec.Struct, frozen=True, kw_only=True):
    """A client, as it calls itself, that has fetched a JWKS with the key in it."""

    client: str
    first_at: datetime
    last_at: Annotated[datetime, Doc(description="To the hour, or so.")]


class SigningKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key by its dates. pending: published; active: signs; retiring: still verifies; retired: gone."""

    kid: str
    alg: str
    rsa_bits: Bits
    is_imported: bool
    state: str
    created_at: datetime
    activates_at: Annotated[datetime, Doc(description="Signs from here on.")]
    activates_by: ActivatesBy
    retires_at: Annotated[datetime | None, Doc(description="Signs no longer.")]
    removes_at: Annotated[datetime | None, Doc(description="Is no longer in the JWKS.")]
    withdrawn_at: Annotated[datetime | None, Doc(description="Ended by an emergency.")]
    fetched_by: tuple[FetchView, ...]


class SigningKeyList(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[SigningKeyView, ...]


class RotatedView(msgspec.Struct, frozen=True, kw_only=True):
    """The next key, or after an emergency the one that signs now; and the kids that were withdrawn."""

    kid: str
    alg: str
    rsa_bits: Bits
    state: str
    activates_at: datetime
    activates_by: ActivatesBy
    withdrawn: tuple[str, ...]


class KeySettingsView(msgspec.Struct, frozen=True, kw_only=True):
    signing_alg: str
    signing_key_bits: Annotated[int, Doc(description="Size of RSA keys that are made.")]
    wait_observed: Annotated[bool, Doc(description="Does every next key wait until it has been fetched?")]


@get(_KEYS, scope=ApiScope.KEYS_READ, operation_id="list_signing_keys", summary="List an app's signing keys")
async def list_(context: GivenContext, principal: GivenPrincipal, app_id: AppId) -> SigningKeyList:
    """Newest first, those that are gone too: the newest hundred."""
    shown = await signing_keys.show_signing_keys(context, principal, app_id)
    fetched: dict[str, list[FetchView]] = defaultdict(list)
    for fetch in shown.fetches:
        fetched[fetch.kid].append(
            FetchView(client=fetch.client, first_at=fetch.first_at, last_at=fetch.last_at)
        )
    return SigningKeyList(
        items=tuple(
            SigningKeyView(**msgspec.structs.asdict(key), fetched_by=tuple(fetched[key.kid]))
            for key in shown.keys
        )
    )


@post(
    _KEYS + "/rotate",
    status_code=200,
    scope=ApiScope.KEYS_WRITE,
    operation_id="rotate_signing_keys",
    summary="Rotate the signing key",
)
async def rotate(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    data: JSONBody[RotateSigningKeys],
) -> RotatedView:
    """Publishes the next key, which signs a day later: nobody notices. In an emergency a new key signs at
    once, every other is withdrawn, and tokens that are out become invalid."""
    return _rotated(await signing_keys.rotate_signing_keys(context, principal, app_id, data))


@post(
    _KEYS + "/import",
    scope=ApiScope.KEYS_WRITE,
    conflicts=True,
    operation_id="import_signing_key",
    summary="Import a signing key of your own",
)
async def import_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    data: JSONBody[ImportSigningKey],
) -> RotatedView:
    """Publishes the key, which signs a day later. A next key that was made here gives way to it."""
    return _rotated(await signing_keys.import_signing_key(context, principal, app_id, data))


@get(
    _KEYS + "/settings",
    scope=ApiScope.KEYS_READ,
    versioned=True,
    operation_id="show_signing_key_settings",
    summary="Show what an app has chosen for its keys",
)
async def show_settings(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId
) -> Response[KeySettingsView]:
    settings = (await signing_keys.show_signing_keys(context, principal, app_id)).settings
    return versioned(_settings(settings), settings)


@patch(
    _KEYS + "/settings",
    scope=ApiScope.KEYS_WRITE,
    versioned=True,
    operation_id="update_signing_key_settings",
    summary="Choose algorithm and size of an app's keys",
)
async def update_settings(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    versions: GivenVersions,
    data: JSONBody[UpdateKeySettings],
) -> Response[KeySettingsView]:
    """What is left out stays. A key that fits is published now, and signs after the lead."""
    settings = await signing_keys.update_key_settings(context, principal, app_id, data, versions=versions)
    return versioned(_settings(settings), settings)


def _rotated(rotated: Rotated) -> RotatedView:
    return RotatedView(**msgspec.structs.asdict(rotated))


def _settings(settings: KeySettings) -> KeySettingsView:
    return KeySettingsView(**msgspec.structs.asdict(settings))


ROUTES = [list_, rotate, import_, show_settings, update_settings]
