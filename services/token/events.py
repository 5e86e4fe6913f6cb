"""NATS → flow: what the token service hears."""

from uuid import UUID

from services.token.flows import revocation
from services.token.flows.context import Context
from shared.events.bus import Handler
from shared.events.catalog import SessionEnded
from shared.events.envelope import CloudEvent


def handler(context: Context) -> Handler:
    """One idempotent handler for the durable consumer `token`; other events are not ours."""

    async def handle(event: CloudEvent) -> None:
        if event.event_type == SessionEnded.type:
            await revocation.end_session(context, event.tenantid, UUID(event.subject))

    return handle
