"""A link to a new dashboard password: asked for by mail, or made by the operator for whoever asks them.

One link an address, which works once, within fifteen minutes: asking again voids the former. Asking is
answered alike whoever has the address, or nobody, and takes as long: whose it is, is found out when the mail
is sent (`password_mails`).
"""

from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import structlog

from services.admin.flows.access import Principal
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key, is_email
from services.admin.flows.refused import Checks, FieldError, Forbidden, Invalid, NotFound
from services.admin.store import developers, password_links
from shared.events.catalog import MemberPasswordLinkRequested
from shared.events.outbox import insert_event
from shared.languages import Tag
from shared.limits import Bucket, account_key, address_key
from shared.oauth.client_secret import PASSWORD_LINK_PREFIX, generate, hash_secret
from shared.secret import Secret
from shared.settings import Doc

log = structlog.get_logger()

LIFETIME: Final = timedelta(minutes=15)
NO_TENANT: Final = UUID(int=0)
"""Of an event that is about no app: a developer belongs to none."""

MAILS_TO_ACCOUNT: Final = Bucket(size=5, per_second=1 / 600)
MAILS_BY_ADDRESS: Final = Bucket(size=30, per_second=1 / 60)


class MakePasswordLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Doc(description="Email address of the developer whose password is forgotten.")]


class MadePasswordLink(msgspec.Struct, frozen=True, kw_only=True):
    """`link` is for the developer, and nowhere else."""

    email: str
    link: Secret
    expires_at: datetime


async def mail_password_link(context: Context, email: str, language: Tag, *, address: str) -> None:
    """By whoever types an address: it gets the mail, if it has an account here that is enabled.

    Raises: NotFound where there is no mail server, Invalid, TooManyTries.
    """
    if context.mailer is None:
        raise NotFound
    email = email.strip()
    if not is_email(email):
        message = "Enter an email address, like name@example.com."
        raise Invalid("Check the fields that are named.", [FieldError("email", message)])
    key = email_key(email)
    await context.limiter.spend(f"passwords:by:{address_key(address)}", MAILS_BY_ADDRESS)
    await context.limiter.spend(f"passwords:to:{account_key(key)}", MAILS_TO_ACCOUNT)
    now = context.clock()
    async with context.database.transaction() as connection:
        link_id = await password_links.put_password_link(
            connection, key, token_hash=None, mail_language=language, now=now, expires_at=now + LIFETIME
        )
        event = MemberPasswordLinkRequested(by="mail")
        await insert_event(connection, NO_TENANT, link_id, event, now)
    context.relay.nudge()


async def make_password_link(
    context: Context, principal: Principal, wanted: MakePasswordLink
) -> MadePasswordLink:
    """For the operator's token alone, who hands it on. Raises: Forbidden, Invalid."""
    if principal.developer_id is not None:
        raise Forbidden("Only the operator makes such links.")
    now, key = context.clock(), email_key(wanted.email)
    token = generate(PASSWORD_LINK_PREFIX, context.entropy)
    async with context.database.transaction() as connection:
        developer = await developers.get_developer(connection, key) if is_email(key) else None
        if developer is None:
            checks = Checks()
            checks.add("email", "No developer who is enabled has this email address.")
            checks.refuse_if_any()
        assert developer is not None
        link_id = await password_links.put_password_link(
            connection,
            key,
            token_hash=hash_secret(token.reveal()),
            mail_language=None,
            now=now,
            expires_at=now + LIFETIME,
        )
        event = MemberPasswordLinkRequested(by="operator")
        await insert_event(connection, NO_TENANT, link_id, event, now)
    context.relay.nudge()
    log.info("password link made", developer_id=str(developer.developer_id), actor=principal.actor)
    link = Secret(reset_link(context, token))
    return MadePasswordLink(email=developer.email, link=link, expires_at=now + LIFETIME)


def reset_link(context: Context, token: Secret) -> str:
    """Below the configured origin, whatever a request has said of its host."""
    return f"{context.public_url}/dashboard/reset-password?{urlencode({'token': token.reveal()})}"
