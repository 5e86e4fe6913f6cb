"""How many passwords may be tried, and how many interactions begun, by whom. The numbers are here only.

Every way to a password counts first and looks after (`check_password`), so that parallel tries
cannot pass. Keys carry the tenant: one tenant's attacker is not another's.
"""

from typing import Final
from uuid import UUID

import msgspec

from services.authorize.flows.context import Context
from shared.limits import Bucket, Tries, account_key, address_key

ACCOUNT: Final = Tries()
"""5 free, then 1 s, 2 s, 4 s … 15 min apart, none after 100 within a day of the last."""

ADDRESS: Final = Bucket(size=200, per_second=1.0)
"""Wide enough for an office behind one address, too narrow to try one password on everybody."""

STRANGERS: Final = Bucket(size=1000, per_second=2.0)
"""Wrong passwords at a tenant from devices that nobody has signed in from, from however many addresses."""

BEGUN_BY_ADDRESS: Final = Bucket(size=300, per_second=2.0)
BEGUN_FOR_CLIENT: Final = Bucket(size=3000, per_second=30.0)
BEGUN_AT_TENANT: Final = Bucket(size=5000, per_second=50.0)
"""An interaction needs no account, and lies in Valkey for half an hour: a kilobyte or two, so these are
some 7 MB of an address, some 150 MB of a tenant that is stormed from everywhere."""

MAILS_TO_ACCOUNT: Final = Bucket(size=5, per_second=1 / 600)
"""To one address: any of them serves, so that nobody is locked out by who asks in their name."""
MAILS_BY_ADDRESS: Final = Bucket(size=30, per_second=1 / 60)


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One try at an account that may not exist. `device` names one that its owner has signed in from
    before: it has tries of its own, which nobody else can use up (docs/adr/0017)."""

    tenant_id: UUID
    email_key: str
    device: str | None

    async def count(self, context: Context) -> None:
        """Before its password is looked at. Raises: TooManyTries."""
        if self.device is not None:
            await context.limiter.count_try(self._key, ACCOUNT)
        else:
            await context.limiter.count_try_and_spend(self._key, ACCOUNT, self._strangers, STRANGERS)

    async def forgive(self, context: Context) -> None:
        """The right password came."""
        await context.limiter.forgive(self._key)
        if self.device is None:
            await context.limiter.refund(self._strangers, STRANGERS)

    @property
    def _key(self) -> str:
        if self.device is None:
            return f"{self.tenant_id}:account:{account_key(self.email_key)}"
        return f"{self.tenant_id}:device:{self.device}:{account_key(self.email_key)}"

    @property
    def _strangers(self) -> str:
        return f"{self.tenant_id}:strangers"


async def count_mail(context: Context, tenant_id: UUID, address: str, email_key: str) -> None:
    """Somebody at this address has a mail sent to an account, which may not exist. Raises: TooManyTries."""
    await context.limiter.spend(f"{tenant_id}:mails:{address_key(address)}", MAILS_BY_ADDRESS)
    await context.limiter.spend(f"{tenant_id}:mail:{account_key(email_key)}", MAILS_TO_ACCOUNT)


async def count_address(context: Context, tenant_id: UUID, address: str) -> None:
    """Somebody at this address (IPv6: this /64) signs in or up. Raises: TooManyTries."""
    await context.limiter.spend(f"{tenant_id}:address:{address_key(address)}", ADDRESS)


async def count_interaction(context: Context, tenant_id: UUID, client_id: str, address: str) -> None:
    """An interaction is about to be kept. Raises: TooManyTries.

    The narrow before the wide, so that who is out of tokens does not spend those of others.
    """
    await context.limiter.spend(f"{tenant_id}:begun:address:{address_key(address)}", BEGUN_BY_ADDRESS)
    await context.limiter.spend(f"{tenant_id}:begun:client:{client_id}", BEGUN_FOR_CLIENT)
    await context.limiter.spend(f"{tenant_id}:begun", BEGUN_AT_TENANT)
