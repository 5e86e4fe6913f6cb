"""Revoke a token, and with it its whole family (RFC 7009).

The answer comes after a synchronous commit: once it is 200, nothing of the family is ever
minted again. A token that is unknown, or another client's, gets the same 200 and no effect.
"""

from uuid import UUID

from services.token import store
from services.token.flows import access_token
from services.token.flows.context import Context
from services.token.flows.pipeline import authenticated_client
from shared.oauth import refresh_token
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant


async def revoke(context: Context, tenant: Tenant, authorization: str | None, body: bytes) -> None:
    """Raises: OAuthError invalid_client, invalid_request, unsupported_token_type; Unavailable."""
    params = Params.parse(body)
    params.refuse_repeated()
    async with context.share.of(tenant.tenant_id):
        client = await authenticated_client(context, tenant, authorization, params)
        family_id = await _family_of(context, tenant, client, params.require("token"))
        if family_id is None:
            return
        async with context.database.decision() as connection:
            await store.revoke_family(
                connection,
                tenant.tenant_id,
                family_id,
                client.client_id,
                "revoked_by_client",
                context.clock(),
            )
    context.relay.nudge()


async def _family_of(context: Context, tenant: Tenant, client: Client, token: str) -> UUID | None:
    if token.startswith(refresh_token.PREFIX):
        opened = await context.refresh_tokens.open(token, client)
        return opened.family_id if opened is not None else None
    claims = await access_token.verify(context, tenant, token, context.clock())
    if claims is None or claims.client_id != client.client_id:
        return None
    if claims.family_id is None:
        # A client's own token (client_credentials) stands for itself until it expires.
        raise OAuthError("unsupported_token_type", "this access token belongs to no family")
    return claims.family_id


async def end_session(context: Context, tenant_id: UUID, session_id: UUID) -> None:
    """Revoke the families that were bound to an SSO session that has ended. Idempotent."""
    async with context.database.tenant(tenant_id) as connection:
        for family_id in await store.list_families_of_session(connection, tenant_id, session_id):
            await store.revoke_family(
                connection, tenant_id, family_id, None, "session_ended", context.clock()
            )
    context.relay.nudge()
