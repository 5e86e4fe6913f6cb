"""Claims about the user behind an access token (OIDC Core §5.3)."""

from typing import Any

from services.token import store
from services.token.flows import access_token
from services.token.flows.claims import claims_of
from services.token.flows.context import Context
from shared.oauth import scope
from shared.oauth.errors import OAuthError
from shared.oauth.types import Tenant


async def userinfo(context: Context, tenant: Tenant, token: str) -> dict[str, Any]:
    """Raises: OAuthError invalid_token, insufficient_scope (RFC 6750 §3.1); Unavailable."""
    async with context.share.of(tenant.tenant_id):
        return await _userinfo(context, tenant, token)


async def _userinfo(context: Context, tenant: Tenant, token: str) -> dict[str, Any]:
    now = context.clock()
    claims = await access_token.verify(context, tenant, token, now)
    if claims is None or tenant.disabled_at is not None:
        raise OAuthError("invalid_token", "the access token is malformed, expired or not ours")
    if claims.aud != tenant.slug:  # RFC 9068 §4: or every API could ask us about its callers
        raise OAuthError("invalid_token", "the access token is for another resource")
    if scope.OPENID not in claims.scope.split(" ") or claims.family_id is None:
        raise OAuthError("insufficient_scope", "the access token lacks the scope openid")
    if not await access_token.issued_to_live_client(context, tenant, claims):
        raise OAuthError("invalid_token", "the client of this access token is disabled")
    async with context.database.connection() as connection:
        grant = await store.get_live_grant(connection, tenant.tenant_id, claims.family_id, now)
    if grant is None:
        raise OAuthError("invalid_token", "the access token has been revoked")
    return claims_of(grant.user, scope.parse(claims.scope))
