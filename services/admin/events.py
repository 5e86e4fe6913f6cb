"""NATS → flow: every event goes into the audit log; apart from it, what is to be mailed is."""

from typing import Final
from uuid import UUID

from services.admin.flows import audit
from services.admin.flows.context import Context
from services.admin.flows.invitation_mails import send_invitation
from services.admin.flows.password_mails import send_password_mail
from services.admin.flows.password_notices import send_password_notice
from shared.events.bus import Handler
from shared.events.catalog import MemberPasswordLinkRequested, MemberPasswordReset
from shared.events.envelope import CloudEvent

MAIL_CONSUMER: Final = "admin-mail"


def handler(context: Context) -> Handler:
    """One idempotent handler for the durable consumer `admin`."""

    async def handle(event: CloudEvent) -> None:
        await audit.record(context, event)

    return handle


def mail_handler(context: Context) -> Handler:
    """For the durable consumer `admin-mail`, which a slow mail server may hold up without the audit log."""

    async def handle(event: CloudEvent) -> None:
        if event.event_type == MemberPasswordLinkRequested.type:
            await send_password_mail(context, UUID(event.subject))
        elif event.event_type == MemberPasswordReset.type:
            await send_password_notice(context, UUID(event.subject))
        else:
            await send_invitation(context, event.tenantid, UUID(event.subject))

    return handle
