"""Give the password again before something weighty: step-up authentication.

Secrets are shown, signing keys, members and redirect URIs changed, only by somebody whose password was given
within the last ten minutes, so that a dashboard left open, or a stolen session, does not do it.
"""

from datetime import timedelta
from typing import Final

from services.admin.flows import sessions
from services.admin.flows.access import Principal
from services.admin.flows.check_password import check_password
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.refused import FieldError, Invalid, Refused
from services.admin.flows.sessions import StartedSession
from services.admin.store import developers
from services.admin.store.developers import Credentials

FRESH: Final = timedelta(minutes=10)


class ConfirmationNeeded(Refused):
    """The password is too long ago."""

    status = 403
    title = "Confirm that it is you"

    def __init__(self) -> None:
        super().__init__(
            "Give your password again to go on.",
            [FieldError("password", "Give your password again.")],
        )


def is_fresh(context: Context, principal: Principal) -> bool:
    """Was the password given lately? The operator's token has none to give."""
    return principal.authenticated_at is None or context.clock() - principal.authenticated_at <= FRESH


def require_fresh(context: Context, principal: Principal) -> None:
    """Raises: ConfirmationNeeded."""
    if not is_fresh(context, principal):
        raise ConfirmationNeeded


async def confirm_identity(
    context: Context,
    principal: Principal,
    session_token: str,
    password: str,
    *,
    address: str,
    device: str | None,
) -> tuple[Principal, StartedSession]:
    """The principal anew, and the session that replaces the present one and ends when it would.

    Counts as a try like any sign-in. Raises: Invalid on `password`, TooManyTries, Unavailable.
    """
    assert principal.email is not None
    found = await check_password(
        context, email_key(principal.email), password, address=address, device=device
    )
    if found is None or found.developer_id != principal.developer_id:
        raise _wrong()
    session = await _replace(context, found, session_token, device)
    renewed = await sessions.get_principal(context, session.token.reveal())
    assert renewed is not None, "the session was begun just now"
    return renewed, session


def _wrong() -> Invalid:
    return Invalid("Check your password.", [FieldError("password", "That is not your password.")])


async def _replace(
    context: Context, found: Credentials, session_token: str, device: str | None
) -> StartedSession:
    """Raises: Invalid when the password was reset while we looked."""
    now = context.clock()
    old = sessions.hash_token(session_token)
    async with context.database.transaction() as connection:
        if not await developers.lock_credentials(connection, found.developer_id, found.password_hash):
            raise _wrong()
        session = await developers.get_session(connection, old, now, now - sessions.IDLE)
        await developers.delete_session(connection, old)
        expires_at = session.expires_at if session else None
        return await sessions.begin(
            context, connection, found.developer_id, device=device, expires_at=expires_at
        )
