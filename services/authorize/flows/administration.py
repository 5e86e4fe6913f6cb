"""What an administrator does about one user: see and end their sessions, sign them out, export.

`actor` is who asked for it at the admin service, for the event.
"""

from uuid import UUID

from services.authorize import store
from services.authorize.flows.context import Context
from services.authorize.flows.own_data import everything_about
from services.authorize.flows.users import UnknownUser
from services.authorize.store import account, mails
from services.authorize.store.account import LiveSession
from shared.db import Connection
from shared.events.catalog import SessionEnded, UserSignedOut
from shared.events.outbox import insert_event

_NONE_OF_THEM = UUID(int=0)


class UnknownSession(Exception):
    """The user has no such session that is alive."""


async def list_sessions(context: Context, tenant_id: UUID, user_id: UUID) -> list[LiveSession]:
    """The live ones. Raises: UnknownUser."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        await _require_user(connection, tenant_id, user_id)
        _, idle_since = await store.get_export_terms(connection, tenant_id, now)
        return await account.list_sessions(connection, tenant_id, user_id, now, idle_since)


async def end_session(
    context: Context, tenant_id: UUID, user_id: UUID, session_id: UUID, actor: str | None
) -> None:
    """With the grants that came of it. Raises: UnknownSession."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if not await account.end_session_of_user(connection, tenant_id, user_id, session_id, now):
            raise UnknownSession
        await mails.void_email_changes(connection, tenant_id, user_id, now)
        event = SessionEnded(user_id=user_id, reason="ended_by_administrator", actor=actor)
        await insert_event(connection, tenant_id, session_id, event, now)
    context.relay.nudge()


async def sign_out(context: Context, tenant_id: UUID, user_id: UUID, actor: str | None) -> None:
    """Everywhere: sessions, grants, and codes that nobody has redeemed yet. Raises: UnknownUser."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if not await store.void_grants(connection, tenant_id, user_id, now):
            raise UnknownUser
        for session_id in await account.end_other_sessions(
            connection, tenant_id, user_id, _NONE_OF_THEM, now
        ):
            ended = SessionEnded(user_id=user_id, reason="ended_by_administrator", actor=actor)
            await insert_event(connection, tenant_id, session_id, ended, now)
        await mails.void_email_changes(connection, tenant_id, user_id, now)
        await account.revoke_grants(
            connection, tenant_id, user_id, reason="signed_out_by_administrator", now=now
        )
        await insert_event(connection, tenant_id, user_id, UserSignedOut(actor=actor), now)
    context.relay.nudge()


async def export_user(context: Context, tenant_id: UUID, user_id: UUID) -> bytes:
    """What the user would get themselves. Raises: UnknownUser."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        await _require_user(connection, tenant_id, user_id)
        slug, idle_since = await store.get_export_terms(connection, tenant_id, now)
        return await everything_about(connection, slug, tenant_id, user_id, now, idle_since)


async def _require_user(connection: Connection, tenant_id: UUID, user_id: UUID) -> None:
    if not await store.is_user(connection, tenant_id, user_id):
        raise UnknownUser
