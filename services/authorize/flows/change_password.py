"""A new password, by who knows the former one. Other sessions end, and so do the grants that came of them.

The devices that have signed in with the former one are known no longer, but for the one at hand.
"""

from services.authorize import store
from services.authorize.flows.check_password import WrongCredentials, known_account
from services.authorize.flows.confirm_password import confirm_password
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.mailing import Mailing, request_mail
from services.authorize.flows.own_sessions import end_others
from services.authorize.flows.sessions import StartedSession, new_token
from services.authorize.flows.users import read_new_password
from services.authorize.store import Session, account, mails
from shared.events.catalog import UserPasswordChanged
from shared.events.outbox import insert_event
from shared.oauth.types import Tenant


async def change_password(
    context: Context,
    tenant: Tenant,
    visitor: Visitor,
    session: Session,
    mailing: Mailing,
    *,
    current: str,
    new: str,
) -> StartedSession:
    """This browser's session, under a new token. Of two at once with the same password one succeeds.

    Raises: WrongCredentials, InvalidUser, TooManyTries, Unavailable.
    """
    tenant_id, user_id = tenant.tenant_id, session.user_id
    old = await confirm_password(context, tenant, visitor, session, current)
    read_new_password(new, session.email, session.name or "", tenant.name, tenant.slug)
    new_hash = await context.passwords.hash(tenant_id, new)
    token, token_hash = new_token(context)
    async with context.database.tenant(tenant_id) as connection:
        await store.lock_user(connection, tenant_id, user_id)  # first, as a reset does
        now = context.clock()
        if not await account.update_password(connection, tenant_id, user_id, old=old, new=new_hash, now=now):
            raise WrongCredentials
        await end_others(connection, tenant, session, now, "password_changed")
        if not await account.replace_token(
            connection, tenant_id, user_id, session.session_id, token_hash, now
        ):
            raise WrongCredentials  # signed out meanwhile: nothing is changed
        await mails.void_links(connection, tenant_id, user_id, now)
        await insert_event(connection, tenant_id, user_id, UserPasswordChanged(by="user"), now)
        if context.mailer is not None:
            await request_mail(
                connection, context, tenant, "password_changed", session.email, mailing, user_id=user_id
            )
    context.relay.nudge()
    device = context.devices.remember(
        visitor.device, known_account(tenant_id, user_id), now=now, entropy=context.entropy
    )
    return StartedSession(session_id=session.session_id, token=token, device=device)
