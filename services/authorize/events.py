"""Events in: mails to be sent, and changes that make this service's caches forget.

Mails are consumed durably. The rest is heard plainly: what a cache misses while NATS is away, its
lifetime bounds.
"""

from uuid import UUID

from services.authorize.flows.context import Context
from services.authorize.flows.mailing import send_mail
from shared.events.bus import Bus, Handler
from shared.events.catalog import MailRequested
from shared.events.envelope import CloudEvent
from shared.events.invalidation import forget_on_events


def listen(bus: Bus, context: Context) -> None:
    """Call before the bus runs."""
    forget_on_events(bus, context.directory, forget_keys=context.public_keys.forget)


def handler(context: Context) -> Handler:
    """Sends what the durable consumer `authorize` is told of."""

    async def handle(event: CloudEvent) -> None:
        if event.event_type == MailRequested.type:
            await send_mail(context, event.tenantid, UUID(event.subject))

    return handle
