"""Mail an invitation to whom it is for (docs/adr/0015-mail.md).

The invitation's row says that it is to be mailed, the event names the row, and nothing of either holds a
token: the link is made when the mail is sent. So a slow mail server slows no request, and one that is away
loses no mail.

Who opens such a link has read the address's mail. That is why nobody else is shown it, the inviter least.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import structlog

from services.admin.flows.access import Principal
from services.admin.flows.context import Context
from services.admin.flows.invitation_letter import InvitationFacts, write
from services.admin.store import invitations
from services.admin.store.invitations import InvitationMail
from shared.events.bus import Hopeless
from shared.limits import Bucket, account_key
from shared.mail.letter import BadAddress, compose
from shared.mail.smtp import MailRefused, MailServerAway
from shared.unavailable import Unavailable

log = structlog.get_logger()

PURPOSE: Final = "invitation"
"""Of the link's token; none of the users' mails has it (`services.authorize.flows.mailing`)."""

CLAIM: Final = timedelta(seconds=60)
"""How long one process may be at a mail: longer than the mailer tries."""

BY_INVITER: Final = Bucket(size=50, per_second=1 / 120)
OF_APP: Final = Bucket(size=50, per_second=1 / 120)
TO_ADDRESS: Final = Bucket(size=5, per_second=1 / 3600)
"""Mail to people who have not asked for it, in the words of whoever named the app: so many at once. To one
address it is counted for all apps together."""


class UnderWay(Unavailable):
    """Another process is at this mail, or died over it: look again later."""


async def count_mail(context: Context, principal: Principal, tenant_id: UUID, email_key: str) -> None:
    """Somebody has a mail sent to an address. Raises: TooManyTries.

    The narrow before the wide, so that who is out of tokens does not spend those of others.
    """
    inviter = principal.developer_id or "operator"
    await context.limiter.spend(f"invitations:to:{account_key(email_key)}", TO_ADDRESS)
    await context.limiter.spend(f"invitations:by:{inviter}", BY_INVITER)
    await context.limiter.spend(f"invitations:of:{tenant_id}", OF_APP)


async def send_invitation(context: Context, tenant_id: UUID, invitation_id: UUID) -> None:
    """Send it, unless that is done, or it has ended. At most once, as far as SMTP can say.

    Raises: Hopeless, Unavailable.
    """
    assert context.mailer is not None, "without a mail server nobody listens"
    mail = await _claim(context, tenant_id, invitation_id)
    if mail is None:
        return
    link = mailed_link(context, mail.slug, tenant_id, invitation_id)
    facts = InvitationFacts(app=mail.name, role=mail.role, invited_by=mail.invited_by, link=link)
    letter = write(facts, context.texts.language(mail.language))
    try:
        message = compose(
            letter,
            to=mail.email,
            sender=context.mailer.sender,
            message_id=invitation_id,
            date=mail.created_at,
        )
        await context.mailer.send(message, mail.email)
    except (BadAddress, MailRefused) as error:
        async with context.database.tenant(tenant_id) as connection:
            await invitations.set_mail_refused(connection, tenant_id, invitation_id, context.clock())
        raise Hopeless(f"{type(error).__name__}: {error}") from error
    except MailServerAway:
        async with context.database.tenant(tenant_id) as connection:
            await invitations.release_mail(connection, tenant_id, invitation_id)
        raise
    async with context.database.tenant(tenant_id) as connection:
        await invitations.set_mail_sent(connection, tenant_id, invitation_id, context.clock())
    log.info("mail sent", purpose=PURPOSE, invitation_id=str(invitation_id))


async def _claim(context: Context, tenant_id: UUID, invitation_id: UUID) -> InvitationMail | None:
    """None when there is nothing to send. Raises: UnderWay."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        mail = await invitations.claim_mail(connection, tenant_id, invitation_id, now, now - CLAIM)
        if mail is None and await invitations.is_mail_waiting(connection, tenant_id, invitation_id, now):
            raise UnderWay
    return mail


def mailed_link(context: Context, slug: str, tenant_id: UUID, invitation_id: UUID) -> str:
    """Below the configured origin, whatever a request has said of its host."""
    return join_link(context, slug, context.links.token(tenant_id, PURPOSE, invitation_id))


def join_link(context: Context, slug: str, token: str) -> str:
    return f"{context.public_url}/dashboard/join?{urlencode({'app': slug, 'token': token})}"
