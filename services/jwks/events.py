"""NATS → flow: what the jwks service hears."""

from uuid import UUID

from services.jwks.flows import key_generation
from services.jwks.flows.context import Context
from shared.events.bus import Handler
from shared.events.catalog import TenantCreated, TenantUpdated
from shared.events.envelope import CloudEvent


def handler(context: Context) -> Handler:
    """One idempotent handler for the durable consumer `jwks`."""

    async def handle(event: CloudEvent) -> None:
        # An update may have chosen another algorithm, which then needs its first key.
        if event.event_type in (TenantCreated.type, TenantUpdated.type):
            await _ensure_key(context, event.tenantid, event.data["slug"])

    return handle


async def _ensure_key(context: Context, tenant_id: UUID, slug: str) -> None:
    context.directory.forget_tenant(slug)
    tenant = await context.directory.tenant_by_slug(slug)
    if tenant is not None:
        await key_generation.ensure_active_key(context, tenant_id, tenant.signing_alg)
