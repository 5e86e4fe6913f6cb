"""An app's logo on its hosted pages: set it, and take it away. Its accent is a setting (`update_app`)."""

import asyncio
from typing import Final

import msgspec

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.images import encode_logo
from services.admin.flows.refused import FieldError, Invalid
from services.admin.store import apps
from services.admin.store.apps import App, Logo
from shared.events.catalog import TenantUpdated
from shared.events.outbox import insert_event

_ENCODING: Final = asyncio.Semaphore(1)
"""An image takes up to 100 MB for a moment: one at a time."""


async def set_logo(context: Context, principal: Principal, app_id: str, content: bytes) -> App:
    """Raises: NotFound, Forbidden, Invalid."""
    async with open_app(context, principal, app_id, Right.CHANGE):
        pass  # whoever may not, does not have it read either
    try:
        async with _ENCODING:
            logo = await asyncio.to_thread(encode_logo, content)
    except ValueError as error:
        raise Invalid("The logo was not changed.", [FieldError("logo", str(error))]) from None
    return await _put(context, principal, app_id, logo)


async def remove_logo(context: Context, principal: Principal, app_id: str) -> App:
    """Raises: NotFound, Forbidden."""
    return await _put(context, principal, app_id, None)


async def _put(context: Context, principal: Principal, app_id: str, logo: Logo | None) -> App:
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        before = await apps.lock_app(opened.connection, opened.app.tenant_id)
        name = logo.logo if logo else None
        if before.logo == name:
            return before
        now = context.clock()
        if logo is not None:
            await apps.insert_logo(opened.connection, before.tenant_id, logo, now)
        after = msgspec.structs.replace(before, logo=name, updated_at=now)
        await apps.update_app(opened.connection, after)
        await apps.delete_other_logos(opened.connection, before.tenant_id, name)
        await insert_event(
            opened.connection,
            after.tenant_id,
            after.tenant_id,
            TenantUpdated(slug=after.slug, actor=principal.actor, changed=("logo",)),
            now,
        )
        return after
