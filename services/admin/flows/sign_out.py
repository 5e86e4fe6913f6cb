"""Sign a developer out: this session ends, others go on."""

from services.admin.flows.context import Context
from services.admin.flows.sessions import hash_token
from services.admin.store import developers


async def sign_out(context: Context, token: str) -> None:
    """Ending what has ended is fine."""
    async with context.database.connection() as connection:
        await developers.delete_session(connection, hash_token(token))
