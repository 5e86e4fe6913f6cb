"""Rotate a client's secret: a new one, shown once; the former one works for a chosen overlap.

At most two are live: what an earlier rotation left over ends now. The lock on the client's row
makes rotations of one client follow each other.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec

from services.admin.flows.access import OpenedApp, Principal, Right, lock_client, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.once import Once, begin, keep
from services.admin.flows.refused import Checks, Conflict
from services.admin.flows.secrets import make_secret
from services.admin.store import clients
from services.admin.store.apps import App
from services.admin.store.clients import AppClient
from shared.events.catalog import ClientSecretRotated
from shared.events.outbox import insert_event
from shared.secret import Secret
from shared.settings import Doc

DEFAULT_OVERLAP_S: Final = 86_400
MAX_OVERLAP_S: Final = 30 * 86_400


class RotateSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    overlap_s: Annotated[
        int,
        Doc(description="How long the former secret still works: 0 (ends now) to 2592000 (30 days)."),
    ] = DEFAULT_OVERLAP_S


class RotatedSecret(msgspec.Struct, frozen=True, kw_only=True):
    app: App
    client: AppClient
    secret: Secret
    former_expires_at: datetime | None


async def rotate_secret(
    context: Context,
    principal: Principal,
    app_id: str,
    client_id: str,
    wanted: RotateSecret,
    *,
    only_if_current: UUID | None = None,
    once: Once | None = None,
) -> RotatedSecret:
    """`only_if_current` names the secret to replace, so that sending the same form twice rotates once.

    Raises: NotFound, Forbidden, Invalid, ConfirmationNeeded; Conflict for a public client, or when
    another secret is current by now; Replayed, KeyUsed.
    """
    checks = Checks()
    checks.between("overlap_s", wanted.overlap_s, 0, MAX_OVERLAP_S)
    checks.refuse_if_any()
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        connection, tenant_id = opened.connection, opened.app.tenant_id
        client = await lock_client(opened, client_id)
        await begin(once, context, connection)
        if not client.is_confidential:
            raise Conflict("A public client has no secret: it proves itself with PKCE alone (RFC 7636).")
        require_fresh(context, principal)
        now = context.clock()
        if only_if_current is not None:
            await _require_current(opened, client, only_if_current, now)
        await clients.delete_former_secrets(connection, tenant_id, client_id)
        former_expires_at = now + timedelta(seconds=wanted.overlap_s)
        await clients.expire_current_secrets(connection, tenant_id, client_id, former_expires_at)
        secret = await make_secret(context, connection, tenant_id, client_id)
        await insert_event(
            connection,
            tenant_id,
            client_id,
            ClientSecretRotated(actor=principal.actor, former_expires_at=former_expires_at),
            now,
        )
        rotated = RotatedSecret(
            app=opened.app, client=client, secret=secret, former_expires_at=former_expires_at
        )
        await keep(once, context, connection, rotated)
        return rotated


async def _require_current(opened: OpenedApp, client: AppClient, secret_id: UUID, now: datetime) -> None:
    live = await clients.list_live_secrets(opened.connection, client.tenant_id, client.client_id, now)
    if secret_id not in [secret.secret_id for secret in live if secret.expires_at is None]:
        raise Conflict("This secret has been rotated already. Look at the client before you rotate again.")
