"""Mail: asked for in the transaction of what it is about, sent by whoever consumes the event.

A row says to whom and what, the event names the row, and nothing of either holds a token: the link
is made when the mail is sent (`shared.mail.links`). So a slow mail server slows no request, and one that
is away loses no mail.
"""

from datetime import timedelta
from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import structlog

from services.authorize.flows import email_address
from services.authorize.flows.context import Context
from services.authorize.flows.letters import Facts, write
from services.authorize.store import mails
from services.authorize.store.mails import Mail
from shared.db import Connection
from shared.events.bus import Hopeless
from shared.events.catalog import MailRequested
from shared.events.outbox import insert_event
from shared.mail.letter import BadAddress, compose
from shared.mail.smtp import Mailer, MailRefused, MailServerAway
from shared.oauth.types import Tenant
from shared.unavailable import Unavailable

log = structlog.get_logger()

Purpose: TypeAlias = Literal[
    "verify_email", "account_exists", "reset_password", "change_email", "email_changed", "password_changed",
    "new_device",
]  # fmt: skip
_DAY: Final = timedelta(hours=24)
LIFETIME: Final[dict[Purpose, timedelta]] = {
    "verify_email": _DAY,
    "account_exists": _DAY,
    "reset_password": timedelta(minutes=15),
    "change_email": _DAY,
    "email_changed": _DAY,
    "password_changed": _DAY,
    "new_device": _DAY,
}
"""How long a link works; a notice that could not be sent within this is not sent any more."""

PAGES: Final = {"verify_email": "verify", "reset_password": "reset", "change_email": "new-email"}
"""Where the link of a mail leads; one without leads to the account."""

CLAIM: Final = timedelta(seconds=60)
"""How long one process may be at a mail: longer than the mailer tries."""


class Mailing(msgspec.Struct, frozen=True, kw_only=True):
    """How a mail is to be written: in which language, and what its link leads back to."""

    locale: str
    interaction_id: str | None = None


class MailOff(Exception):
    """No mail server is set: what needs mail is not there."""


class UnderWay(Unavailable):
    """Another process is at this mail, or died over it: look again later."""


def mailer_of(context: Context) -> Mailer:
    """Raises: MailOff."""
    if context.mailer is None:
        raise MailOff
    return context.mailer


async def request_mail(
    connection: Connection,
    context: Context,
    tenant: Tenant,
    purpose: Purpose,
    email: str,
    mailing: Mailing,
    *,
    user_id: UUID | None = None,
) -> None:
    """In the caller's transaction. Without `user_id` it is for whoever has the address, if anybody has:
    that is found out when it is sent, so that asking takes as long for an address without an account.
    """
    now = context.clock()
    mail_id = await mails.insert_mail(
        connection,
        tenant.tenant_id,
        purpose=purpose,
        email=email,
        user_id=user_id,
        locale=mailing.locale,
        interaction_id=mailing.interaction_id,
        now=now,
        expires_at=now + LIFETIME[purpose],
    )
    await insert_event(connection, tenant.tenant_id, mail_id, MailRequested(purpose=purpose), now)


async def send_mail(context: Context, tenant_id: UUID, mail_id: UUID) -> None:
    """Send it, unless that is done. At most once, as far as SMTP can say: a process that dies between
    the server's yes and our note of it is followed by another, with the same Message-ID.

    Raises: Hopeless, Unavailable.
    """
    mailer = mailer_of(context)
    mail, tenant = await _claim(context, tenant_id, mail_id)
    if mail is None or tenant is None:
        return
    if mail.expires_at <= context.clock():
        raise Hopeless("its link has lapsed before it could be sent")
    letter = write(mail.purpose, _facts(context, tenant, mail_id, mail), context.texts.language(mail.locale))
    try:
        message = compose(
            letter, to=mail.email, sender=mailer.sender, message_id=mail_id, date=mail.created_at
        )
        await mailer.send(message, mail.email)
    except (BadAddress, MailRefused) as error:
        raise Hopeless(f"{type(error).__name__}: {error}") from error
    except MailServerAway:
        async with context.database.tenant(tenant_id) as connection:
            await mails.release_mail(connection, tenant_id, mail_id)
        raise
    async with context.database.tenant(tenant_id) as connection:
        await mails.set_mail_sent(connection, tenant_id, mail_id, context.clock())
    log.info("mail sent", purpose=mail.purpose, mail_id=str(mail_id))


async def _claim(context: Context, tenant_id: UUID, mail_id: UUID) -> tuple[Mail | None, Tenant | None]:
    """None when there is nothing to send. Raises: UnderWay."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        mail = await mails.claim_mail(connection, tenant_id, mail_id, now, now - CLAIM)
        if mail is None:
            if await mails.is_mail_waiting(connection, tenant_id, mail_id):
                raise UnderWay
            return None, None
        if mail.user_id is None:
            email_key = email_address.key_of(mail.email)
            unverified_only = mail.purpose == "verify_email"
            mail = await mails.address_mail(connection, tenant_id, mail_id, email_key, unverified_only)
            if mail is None:
                await mails.set_mail_sent(connection, tenant_id, mail_id, now)
                return None, None
        slug = await mails.get_slug(connection, tenant_id)
    tenant = await context.directory.tenant_by_slug(slug) if slug else None
    return mail, tenant if tenant is not None and tenant.disabled_at is None else None


def _facts(context: Context, tenant: Tenant, mail_id: UUID, mail: Mail) -> Facts:
    """Links lie below the configured origin, whatever a request has said of its host."""
    base = f"{context.public_url}/t/{tenant.slug}"
    query = {"ui_locales": mail.locale}
    page = PAGES.get(mail.purpose)
    if page is not None:
        query["token"] = context.links.token(tenant.tenant_id, mail.purpose, mail_id)
    return Facts(
        app=tenant.name,
        accent=tenant.accent,
        email=mail.email,
        link=f"{base}/{page or 'account'}?{urlencode(query)}",
        forgot=f"{base}/forgot?{urlencode({'ui_locales': mail.locale})}",
        requested_at=mail.created_at,
    )
