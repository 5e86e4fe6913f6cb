"""Issue a token to a client on its own behalf (RFC 6749 §4.4). No user, no family, nothing to write."""

from services.token.flows.context import Context
from services.token.flows.minting import Granted
from shared.oauth import scope
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant


async def issue(_context: Context, tenant: Tenant, client: Client, params: Params) -> Granted:
    """Raises: OAuthError invalid_scope, invalid_target."""
    asked = scope.within(scope.parse(params.get("scope")), client.allowed_scope)
    if any(token in scope.USER_SCOPE for token in asked):
        raise OAuthError("invalid_scope", "scope speaks of a user, and there is none")
    resource = params.get("resource")
    if resource is not None and resource not in client.resources:
        raise OAuthError("invalid_target", "resource is not registered for this client")
    return Granted(
        scope=asked,
        audience=resource or tenant.slug,
        family_id=None,
        generation=None,
        auth_time=None,
        nonce=None,
        user=None,
        with_id_token=False,
    )
