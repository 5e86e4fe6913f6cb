"""NATS → flow: what the jwks service hears."""

from services.jwks.flows import rotation
from services.jwks.flows.context import Context
from shared.events.bus import Handler
from shared.events.catalog import TenantCreated, TenantUpdated
from shared.events.envelope import CloudEvent


def handler(context: Context) -> Handler:
    """One idempotent handler for the durable consumer `jwks`."""

    async def handle(event: CloudEvent) -> None:
        # An update may have chosen another algorithm, which then needs a key.
        if event.event_type in (TenantCreated.type, TenantUpdated.type):
            await rotation.turn(context, event.tenantid)

    return handle
