"""Make the first dashboard account, with the set-up token; there is no second one by this way.

The token is compared in constant time, and its single use is the database's: of any number at
the same time, the unique index lets one through. Who comes later needs an invitation.
"""

import hashlib
import hmac

from services.admin.flows import sessions
from services.admin.flows.check_password import count_address
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key, is_email
from services.admin.flows.refused import Checks, Forbidden
from services.admin.flows.sessions import StartedSession
from services.admin.store import developers
from shared.passwords import check_new_password


class SignUpClosed(Forbidden):
    """There is an account already."""

    title = "Sign-up is closed"

    def __init__(self) -> None:
        super().__init__("This dashboard has its first account. Ask whoever runs it for an invitation.")


async def is_open(context: Context) -> bool:
    """Is there no account yet?"""
    async with context.database.connection() as connection:
        return not await developers.has_developers(connection)


async def sign_up_developer(
    context: Context, email: str, password: str, setup_token: str, *, address: str, device: str | None
) -> StartedSession:
    """The session of the first account, who is an operator: sees every tenant.

    Raises: SignUpClosed, Invalid, TooManyTries, Unavailable.
    """
    await count_address(context, address)
    if not await is_open(context):
        raise SignUpClosed
    _check(context, email, password, setup_token)
    password_hash = await context.passwords.hash(None, password)
    async with context.database.transaction() as connection:
        developer_id = await developers.insert_first_developer(
            connection, email.strip(), email_key(email), password_hash, context.clock()
        )
        if developer_id is None:
            raise SignUpClosed
        return await sessions.begin(context, connection, developer_id, device=device)


def _check(context: Context, email: str, password: str, setup_token: str) -> None:
    checks = Checks()
    if not is_email(email.strip()):
        checks.add("email", "Enter an email address, like name@example.com.")
    try:
        check_new_password(password, email)
    except ValueError as error:
        checks.add("password", str(error))
    if not _same(setup_token.strip(), context.setup_token.reveal()):
        checks.add("setup_token", "That is not the set-up token. It is printed where MTAS was started.")
    checks.refuse_if_any()


def _same(given: str, expected: str) -> bool:
    """Constant time, whatever the lengths."""
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(expected.encode("utf-8")).digest(),
    )
