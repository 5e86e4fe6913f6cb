"""Introspect a token (RFC 7662). Whoever may not see it learns only that it is not active."""

from datetime import datetime, timedelta
from typing import Any, Final

from services.token import store
from services.token.flows import access_token
from services.token.flows.context import Context
from services.token.flows.pipeline import authenticated_client
from shared.oauth import refresh_token, scope
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant
from shared.secret import b64url

INACTIVE: Final[dict[str, Any]] = {"active": False}


async def introspect(
    context: Context, tenant: Tenant, authorization: str | None, body: bytes
) -> dict[str, Any]:
    """Raises: OAuthError invalid_client; a public client may not ask (RFC 7662 §2.1)."""
    params = Params.parse(body)
    params.refuse_repeated()
    async with context.share.of(tenant.tenant_id):
        client = await authenticated_client(context, tenant, authorization, params)
        if not client.is_confidential:
            raise OAuthError(
                "invalid_client", "client authentication failed", reason="public client introspects"
            )
        token = params.require("token")
        if token.startswith(refresh_token.PREFIX):
            return await _refresh_token(context, tenant, client, token)
        return await _access_token(context, tenant, client, token)


async def _access_token(context: Context, tenant: Tenant, client: Client, token: str) -> dict[str, Any]:
    now = context.clock()
    claims = await access_token.verify(context, tenant, token, now)
    if claims is None or not _may_see(client, tenant, claims):
        return INACTIVE
    if not await access_token.issued_to_live_client(context, tenant, claims):
        return INACTIVE
    answer: dict[str, Any] = {
        "active": True,
        "token_type": "Bearer",
        "iss": claims.iss,
        "aud": claims.aud,
        "sub": claims.sub,
        "client_id": claims.client_id,
        "jti": claims.jti,
        "iat": claims.iat,
        "exp": claims.exp,
        "scope": claims.scope,
    }
    if claims.family_id is None:
        return answer
    async with context.database.connection() as connection:
        grant = await store.get_live_grant(connection, tenant.tenant_id, claims.family_id, now)
    if grant is None:
        return INACTIVE
    return answer | {"sid": claims.sid, "auth_time": claims.auth_time}


async def _refresh_token(context: Context, tenant: Tenant, client: Client, token: str) -> dict[str, Any]:
    now = context.clock()
    opened = await context.refresh_tokens.open(token, client)
    if opened is None:
        return INACTIVE
    async with context.database.connection() as connection:
        grant = await store.get_live_grant(connection, tenant.tenant_id, opened.family_id, now)
    if grant is None or not _is_usable(grant, opened.generation, client, now):
        return INACTIVE
    return {
        "active": True,
        "iss": tenant.issuer,
        "aud": grant.audience,
        "sub": str(grant.user.user_id),
        "client_id": grant.client_id,
        "exp": int(min(grant.idle_expires_at, grant.absolute_expires_at).timestamp()),
        "scope": scope.render(grant.scope),
        "sid": b64url(opened.family_id.bytes),
        "auth_time": int(grant.auth_time.timestamp()),
    }


def _may_see(client: Client, tenant: Tenant, claims: access_token.AccessToken) -> bool:
    """The token's own client, or the app's backend when it is the audience (RFC 7662 §4).

    `client.resources` is what a client may ask for, which does not make it that resource's server.
    """
    is_audience = claims.aud == tenant.slug == client.client_id
    return is_audience or claims.client_id == client.client_id


def _is_usable(grant: store.LiveGrant, generation: int, client: Client, now: datetime) -> bool:
    if not grant.refreshable or min(grant.idle_expires_at, grant.absolute_expires_at) <= now:
        return False
    in_grace = now < grant.rotated_at + timedelta(seconds=client.refresh_grace_s)
    return generation >= grant.generation or (generation == grant.generation - 1 and in_grace)
