"""How many passwords may be tried, and how many interactions begun, by whom. The numbers are here only.

Every way to a password counts first and looks after (`shared.limits`), so that parallel tries
cannot pass. Keys carry the tenant: one tenant's attacker is not another's.
"""

from typing import Final
from uuid import UUID

from services.authorize.flows.context import Context
from shared.limits import Bucket, Tries, account_key, address_key

ACCOUNT: Final = Tries()
"""5 free, then 1 s, 2 s, 4 s … 15 min apart, none after 100 within a day of the last."""

ADDRESS: Final = Bucket(size=200, per_second=1.0)
"""Wide enough for an office behind one address, too narrow to try one password on everybody."""

BEGUN_BY_ADDRESS: Final = Bucket(size=300, per_second=2.0)
BEGUN_AT_TENANT: Final = Bucket(size=5000, per_second=50.0)
"""An interaction needs no account, and lies in Valkey for half an hour: a kilobyte or two, so these are
some 7 MB of an address, some 150 MB of a tenant that is stormed from everywhere."""


MAILS_TO_ACCOUNT: Final = Bucket(size=5, per_second=1 / 600)
"""To one address: any of them serves, so that nobody is locked out by who asks in their name."""
MAILS_BY_ADDRESS: Final = Bucket(size=30, per_second=1 / 60)


async def count_mail(context: Context, tenant_id: UUID, address: str, email_key: str) -> None:
    """Somebody at this address has a mail sent to an account, which may not exist. Raises: TooManyTries."""
    await context.limiter.spend(f"{tenant_id}:mails:{address_key(address)}", MAILS_BY_ADDRESS)
    await context.limiter.spend(f"{tenant_id}:mail:{account_key(email_key)}", MAILS_TO_ACCOUNT)


async def count_address(context: Context, tenant_id: UUID, address: str) -> None:
    """Somebody at this address (IPv6: this /64) signs in or up. Raises: TooManyTries."""
    await context.limiter.spend(f"{tenant_id}:address:{address_key(address)}", ADDRESS)


async def count_interaction(context: Context, tenant_id: UUID, address: str) -> None:
    """An interaction is about to be kept. Raises: TooManyTries.

    The address first, so that one that is out of tokens does not spend the tenant's.
    """
    await context.limiter.spend(f"{tenant_id}:begun:{address_key(address)}", BEGUN_BY_ADDRESS)
    await context.limiter.spend(f"{tenant_id}:begun", BEGUN_AT_TENANT)


async def count_password(context: Context, tenant_id: UUID, email_key: str) -> None:
    """A password is about to be checked for this account, which may not exist. Raises: TooManyTries."""
    await context.limiter.count_try(_account(tenant_id, email_key), ACCOUNT)


async def forgive_account(context: Context, tenant_id: UUID, email_key: str) -> None:
    """The right password came."""
    await context.limiter.forgive(_account(tenant_id, email_key))


def _account(tenant_id: UUID, email_key: str) -> str:
    return f"{tenant_id}:account:{account_key(email_key)}"
