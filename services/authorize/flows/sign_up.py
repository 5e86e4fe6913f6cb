"""Sign up: a user at once, and their session, or first a mail.

Where an address must be confirmed before signing in, the answer is the same whether it was free or
has an account, and a mail says which to whoever reads it. Elsewhere the new user is signed in, and a
taken address is refused without saying so; see docs/adr/0003-existing-email-at-sign-up.md.
"""

from typing import Final
from uuid import UUID

import structlog

from services.authorize.flows import limits
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.mailing import Mailing, mailer_of, request_mail
from services.authorize.flows.sessions import StartedSession, start_session
from services.authorize.flows.users import EmailTaken, InvalidUser, NewUser, insert_user, read_new_user
from shared.db import Connection
from shared.limits import TooManyTries
from shared.oauth.types import Tenant
from shared.readings import Count
from shared.unavailable import Unavailable

log = structlog.get_logger()


class SignUpClosed(Exception):
    """The tenant makes its users itself."""


class SignUpRefused(Exception):
    """Not with these details; why is not said."""


_SIGN_UPS: Final = Count("mtas_sign_ups", "Sign-ups, and what came of them", "outcome")


@_SIGN_UPS.outcomes(
    "accepted",
    {
        SignUpClosed: "closed",
        InvalidUser: "invalid",
        SignUpRefused: "refused",
        TooManyTries: "too_many_tries",
        Unavailable: "unavailable",
    },
)
async def sign_up(
    context: Context, tenant: Tenant, visitor: Visitor, email: str, password: str, mailing: Mailing
) -> StartedSession | None:
    """Make a user, and begin their session in the same transaction; None: the mail says how to go on.

    Raises: SignUpClosed, InvalidUser, SignUpRefused, TooManyTries, Unavailable, MailOff.
    """
    if not tenant.sign_up_enabled:
        raise SignUpClosed
    if tenant.verified_email_required:
        mailer_of(context)
    user = read_new_user(email, password, app=(tenant.name, tenant.slug))
    await limits.count_address(context, tenant.tenant_id, visitor.address)
    if context.mailer is not None:
        await limits.count_mail(context, tenant.tenant_id, visitor.address, user.email_key)
    password_hash = await context.passwords.hash(tenant.tenant_id, password)  # for a taken address too
    session = None
    try:
        async with context.database.tenant(tenant.tenant_id) as connection:
            user_id = await _insert(connection, context, tenant, user, password_hash, mailing)
            if not tenant.verified_email_required:
                session = await start_session(connection, context, tenant, user_id, visitor)
                assert session is not None, "a user made in this transaction is not disabled"
    except EmailTaken:
        await _tell_the_owner(context, tenant, user, mailing)
        if not tenant.verified_email_required:
            raise SignUpRefused from None
    context.relay.nudge()
    return session


async def _insert(
    connection: Connection,
    context: Context,
    tenant: Tenant,
    user: NewUser,
    password_hash: str,
    mailing: Mailing,
) -> UUID:
    """Raises: EmailTaken."""
    user_id = await insert_user(
        connection, tenant.tenant_id, user, password_hash, by="sign_up", now=context.clock()
    )
    if context.mailer is not None:
        await request_mail(connection, context, tenant, "verify_email", user.email, mailing, user_id=user_id)
    return user_id


async def _tell_the_owner(context: Context, tenant: Tenant, user: NewUser, mailing: Mailing) -> None:
    log.info("sign-up refused", reason="the address is taken")
    if context.mailer is not None:
        async with context.database.tenant(tenant.tenant_id) as connection:
            await request_mail(connection, context, tenant, "account_exists", user.email, mailing)
