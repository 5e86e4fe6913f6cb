"""Mail the link to a new dashboard password (docs/adr/0015-mail.md, 0028).

Its token is made here, when it is sent, so that no event holds one. Another try makes another, and the one
before is void: whoever gets the mail twice goes on with the newer.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from services.admin.flows.context import Context
from services.admin.flows.password_letter import write
from services.admin.flows.password_links import reset_link
from services.admin.store import password_links
from services.admin.store.password_links import PasswordMail
from shared.events.bus import Hopeless
from shared.mail.letter import BadAddress, compose
from shared.mail.smtp import MailRefused, MailServerAway
from shared.oauth.client_secret import PASSWORD_LINK_PREFIX, generate, hash_secret
from shared.unavailable import Unavailable

log = structlog.get_logger()

CLAIM: Final = timedelta(seconds=60)
"""How long one process may be at a mail: longer than the mailer tries."""


class UnderWay(Unavailable):
    """Another process is at this mail, or died over it: look again later."""


async def send_password_mail(context: Context, link_id: UUID) -> None:
    """Send it, unless that is done, the link is over, or nobody who is enabled has the address.

    Raises: Hopeless, Unavailable.
    """
    assert context.mailer is not None, "without a mail server nobody listens"
    token = generate(PASSWORD_LINK_PREFIX, context.entropy)
    token_hash = hash_secret(token.reveal())
    mail = await _claim(context, link_id, token_hash)
    if mail is None:
        return
    letter = write(
        link=reset_link(context, token),
        api_tokens=f"{context.public_url}/dashboard/api-tokens",
        language=context.texts.language(mail.language),
    )
    try:
        message = compose(
            letter,
            to=mail.email,
            sender=context.mailer.sender,
            message_id=UUID(bytes=token_hash[:16]),  # another link is another letter
            date=mail.created_at,
        )
        await context.mailer.send(message, mail.email)
    except (BadAddress, MailRefused) as error:
        raise Hopeless(f"{type(error).__name__}: {error}") from error
    except MailServerAway:
        async with context.database.connection() as connection:
            await password_links.release_mail(connection, link_id)
        raise
    async with context.database.connection() as connection:
        await password_links.set_mail_sent(connection, link_id, context.clock())
    log.info("mail sent", purpose="dashboard password", link_id=str(link_id))


async def _claim(context: Context, link_id: UUID, token_hash: bytes) -> PasswordMail | None:
    """None when there is nothing to send. Raises: UnderWay."""
    now = context.clock()
    async with context.database.connection() as connection:
        mail = await password_links.claim_mail(connection, link_id, token_hash, now, now - CLAIM)
        if mail is None and await password_links.is_mail_waiting(connection, link_id, now):
            raise UnderWay
    return mail
