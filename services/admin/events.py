"""NATS → flow: every event goes into the audit log."""

from services.admin.flows import audit
from services.admin.flows.context import Context
from shared.events.bus import Handler
from shared.events.envelope import CloudEvent


def handler(context: Context) -> Handler:
    """One idempotent handler for the durable consumer `admin`."""

    async def handle(event: CloudEvent) -> None:
        await audit.record(context, event)

    return handle
