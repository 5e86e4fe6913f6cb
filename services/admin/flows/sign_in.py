"""Sign a developer in: email and password, limited per account, device and address."""

from services.admin.flows import sessions
from services.admin.flows.check_password import check_password
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.refused import Invalid
from services.admin.flows.sessions import StartedSession
from services.admin.store import developers


async def sign_in(
    context: Context, email: str, password: str, *, address: str, device: str | None
) -> StartedSession:
    """A session in place of any other. Raises: Invalid, TooManyTries, Unavailable."""
    found = await check_password(context, email_key(email), password, address=address, device=device)
    wrong = Invalid("The email address or the password is wrong.")
    if found is None:
        raise wrong
    new_hash = await _rehash(context, found.password_hash, password)
    async with context.database.transaction() as connection:
        if not await developers.lock_credentials(connection, found.developer_id, found.password_hash):
            raise wrong  # it was reset while we looked
        if new_hash is not None:
            await developers.update_password_hash(connection, found.developer_id, new_hash)
        return await sessions.begin(context, connection, found.developer_id, device=device)


async def _rehash(context: Context, stored: str, password: str) -> str | None:
    return await context.passwords.hash(None, password) if context.passwords.needs_rehash(stored) else None
