"""The sessions of a user, as they see and end them. One that ends takes the grants that came of it along.

So does the wish for another email address: a stranger who asked for theirs must not get the account by
a link that outlives their session.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from services.authorize import store
from services.authorize.flows.context import Context
from services.authorize.flows.sessions import idle_since
from services.authorize.store import Session, account, mails
from services.authorize.store.account import LiveSession
from shared.db import Connection
from shared.events.catalog import SessionEnded
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant


async def list_sessions(context: Context, tenant: Tenant, session: Session) -> list[LiveSession]:
    """The one at hand among them."""
    now = context.clock()
    async with context.database.tenant(tenant.tenant_id) as connection:
        return await account.list_sessions(
            connection, tenant.tenant_id, session.user_id, now, idle_since(tenant, now)
        )


async def end_one(context: Context, tenant: Tenant, session: Session, session_id: UUID) -> None:
    """Of this user's; another's is not found, and nothing happens. Twice is once."""
    now = context.clock()
    async with context.database.tenant(tenant.tenant_id) as connection:
        ended = await account.end_session_of_user(
            connection, tenant.tenant_id, session.user_id, session_id, now
        )
        if ended:
            await mails.void_email_changes(connection, tenant.tenant_id, session.user_id, now)
        await _tell(connection, tenant, session, ended, now, "ended_by_user")
    context.relay.nudge()


async def end_all_others(context: Context, tenant: Tenant, session: Session) -> None:
    """All but the one at hand, and every grant that did not come of it."""
    async with context.database.tenant(tenant.tenant_id) as connection:
        await store.lock_user(connection, tenant.tenant_id, session.user_id)
        await end_others(connection, tenant, session, context.clock(), "ended_by_user")
    context.relay.nudge()


async def end_others(
    connection: Connection,
    tenant: Tenant,
    session: Session,
    now: datetime,
    reason: Literal["ended_by_user", "password_changed"],
) -> None:
    """In the caller's transaction, with the user locked. Grants that outlive a session are revoked too."""
    tenant_id, user_id = tenant.tenant_id, session.user_id
    ended = await account.end_other_sessions(connection, tenant_id, user_id, session.session_id, now)
    await mails.void_email_changes(connection, tenant_id, user_id, now)
    await _tell(connection, tenant, session, ended, now, reason)
    await account.revoke_grants(
        connection, tenant_id, user_id, but_session_id=session.session_id, reason=reason, now=now
    )


async def _tell(
    connection: Connection,
    tenant: Tenant,
    session: Session,
    ended: list[UUID],
    now: datetime,
    reason: Literal["ended_by_user", "password_changed"],
) -> None:
    for session_id in ended:
        event = SessionEnded(user_id=session.user_id, reason=reason)
        await insert_event(connection, tenant.tenant_id, session_id, event, now)
