"""The SSO session of a browser at one tenant.

Its token is 256 random bits in a cookie, stored as SHA-256; a new one at every sign-in, so that
a planted one is worth nothing (RFC 6819 §5.1.5.4). It lapses when idle, and for good at its end.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from services.authorize import store
from services.authorize.flows.check_password import known_account
from services.authorize.flows.context import Context, Visitor
from services.authorize.store import Session
from shared.db import Connection
from shared.events.catalog import SessionEnded, SessionRenewed, SessionStarted
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant
from shared.secret import Secret, b64url

TOKEN_LENGTH: Final = 43
TOUCH_EVERY: Final = timedelta(minutes=1)
_Reason: TypeAlias = Literal["signed_out", "replaced"]


class StartedSession(msgspec.Struct, frozen=True, kw_only=True):
    """`token` and `device` are for the browser's cookies, and nowhere else."""

    session_id: UUID
    token: Secret
    device: Secret


async def current_session(context: Context, tenant: Tenant, token: str | None) -> Session | None:
    """Who is signed in, if anybody is. Remembers, once a minute, that they were seen."""
    if token is None:
        return None
    now = context.clock()
    async with context.database.tenant(tenant.tenant_id) as connection:
        session = await store.get_session(
            connection, tenant.tenant_id, _hash(token), now, idle_since(tenant, now)
        )
        if session is not None and now - session.last_seen_at >= TOUCH_EVERY:
            await store.touch_session(connection, tenant.tenant_id, session.session_id, now)
    return session


async def start_session(
    connection: Connection, context: Context, tenant: Tenant, user_id: UUID, visitor: Visitor
) -> StartedSession | None:
    """Begin one in the caller's transaction, under a new token.

    Where this browser was signed in as the same user, their session goes on: apps that hold
    grants of it are not signed out by a `prompt=login` elsewhere. Another user's ends.
    None when the user may not have one: disabled since their password was looked at.
    """
    now = context.clock()
    former_token = visitor.session_token
    token, token_hash = new_token(context)
    device = context.devices.remember(
        visitor.device, known_account(tenant.tenant_id, user_id), now=now, entropy=context.entropy
    )
    expires_at = now + timedelta(seconds=tenant.session_absolute_ttl_s)
    if former_token is not None:
        renewed = await store.renew_session(
            connection,
            tenant.tenant_id,
            former_hash=_hash(former_token),
            token_hash=token_hash,
            user_id=user_id,
            now=now,
            idle_since=idle_since(tenant, now),
            expires_at=expires_at,
            user_agent=visitor.user_agent,
            address=visitor.address,
        )
        if renewed is not None:
            event = SessionRenewed(user_id=user_id, amr=("pwd",))
            await insert_event(connection, tenant.tenant_id, renewed, event, now)
            return StartedSession(session_id=renewed, token=token, device=device)
    session_id = await store.insert_session(
        connection,
        tenant.tenant_id,
        token_hash=token_hash,
        user_id=user_id,
        now=now,
        expires_at=expires_at,
        user_agent=visitor.user_agent,
        address=visitor.address,
    )
    if session_id is None:
        return None
    if former_token is not None:
        await _end(connection, tenant, former_token, now, "replaced")
    started = SessionStarted(user_id=user_id, amr=("pwd",))
    await insert_event(connection, tenant.tenant_id, session_id, started, now)
    return StartedSession(session_id=session_id, token=token, device=device)


async def end_session(context: Context, tenant: Tenant, token: str | None) -> bool:
    """Sign out. True when somebody was signed in."""
    if token is None:
        return False
    async with context.database.tenant(tenant.tenant_id) as connection:
        ended = await _end(connection, tenant, token, context.clock(), "signed_out")
    context.relay.nudge()
    return ended


async def _end(connection: Connection, tenant: Tenant, token: str, now: datetime, reason: _Reason) -> bool:
    ended = await store.end_session(connection, tenant.tenant_id, _hash(token), now, idle_since(tenant, now))
    if ended is None:
        return False
    event = SessionEnded(user_id=ended.user_id, reason=reason)
    await insert_event(connection, tenant.tenant_id, ended.session_id, event, now)
    return True


def new_token(context: Context) -> tuple[Secret, bytes]:
    """A session's token, and the hash that is stored of it."""
    token = Secret(b64url(context.entropy(32)))
    return token, _hash(token.reveal())


def idle_since(tenant: Tenant, now: datetime) -> datetime:
    return now - timedelta(seconds=tenant.session_idle_ttl_s)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
