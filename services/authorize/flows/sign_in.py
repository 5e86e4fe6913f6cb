"""Sign in with a password (NIST SP 800-63B-4 §3.1.1)."""

from typing import Final

from services.authorize import store
from services.authorize.flows import email_address
from services.authorize.flows.check_password import WrongCredentials, check_password, known_device
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.mail_links import ask_for_link
from services.authorize.flows.mailing import Mailing, request_mail
from services.authorize.flows.sessions import StartedSession, start_session
from services.authorize.store import Credentials
from shared.limits import TooManyTries
from shared.oauth.types import Tenant
from shared.observations import NO_CLIENT
from shared.readings import Count
from shared.unavailable import Unavailable


class EmailNotVerified(Exception):
    """The right password, where one must have confirmed one's address first: a mail with the link is sent.

    Raised after the password alone, so it tells nothing to who does not have it.
    """


_SIGN_INS: Final = Count("mtas_sign_ins", "Passwords presented to sign in, and what came of it", "outcome")


@_SIGN_INS.outcomes(
    "signed_in",
    {
        WrongCredentials: "wrong_credentials",
        EmailNotVerified: "email_not_verified",
        TooManyTries: "too_many_tries",
        Unavailable: "unavailable",
    },
)
async def sign_in(
    context: Context, tenant: Tenant, visitor: Visitor, email: str, password: str, mailing: Mailing
) -> StartedSession:
    """Check the password, and begin a session in place of the one this browser had.

    Raises: WrongCredentials, EmailNotVerified, TooManyTries, Unavailable, MailOff.
    """
    try:
        found = await check_password(context, tenant, visitor, email_address.key_of(email), password)
    except WrongCredentials:
        context.observations.note(tenant.tenant_id, NO_CLIENT, "wrong_password", context.clock())
        raise
    if tenant.verified_email_required and not found.email_verified:
        await ask_for_link(context, tenant, visitor, "verify_email", found.email, mailing)
        raise EmailNotVerified
    return await _start(context, tenant, visitor, found, password, mailing)


async def _start(
    context: Context,
    tenant: Tenant,
    visitor: Visitor,
    credentials: Credentials,
    password: str,
    mailing: Mailing,
) -> StartedSession:
    """From a device that is not known, its owner is told by mail."""
    tenant_id, old = tenant.tenant_id, credentials.password_hash
    passwords = context.passwords
    new = await passwords.hash(tenant_id, password) if passwords.needs_rehash(old) else None
    async with context.database.tenant(tenant_id) as connection:
        # Verifying takes its time: a password that was changed meanwhile signs nobody in, or whoever
        # knew it would stay behind the change that was to put them out.
        if not await store.lock_password(connection, tenant_id, credentials.user_id, old):
            raise WrongCredentials
        session = await start_session(connection, context, tenant, credentials.user_id, visitor)
        if session is None:
            raise WrongCredentials
        if new is not None:
            await store.update_password_hash(
                connection, tenant_id, credentials.user_id, old=old, new=new, now=context.clock()
            )
        if context.mailer is not None and known_device(context, tenant_id, visitor, credentials) is None:
            await request_mail(
                connection,
                context,
                tenant,
                "new_device",
                credentials.email,
                mailing,
                user_id=credentials.user_id,
            )
    context.relay.nudge()
    return session
