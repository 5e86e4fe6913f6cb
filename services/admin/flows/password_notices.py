"""Tell a developer that their dashboard password was changed by a link (NIST SP 800-63B-4 §4.2.3).

Whoever changed it may be another than who has the account: one that read the mail for a moment, or who was
handed the link by an operator. One letter a reset, whichever of the apps' events comes first.
"""

from uuid import UUID

import structlog

from services.admin.flows.context import Context
from services.admin.flows.password_letter import write_notice
from services.admin.flows.password_mails import CLAIM, UnderWay
from services.admin.store import password_notices
from services.admin.store.password_notices import PasswordNotice
from shared.events.bus import Hopeless
from shared.mail.letter import BadAddress, compose
from shared.mail.smtp import MailRefused, MailServerAway

log = structlog.get_logger()


async def send_password_notice(context: Context, developer_id: UUID) -> None:
    """Send it, unless that is done. Raises: Hopeless, Unavailable."""
    assert context.mailer is not None, "without a mail server nobody listens"
    notice = await _claim(context, developer_id)
    if notice is None:
        return
    letter = write_notice(
        reset_at=notice.reset_at,
        forgot=f"{context.public_url}/dashboard/forgot-password",
        api_tokens=f"{context.public_url}/dashboard/api-tokens",
        language=context.texts.language(notice.language),
    )
    try:
        message = compose(
            letter,
            to=notice.email,
            sender=context.mailer.sender,
            message_id=notice.notice_id,
            date=notice.reset_at,
        )
        await context.mailer.send(message, notice.email)
    except (BadAddress, MailRefused) as error:
        await _delete(context, notice)
        raise Hopeless(f"{type(error).__name__}: {error}") from error
    except MailServerAway:
        async with context.database.connection() as connection:
            await password_notices.release_notice(connection, notice.notice_id)
        raise
    await _delete(context, notice)
    log.info("mail sent", purpose="dashboard password changed", developer_id=str(developer_id))


async def _claim(context: Context, developer_id: UUID) -> PasswordNotice | None:
    """None when there is nothing to send. Raises: UnderWay."""
    now = context.clock()
    async with context.database.connection() as connection:
        notice = await password_notices.claim_notice(connection, developer_id, now, now - CLAIM)
        if notice is None and await password_notices.is_notice_waiting(connection, developer_id):
            raise UnderWay
    return notice


async def _delete(context: Context, notice: PasswordNotice) -> None:
    async with context.database.connection() as connection:
        await password_notices.delete_notice(connection, notice.notice_id)
