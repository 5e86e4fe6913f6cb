"""The tenant that a request is for."""

from services.authorize.flows.context import Context
from shared.oauth.types import Tenant


class NoSuchTenant(Exception):
    """Nobody has claimed this slug."""


class TenantDisabled(Exception):
    """The app was disabled: none of its pages works, until it is enabled again."""


async def find_tenant(context: Context, slug: str) -> Tenant:
    """Raises: NoSuchTenant, TenantDisabled."""
    tenant = await context.directory.tenant_by_slug(slug)
    if tenant is None:
        raise NoSuchTenant
    if tenant.disabled_at is not None:
        raise TenantDisabled
    return tenant
