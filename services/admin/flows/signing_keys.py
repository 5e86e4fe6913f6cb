"""Signing keys of an app: list them here; jwks, whose they are, rotates them."""

from typing import Annotated, Final

import msgspec

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.refused import Checks, NotFound
from services.admin.internal_api import InternalRefused
from services.admin.jwks_api import Rotated, Rotation
from services.admin.store import keys
from services.admin.store.keys import SigningKey
from shared.settings import Doc

MAX_REASON: Final = 200


class RotateSigningKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    emergency: Annotated[
        bool,
        Doc(
            description="A key leaked: withdraw every key now and sign with a new one. "
            "All tokens that are out become invalid."
        ),
    ] = False
    reason: Annotated[
        str | None, Doc(description="For the audit log, in an emergency; up to 200 characters.")
    ] = None


async def list_signing_keys(context: Context, principal: Principal, app_id: str) -> list[SigningKey]:
    """Newest first. Raises: NotFound."""
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        return await keys.list_signing_keys(opened.connection, opened.app.tenant_id)


async def rotate_signing_keys(
    context: Context, principal: Principal, app_id: str, wanted: RotateSigningKeys
) -> Rotated:
    """Raises: NotFound, Forbidden, Invalid, ConfirmationNeeded, Unavailable."""
    reason = (wanted.reason or "").strip() or None
    checks = Checks()
    if reason is not None and (len(reason) > MAX_REASON or not reason.isprintable()):
        checks.add("reason", f"One line of at most {MAX_REASON} characters.")
    checks.refuse_if_any()
    # Rights first, in a transaction that ends before the call to jwks.
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        require_fresh(context, principal)
        tenant_id = opened.app.tenant_id
    rotation = Rotation(emergency=wanted.emergency, reason=reason, actor=principal.actor)
    try:
        return await context.jwks.rotate(tenant_id, rotation)
    except InternalRefused:
        raise NotFound from None
