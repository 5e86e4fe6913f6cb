"""Ask for a mail with a link, and open the link.

Asking is answered alike whoever has the address, or nobody, and takes as long: whose it is, is found
out when the mail is sent.
"""

from services.authorize import store
from services.authorize.flows import email_address, limits
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.mailing import Mailing, Purpose, mailer_of, request_mail
from services.authorize.store import mails
from services.authorize.store.mails import Link
from shared.db import Connection
from shared.oauth.types import Tenant


class LinkGone(Exception):
    """It was used, has lapsed, was made void by a later change, or was never one of ours."""


async def ask_for_link(
    context: Context,
    tenant: Tenant,
    visitor: Visitor,
    purpose: Purpose,
    email: str,
    mailing: Mailing,
) -> None:
    """By whoever types an address: it gets the mail, if it has an account here.

    Raises: MailOff, TooManyTries.
    """
    mailer_of(context)
    email = email_address.clean(email)
    await limits.count_mail(context, tenant.tenant_id, visitor.address, email_address.key_of(email))
    if not email_address.is_well_formed(email):
        return
    async with context.database.tenant(tenant.tenant_id) as connection:
        await request_mail(connection, context, tenant, purpose, email, mailing)
    context.relay.nudge()


async def find_link(context: Context, tenant: Tenant, purpose: Purpose, token: str) -> Link:
    """What a link is good for, without using it: programs that look through mail open links too.

    Raises: LinkGone.
    """
    mail_id = context.links.open(token, tenant.tenant_id, purpose)
    if mail_id is None:
        raise LinkGone
    async with context.database.tenant(tenant.tenant_id) as connection:
        link = await mails.get_link(connection, tenant.tenant_id, mail_id, purpose, context.clock())
    if link is None:
        raise LinkGone
    return link


async def use_link(
    connection: Connection, context: Context, tenant: Tenant, purpose: Purpose, token: str
) -> Link:
    """In the caller's transaction, which has the user to itself from here on: of two links at once one
    finds the other used, or itself made void by it. Raises: LinkGone for all but one, however many try.
    """
    tenant_id, now = tenant.tenant_id, context.clock()
    mail_id = context.links.open(token, tenant_id, purpose)
    if mail_id is None:
        raise LinkGone
    link = await mails.get_link(connection, tenant_id, mail_id, purpose, now)
    if link is None:
        raise LinkGone
    await store.lock_user(connection, tenant_id, link.user_id)
    link = await mails.use_link(connection, tenant_id, mail_id, purpose, now)
    if link is None:
        raise LinkGone
    return link
