"""Signing keys of an app: list, rotate."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import JSONBody

from services.admin.flows import signing_keys
from services.admin.flows.signing_keys import RotateSigningKeys
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from shared.settings import Doc

_KEYS = "/apps/{app_id:str}/signing-keys"


class SigningKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key by its dates. pending: published; active: signs; retiring: still verifies; retired: gone."""

    kid: str
    alg: str
    state: str
    created_at: datetime
    activates_at: Annotated[datetime, Doc(description="Signs from here on.")]
    retires_at: Annotated[datetime | None, Doc(description="Signs no longer.")]
    removes_at: Annotated[datetime | None, Doc(description="Is no longer in the JWKS.")]


class SigningKeyList(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[SigningKeyView, ...]


class RotatedView(msgspec.Struct, frozen=True, kw_only=True):
    """The next key, or after an emergency the one that signs now; and the kids that were withdrawn."""

    kid: str
    alg: str
    state: str
    activates_at: datetime
    withdrawn: tuple[str, ...]


@get(_KEYS, operation_id="list_signing_keys", summary="List an app's signing keys")
async def list_(context: GivenContext, principal: GivenPrincipal, app_id: AppId) -> SigningKeyList:
    """Newest first, those that are gone too: the newest hundred."""
    keys = await signing_keys.list_signing_keys(context, principal, app_id)
    return SigningKeyList(items=tuple(SigningKeyView(**msgspec.structs.asdict(key)) for key in keys))


@post(
    _KEYS + "/rotate", status_code=200, operation_id="rotate_signing_keys", summary="Rotate the signing key"
)
async def rotate(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    data: JSONBody[RotateSigningKeys],
) -> RotatedView:
    """Publishes the next key, which signs a day later: nobody notices. In an emergency a new key signs at
    once, every other is withdrawn, and tokens that are out become invalid."""
    rotated = await signing_keys.rotate_signing_keys(context, principal, app_id, data)
    return RotatedView(**msgspec.structs.asdict(rotated))


ROUTES = [list_, rotate]
