"""Disable an app, whose endpoints then refuse, and enable it again. Only for owners.

Disabling puts everybody out, so it asks for the password again; enabling gives nothing that was not there.
"""

import msgspec

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.store import apps
from services.admin.store.apps import App
from shared.events.catalog import TenantDisabled, TenantEnabled
from shared.events.outbox import insert_event


async def disable_app(context: Context, principal: Principal, app_id: str) -> App:
    """Disabling what is disabled changes nothing. Raises: NotFound, Forbidden, ConfirmationNeeded."""
    return await _set_disabled(context, principal, app_id, disabled=True)


async def enable_app(context: Context, principal: Principal, app_id: str) -> App:
    """Raises: NotFound, Forbidden."""
    return await _set_disabled(context, principal, app_id, disabled=False)


async def _set_disabled(context: Context, principal: Principal, app_id: str, *, disabled: bool) -> App:
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        if disabled:
            require_fresh(context, principal)
        before = await apps.lock_app(opened.connection, opened.app.tenant_id)
        if (before.disabled_at is not None) == disabled:
            return before
        now = context.clock()
        after = msgspec.structs.replace(before, disabled_at=now if disabled else None, updated_at=now)
        await apps.update_app(opened.connection, after)
        event = TenantDisabled if disabled else TenantEnabled
        await insert_event(
            opened.connection,
            after.tenant_id,
            after.tenant_id,
            event(slug=after.slug, actor=principal.actor),
            now,
        )
        return after
