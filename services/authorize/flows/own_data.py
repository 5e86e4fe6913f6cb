"""A user's profile, and everything about them: shown, exported (GDPR Art. 15, 20), deleted (Art. 17)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.authorize import store
from services.authorize.flows.check_password import WrongCredentials
from services.authorize.flows.confirm_password import confirm_password
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.sessions import idle_since
from services.authorize.flows.users import NO_NAME, InvalidUser, clean_name, is_name
from services.authorize.store import Session, account
from services.authorize.store.account import User
from shared.db import Connection
from shared.events.catalog import UserDeleted, UserUpdated
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant


async def find_user(context: Context, tenant: Tenant, session: Session) -> User | None:
    """None when they have meanwhile been deleted or disabled."""
    async with context.database.tenant(tenant.tenant_id) as connection:
        return await account.get_user(connection, tenant.tenant_id, session.user_id)


async def change_name(context: Context, tenant: Tenant, session: Session, name: str) -> None:
    """An empty one takes it away. Raises: InvalidUser."""
    name = clean_name(name)
    if not is_name(name):
        raise InvalidUser({"name": NO_NAME})
    now = context.clock()
    async with context.database.tenant(tenant.tenant_id) as connection:
        if await account.update_name(connection, tenant.tenant_id, session.user_id, name or None, now):
            event = UserUpdated(changed=("name",))
            await insert_event(connection, tenant.tenant_id, session.user_id, event, now)
    context.relay.nudge()


async def export(context: Context, tenant: Tenant, session: Session) -> bytes:
    """All that is kept about the user, as JSON; of secrets not even hashes."""
    now = context.clock()
    async with context.database.tenant(tenant.tenant_id) as connection:
        return await everything_about(
            connection, tenant.slug, tenant.tenant_id, session.user_id, now, idle_since(tenant, now)
        )


async def everything_about(
    connection: Connection, app: str, tenant_id: UUID, user_id: UUID, now: datetime, idle: datetime
) -> bytes:
    """The same, for whoever may have it. `idle`: sessions not seen since are over."""
    found: dict[str, Any] = {
        "app": app,
        "exported_at": now,
        "user": await account.get_user(connection, tenant_id, user_id),
        "sessions": await account.list_sessions(connection, tenant_id, user_id, now, idle),
        "connected_apps": await account.list_grants(connection, tenant_id, user_id, now),
        "consents": await account.list_consents(connection, tenant_id, user_id),
        "mails": await account.list_mails(connection, tenant_id, user_id),
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2)


async def delete_account(
    context: Context, tenant: Tenant, visitor: Visitor, session: Session, password: str
) -> None:
    """Nothing of it comes back. Grants end at once, and what an app asks about them is answered no.

    Raises: WrongCredentials, TooManyTries, Unavailable.
    """
    tenant_id, user_id = tenant.tenant_id, session.user_id
    await confirm_password(context, tenant, visitor, session, password)
    async with context.database.tenant(tenant_id) as connection:
        await store.lock_user(connection, tenant_id, user_id)  # first, as a reset does
        if not await account.lock_session(connection, tenant_id, user_id, session.session_id):
            raise WrongCredentials  # signed out meanwhile: nothing is deleted
        now = context.clock()
        await account.revoke_grants(connection, tenant_id, user_id, reason="user_deleted", now=now)
        if await account.delete_user(connection, tenant_id, user_id):
            await insert_event(connection, tenant_id, user_id, UserDeleted(by="user"), now)
    context.relay.nudge()
