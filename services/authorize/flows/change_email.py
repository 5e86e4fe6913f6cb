"""Another email address: asked for here, done by the link that the new address gets; the old one is told."""

from services.authorize.flows import email_address, limits
from services.authorize.flows.check_password import WrongCredentials
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.mail_links import use_link
from services.authorize.flows.mailing import Mailing, mailer_of, request_mail
from services.authorize.flows.users import NO_EMAIL_ADDRESS, EmailTaken, InvalidUser
from services.authorize.store import Session, account, mails
from services.authorize.store.mails import Link
from shared.events.catalog import UserUpdated
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant


async def ask_for_new_email(
    context: Context, tenant: Tenant, visitor: Visitor, session: Session, email: str, mailing: Mailing
) -> None:
    """Nothing changes yet, and nothing is said of who else may have the address.

    Raises: MailOff, InvalidUser, TooManyTries, WrongCredentials.
    """
    mailer_of(context)
    email = email_address.clean(email)
    if not email_address.is_well_formed(email):
        raise InvalidUser({"email": NO_EMAIL_ADDRESS})
    await limits.count_mail(context, tenant.tenant_id, visitor.address, email_address.key_of(email))
    async with context.database.tenant(tenant.tenant_id) as connection:
        if not await account.lock_session(connection, tenant.tenant_id, session.user_id, session.session_id):
            raise WrongCredentials  # signed out meanwhile: a link would be one that nobody made void
        await request_mail(
            connection, context, tenant, "change_email", email, mailing, user_id=session.user_id
        )
    context.relay.nudge()


async def change_email(context: Context, tenant: Tenant, token: str, mailing: Mailing) -> Link:
    """Use the link. Links in older mails are void: they went to another address, or for another.

    Raises: LinkGone, EmailTaken.
    """
    tenant_id, now = tenant.tenant_id, context.clock()
    async with context.database.tenant(tenant_id) as connection:
        link = await use_link(connection, context, tenant, "change_email", token)
        email_key = email_address.key_of(link.email)
        if not await account.update_email(
            connection, tenant_id, link.user_id, email=link.email, email_key=email_key, now=now
        ):
            raise EmailTaken  # and the link stays good: the address may become free
        await mails.void_links(connection, tenant_id, link.user_id, now)
        event = UserUpdated(changed=("email", "email_verified"))
        await insert_event(connection, tenant_id, link.user_id, event, now)
        await request_mail(
            connection, context, tenant, "email_changed", link.present_email, mailing, user_id=link.user_id
        )
    context.relay.nudge()
    return link
