"""Sign a developer in: email and password, limited per account and per address.

An unknown email and a wrong password are one answer, and take as long.
"""

from typing import Final

from services.admin.flows import sessions
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.refused import Invalid
from services.admin.store import developers
from shared.limits import Bucket, Tries, account_key, address_key
from shared.secret import Secret

TRIES: Final = Tries()
ADDRESS: Final = Bucket(size=30, per_second=0.2)
"""One address trying many accounts: thirty at once, then one in five seconds."""


async def sign_in(context: Context, email: str, password: str, address: str) -> Secret:
    """The new session's token. Raises: Invalid, TooManyTries, Unavailable."""
    key = email_key(email)
    await count_try(context, key, address)
    async with context.database.connection() as connection:
        credentials = await developers.get_credentials(connection, key)
    fits = await context.passwords.verify(None, password, credentials.password_hash if credentials else None)
    if not fits or credentials is None:
        raise Invalid("The email address or the password is wrong.")
    await forgive(context, key)
    new_hash = await _rehash(context, credentials.password_hash, password)
    async with context.database.transaction() as connection:
        if new_hash is not None:
            await developers.update_password_hash(connection, credentials.developer_id, new_hash)
        return await sessions.begin(context, connection, credentials.developer_id)


async def count_try(context: Context, key: str, address: str) -> None:
    """One more guess at this account from this address, before anybody looks at it.

    Raises: TooManyTries. The address first, so that who is out of tokens cannot lock others out.
    """
    await context.limiter.spend(f"address:{address_key(address)}", ADDRESS)
    await context.limiter.count_try(f"account:{account_key(key)}", TRIES)


async def forgive(context: Context, key: str) -> None:
    await context.limiter.forgive(f"account:{account_key(key)}")


async def _rehash(context: Context, stored: str, password: str) -> str | None:
    return await context.passwords.hash(None, password) if context.passwords.needs_rehash(stored) else None
