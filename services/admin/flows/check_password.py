"""Is this the developer's password? The one way to it: for signing in, and for confirming who it is.

Every try is counted before the password is looked at. An unknown email and a wrong password are one
answer, and take as long.
"""

from datetime import UTC, datetime
from typing import Final

import structlog

from services.admin.flows.context import Context
from services.admin.store import developers
from services.admin.store.developers import Credentials
from shared.limits import Bucket, Tries, account_key, address_key

log = structlog.get_logger()

TRIES: Final = Tries()
ADDRESS: Final = Bucket(size=30, per_second=0.2)
"""One address trying many accounts: thirty at once, then one in five seconds."""
STRANGERS: Final = Bucket(size=300, per_second=0.2)
"""Wrong passwords from devices that nobody has signed in from, from however many addresses."""

_STRANGERS: Final = "strangers"
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def check_password(
    context: Context, key: str, password: str, *, address: str, device: str | None
) -> Credentials | None:
    """Whose password it is, or None. `key` is the email's; `device` is what its cookie says.

    Raises: TooManyTries, Unavailable.
    """
    await count_address(context, address)
    async with context.database.connection() as connection:
        found = await developers.get_credentials(connection, key)
    known = _known_device(context, device, found)
    if known is not None:  # tries of its own, which nobody else can use up (docs/adr/0017)
        tries = f"device:{known}:{account_key(key)}"
        await context.limiter.count_try(tries, TRIES)
    else:
        tries = f"account:{account_key(key)}"
        await context.limiter.count_try_and_spend(tries, TRIES, _STRANGERS, STRANGERS)
    fits = await context.passwords.verify(None, password, found.password_hash if found else None)
    if found is None or not fits:
        reason = "unknown account" if found is None else "wrong password"
        log.info("password refused", reason=reason, known_device=known is not None)
        return None
    await context.limiter.forgive(tries)
    if known is None:
        await context.limiter.refund(_STRANGERS, STRANGERS)
    return found


async def count_address(context: Context, address: str) -> None:
    """Somebody there signs in or up. Raises: TooManyTries."""
    await context.limiter.spend(f"address:{address_key(address)}", ADDRESS)


def _known_device(context: Context, device: str | None, found: Credentials | None) -> str | None:
    if found is None:
        return None
    return context.devices.recognise(device, [found.developer_id.bytes], after=_EVER, now=context.clock())
