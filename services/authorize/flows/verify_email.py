"""Confirm that an address is the user's, by the link that was sent there."""

from services.authorize import store
from services.authorize.flows.context import Context
from services.authorize.flows.mail_links import use_link
from services.authorize.store.mails import Link
from shared.events.catalog import UserUpdated
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant


async def verify_email(context: Context, tenant: Tenant, token: str) -> Link:
    """Raises: LinkGone."""
    tenant_id, now = tenant.tenant_id, context.clock()
    async with context.database.tenant(tenant_id) as connection:
        link = await use_link(connection, context, tenant, "verify_email", token)
        if await store.verify_email(connection, tenant_id, link.user_id, link.email, now):
            event = UserUpdated(changed=("email_verified",))
            await insert_event(connection, tenant_id, link.user_id, event, now)
    context.relay.nudge()
    return link
