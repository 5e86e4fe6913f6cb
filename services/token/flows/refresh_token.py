"""Rotate a refresh token (RFC 6749 §6; RFC 9700 §4.14).

The MAC says whether we issued the token to this client; only then is the database asked, and
it decides in one statement. See migrations/0009_rotate_family.sql for the decision itself, and
0037_decided_together.sql for many of them.
"""

from typing import Final

from services.token.flows.context import Context
from services.token.flows.minting import Granted
from shared.oauth import scope
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant
from shared.readings import Count

_REFUSALS: Final = {
    "scope_exceeded": ("invalid_scope", "scope exceeds what was granted"),
    "audience_exceeded": ("invalid_target", "resource is not the one that was granted"),
}

_PRESENTED: Final = Count("mtas_refresh_tokens", "Refresh tokens presented, by what they were", "outcome")


async def rotate(context: Context, tenant: Tenant, client: Client, params: Params) -> Granted:
    """Raises: OAuthError invalid_grant when the token is forged, another client's, expired,
    revoked, or reused; a reused one has by then revoked its family."""
    token = await context.refresh_tokens.open(params.require("refresh_token"), client)
    if token is None:
        _PRESENTED("forged")
        raise _refused("invalid_grant", "not issued to this client")
    asked = params.get("scope")
    narrowed = scope.parse(asked) if asked is not None else None
    rotation = await context.decisions.rotate(
        tenant, client, token, scope=narrowed, audience=params.get("resource")
    )
    _PRESENTED(rotation.outcome)
    if rotation.user is None:
        context.relay.nudge()
        code, description = _REFUSALS.get(rotation.outcome, ("invalid_grant", None))
        raise _refused(code, rotation.outcome, description)
    if rotation.audience != tenant.slug and rotation.audience not in client.resources:
        raise _refused("invalid_target", "resource withdrawn", "the resource is not the client's any more")
    granted_scope = scope.left_of(narrowed if narrowed is not None else rotation.scope, client.allowed_scope)
    return Granted(
        scope=granted_scope,
        audience=rotation.audience,
        family_id=token.family_id,
        generation=rotation.generation,
        auth_time=rotation.auth_time,
        nonce=None,
        user=rotation.user,
        with_id_token=client.id_token_on_refresh and scope.OPENID in granted_scope,
    )


def _refused(code: str, reason: str, description: str | None = None) -> OAuthError:
    return OAuthError(
        code, description or "the refresh token is unknown, expired, revoked or used", reason=reason
    )
