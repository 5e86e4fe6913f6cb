"""A new password by the link in a mail (NIST SP 800-63B-4 §4.2; OWASP Forgot Password).

It is a proof that one reads the address's mail, and so confirms the address. Whoever was signed in
is not any more, and no grant from before works: the one who had the password may be another.
"""

from services.authorize import store
from services.authorize.flows.check_password import known_account
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.mail_links import find_link, use_link
from services.authorize.flows.mailing import Mailing, request_mail
from services.authorize.flows.users import read_new_password
from services.authorize.store import account, mails
from services.authorize.store.mails import Link
from shared.events.catalog import UserPasswordChanged
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant
from shared.secret import Secret


async def reset_password(
    context: Context, tenant: Tenant, visitor: Visitor, token: str, password: str, mailing: Mailing
) -> tuple[Link, Secret]:
    """What the link was, and the cookie by which this device is known from now on: whoever guesses at the
    account meanwhile does not keep its owner from signing in.

    Raises: LinkGone, InvalidUser, Unavailable.
    """
    tenant_id = tenant.tenant_id
    link = await find_link(context, tenant, "reset_password", token)  # before the work of hashing
    read_new_password(password, link.present_email, tenant.name, tenant.slug)
    password_hash = await context.passwords.hash(tenant_id, password)
    async with context.database.tenant(tenant_id) as connection:
        link = await use_link(connection, context, tenant, "reset_password", token)
        now = context.clock()  # the user is locked: whoever has signed in by now did so before
        await store.reset_password(connection, tenant_id, link.user_id, password_hash, link.email, now)
        await store.end_sessions_of_user(connection, tenant_id, link.user_id, now)
        # Those too that were signed in for at a process whose clock is ahead of ours.
        await account.revoke_grants(connection, tenant_id, link.user_id, reason="password_reset", now=now)
        await mails.void_links(connection, tenant_id, link.user_id, now)
        event = UserPasswordChanged(by="reset")
        await insert_event(connection, tenant_id, link.user_id, event, now)
        await request_mail(
            connection, context, tenant, "password_changed", link.present_email, mailing, user_id=link.user_id
        )
    context.relay.nudge()
    device = context.devices.remember(
        visitor.device, known_account(tenant_id, link.user_id), now=now, entropy=context.entropy
    )
    return link, device
