"""Sign up, and be signed in.

An address that has an account is answered like any other refusal, after the same work; see
docs/adr/0003-existing-email-at-sign-up.md for what that does and does not hide.
"""

import structlog

from services.authorize.flows import limits
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.sessions import StartedSession, start_session
from services.authorize.flows.users import EmailTaken, insert_user, read_new_user
from shared.oauth.types import Tenant

log = structlog.get_logger()


class SignUpClosed(Exception):
    """The tenant makes its users itself."""


class SignUpRefused(Exception):
    """Not with these details; why is not said."""


async def sign_up(
    context: Context, tenant: Tenant, visitor: Visitor, email: str, password: str
) -> StartedSession:
    """Make a user and begin their session, in one transaction.

    Raises: SignUpClosed, InvalidUser, SignUpRefused, TooManyTries, Unavailable.
    """
    if not tenant.sign_up_enabled:
        raise SignUpClosed
    user = read_new_user(email, password, app=(tenant.name, tenant.slug))
    await limits.count_address(context, tenant.tenant_id, visitor.address)
    password_hash = await context.passwords.hash(tenant.tenant_id, password)  # for a taken address too
    try:
        async with context.database.tenant(tenant.tenant_id) as connection:
            user_id = await insert_user(
                connection, tenant.tenant_id, user, password_hash, by="sign_up", now=context.clock()
            )
            session = await start_session(
                connection, context, tenant, user_id, former_token=visitor.session_token
            )
    except EmailTaken:
        log.info("sign-up refused", reason="the address is taken")
        raise SignUpRefused from None
    assert session is not None, "a user made in this transaction is not disabled"
    context.relay.nudge()
    return session
