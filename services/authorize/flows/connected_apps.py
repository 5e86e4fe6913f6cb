"""Clients that hold a living grant of a user: seen, and disconnected, by the user.

Families are token's. Its functions are called in our own transaction, so that once the page answers
nothing of the client's is minted again (docs/adr/0020).
"""

from services.authorize import store
from services.authorize.flows.context import Context
from services.authorize.store import Session, account
from services.authorize.store.account import Grant
from shared.events.catalog import ConsentWithdrawn
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant


async def list_connected_apps(context: Context, tenant: Tenant, session: Session) -> list[Grant]:
    async with context.database.tenant(tenant.tenant_id) as connection:
        return await account.list_grants(connection, tenant.tenant_id, session.user_id, context.clock())


async def disconnect(context: Context, tenant: Tenant, session: Session, client_id: str) -> None:
    """Its families end, and a third party must ask anew. Twice is once."""
    tenant_id, user_id = tenant.tenant_id, session.user_id
    async with context.database.tenant(tenant_id) as connection:
        await store.lock_user(connection, tenant_id, user_id)
        consented = await account.delete_consent(connection, tenant_id, user_id, client_id)
        now = context.clock()  # no code is issued any more for the consent that was: each is from before
        revoked = await account.revoke_grants(
            connection, tenant_id, user_id, client_id=client_id, reason="disconnected_by_user", now=now
        )
        if consented or revoked:
            event = ConsentWithdrawn(client_id=client_id)
            await insert_event(connection, tenant_id, user_id, event, now)
    context.relay.nudge()
