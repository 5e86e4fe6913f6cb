"""Is this the account's password? The one way to it: for signing in, and wherever it is asked for again.

Every try is counted before the password is looked at, and nothing tells an account that exists from
one that does not: not the answer, not the time it takes, not the limit (NIST SP 800-63B-4 §3.2.2).
"""

from uuid import UUID

import structlog

from services.authorize import store
from services.authorize.flows import limits
from services.authorize.flows.context import Context, Visitor
from services.authorize.store import Credentials
from shared.oauth.types import Tenant

log = structlog.get_logger()


class WrongCredentials(Exception):
    """No such account, another password, or an account that is disabled: the caller learns no more."""


async def check_password(
    context: Context, tenant: Tenant, visitor: Visitor, email_key: str, password: str
) -> Credentials:
    """Whose password it is. Raises: WrongCredentials, TooManyTries, Unavailable."""
    tenant_id = tenant.tenant_id
    await limits.count_address(context, tenant_id, visitor.address)
    async with context.database.tenant(tenant_id) as connection:
        found = await store.get_credentials(connection, tenant_id, email_key)
    device = known_device(context, tenant_id, visitor, found) if found else None
    attempt = limits.Try(tenant_id=tenant_id, email_key=email_key, device=device)
    await attempt.count(context)
    fits = await context.passwords.verify(tenant_id, password, found.password_hash if found else None)
    if found is None or not fits or found.disabled_at is not None:
        reason = "unknown account" if found is None else "disabled" if fits else "wrong password"
        log.info("password refused", reason=reason, known_device=device is not None)
        raise WrongCredentials
    await attempt.forgive(context)
    return found


def known_account(tenant_id: UUID, user_id: UUID) -> tuple[bytes, bytes]:
    """How the cookie of a known device names a user."""
    return tenant_id.bytes, user_id.bytes


def known_device(context: Context, tenant_id: UUID, visitor: Visitor, credentials: Credentials) -> str | None:
    """A name for the visitor's device, if it signed in to this account since all were made strangers."""
    return context.devices.recognise(
        visitor.device,
        known_account(tenant_id, credentials.user_id),
        after=credentials.devices_valid_from,
        now=context.clock(),
    )
