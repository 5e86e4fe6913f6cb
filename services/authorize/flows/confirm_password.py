"""The password once more, before what would hurt if somebody else were at the keyboard."""

from datetime import timedelta
from typing import Final

from services.authorize.flows import email_address
from services.authorize.flows.check_password import WrongCredentials, check_password
from services.authorize.flows.context import Context, Visitor
from services.authorize.store import Session
from shared.oauth.types import Tenant

FRESH: Final = timedelta(minutes=10)


def is_fresh(context: Context, session: Session) -> bool:
    """Has the user just signed in?"""
    return context.clock() - session.auth_time <= FRESH


async def confirm_password(
    context: Context, tenant: Tenant, visitor: Visitor, session: Session, password: str
) -> str:
    """The hash that it was verified against. Raises: WrongCredentials, TooManyTries, Unavailable."""
    email_key = email_address.key_of(session.email)
    found = await check_password(context, tenant, visitor, email_key, password)
    if found.user_id != session.user_id:  # the address has become another's meanwhile
        raise WrongCredentials
    return found.password_hash
