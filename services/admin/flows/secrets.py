"""A client's new secret: made here, stored as a hash, handed to the caller once."""

from uuid import UUID

from services.admin.flows.context import Context
from services.admin.store import clients
from shared.db import Connection
from shared.oauth.client_secret import CLIENT_SECRET_PREFIX, generate, hash_secret
from shared.secret import Secret


async def make_secret(context: Context, connection: Connection, tenant_id: UUID, client_id: str) -> Secret:
    secret = generate(CLIENT_SECRET_PREFIX, context.entropy)
    await clients.insert_secret(
        connection, tenant_id, client_id, hash_secret(secret.reveal()), context.clock()
    )
    return secret
