"""Dashboard sessions: a random token in a cookie, its SHA-256 in the database.

Idle for an hour or a day old: over. Every sign-in begins a new one, so a token from before is
worth nothing after (session fixation).
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.admin.flows.access import Principal
from services.admin.flows.context import Context
from services.admin.store import developers
from shared.db import Connection
from shared.secret import Secret, b64url

IDLE: Final = timedelta(hours=1)
ABSOLUTE: Final = timedelta(hours=24)
_TOUCH_EVERY: Final = timedelta(minutes=1)


class StartedSession(msgspec.Struct, frozen=True, kw_only=True):
    """`token` and `device` are for the browser's cookies, and nowhere else."""

    token: Secret
    device: Secret


async def begin(
    context: Context,
    connection: Connection,
    developer_id: UUID,
    *,
    device: str | None = None,
    expires_at: datetime | None = None,
) -> StartedSession:
    """A new session, in the caller's transaction, on a device that is known from now on."""
    now = context.clock()
    token = Secret(b64url(context.entropy(32)))
    await developers.delete_expired_sessions(connection, now)
    await developers.insert_session(
        connection, hash_token(token.reveal()), developer_id, now, expires_at or now + ABSOLUTE
    )
    known = context.devices.remember(device, [developer_id.bytes], now=now, entropy=context.entropy)
    return StartedSession(token=token, device=known)


async def get_principal(context: Context, token: str) -> Principal | None:
    """Whose live session this is, or None. Being asked keeps it from idling out."""
    now = context.clock()
    async with context.database.connection() as connection:
        session = await developers.get_session(connection, hash_token(token), now, now - IDLE)
        if session is None:
            return None
        if now - session.last_seen_at >= _TOUCH_EVERY:
            await developers.touch_session(connection, hash_token(token), now)
    return Principal(
        actor=f"developer:{session.developer_id}",
        sees_all=session.is_operator,
        developer_id=session.developer_id,
        email=session.email,
        authenticated_at=session.authenticated_at,
    )


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
