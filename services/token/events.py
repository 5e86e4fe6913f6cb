"""NATS → flow: what the token service hears."""

from uuid import UUID

from services.token.flows import revocation
from services.token.flows.context import Context
from shared.events.bus import Handler
from shared.events.catalog import SessionEnded, SigningKeyActivated, SigningKeyRetired
from shared.events.envelope import CloudEvent


def handler(context: Context) -> Handler:
    """One idempotent handler for the durable consumer `token`; other events are not ours."""

    async def handle(event: CloudEvent) -> None:
        if event.event_type == SessionEnded.type:
            await revocation.end_session(context, event.tenantid, UUID(event.subject))

    return handle


def key_listener(context: Context) -> Handler:
    """Heard plainly, by every instance: no private key stays open that will not sign again."""

    async def hear(event: CloudEvent) -> None:
        if event.event_type == SigningKeyActivated.type:
            context.signing_keys.close(event.tenantid, lambda kid: kid != event.subject)
        elif event.event_type == SigningKeyRetired.type:
            context.signing_keys.close(event.tenantid, lambda kid: kid == event.subject)

    return hear
