"""Redeem an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).

Inserting the family is the single-use check: its id is derived from the code. Whatever is
wrong with the request of an authenticated client burns the code as well, by a family that is
born revoked, so that nobody can go on guessing.
"""

import hmac
from datetime import datetime, timedelta
from typing import Final

from services.token import store
from services.token.flows.context import Context
from services.token.flows.minting import Granted
from shared.oauth import pkce, scope
from shared.oauth.authorization_code import CODE_LENGTH, CodeGrant, family_id_of
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, GrantType, Tenant
from shared.observations import Kind
from shared.readings import Count

LONGEST_CODE_TTL_S: Final = 300

_REFUSALS: Final = {
    "other_client": "the code is unknown, expired or used",
    "expired": "the code is unknown, expired or used",
    "redirect_uri": "redirect_uri is not the one of the authorization request",
    "code_challenge": "the authorization request had no code_challenge, which is required by now",
    "code_verifier": "code_verifier does not fit the code_challenge",
    "resource": "resource is not the one of the authorization request, or not the client's any more",
}

_OBSERVED: Final[dict[str, Kind]] = {
    "expired": "code_expired",
    "redirect_uri": "code_redirect_uri",
    "code_challenge": "pkce",
    "code_verifier": "code_verifier",
}

_PRESENTED: Final = Count("mtas_codes", "Authorization codes presented, by what they were", "outcome")


async def redeem(context: Context, tenant: Tenant, client: Client, params: Params) -> Granted:
    """Raises: OAuthError invalid_grant when the code is unknown, expired, used, another
    client's, or its redirect_uri or verifier does not match."""
    code = params.require("code")
    redirect_uri = params.require("redirect_uri")
    now = context.clock()
    grant = await _find(context, tenant, client, code, now)
    granted_scope = scope.left_of(grant.scope, client.allowed_scope)
    refusal = _refusal(grant, client, redirect_uri, params, now)
    family = _family_of(grant, granted_scope, tenant, client, code, now, refusal)
    outcome, user = await context.decisions.redeem(tenant, family, now)
    # Only now: had the database been away, the code would still be there for a retry. That it is
    # used once is the database's word, not Valkey's, so Valkey may be away by now.
    context.codes.forget(tenant.tenant_id, code)
    _PRESENTED(refusal or outcome)
    if user is None:
        context.relay.nudge()
        context.observations.note(
            tenant.tenant_id, client.client_id, _OBSERVED.get(refusal or "", "code_unknown"), now
        )
        raise OAuthError(
            "invalid_grant",
            _REFUSALS.get(refusal or "", "the code is unknown, expired or used"),
            reason=refusal or f"code {outcome}",
        )
    context.observations.note(tenant.tenant_id, client.client_id, "code_redeemed", now)
    return Granted(
        scope=granted_scope,
        audience=family.audience,
        family_id=family.family_id,
        generation=0 if family.refreshable else None,
        auth_time=grant.auth_time,
        nonce=grant.nonce,
        user=user,
        with_id_token=scope.OPENID in granted_scope,
    )


async def _find(context: Context, tenant: Tenant, client: Client, code: str, now: datetime) -> CodeGrant:
    """The grant behind the code. A code whose grant is gone may be a replay: revoke what came of it."""
    if len(code) != CODE_LENGTH or not code.isascii():
        raise OAuthError("invalid_grant", "the code is unknown, expired or used", reason="malformed code")
    grant = await context.codes.find(tenant.tenant_id, code)
    if grant is not None:
        return grant
    async with context.database.decision() as connection:
        replayed = await store.revoke_family(
            connection, tenant.tenant_id, family_id_of(tenant.tenant_id, code), None, "code_reused", now
        )
    _PRESENTED("reused" if replayed else "unknown")
    context.relay.nudge()
    context.observations.note(tenant.tenant_id, client.client_id, "code_unknown", now)
    raise OAuthError(
        "invalid_grant",
        "the code is unknown, expired or used",
        reason="code reused, family revoked" if replayed else "unknown code",
    )


def _refusal(
    grant: CodeGrant, client: Client, redirect_uri: str, params: Params, now: datetime
) -> str | None:
    if grant.client_id != client.client_id:
        return "other_client"
    if grant.expires_at <= now:
        return "expired"
    if not hmac.compare_digest(grant.redirect_uri.encode(), redirect_uri.encode()):
        return "redirect_uri"
    if grant.code_challenge is None and client.needs_pkce:
        return "code_challenge"  # it was exempt when it asked
    if not pkce.verify(grant.code_challenge, params.get("code_verifier")):
        return "code_verifier"
    if params.get("resource") not in (None, grant.resource):
        return "resource"
    if grant.resource is not None and grant.resource not in client.resources:
        return "resource"  # withdrawn since
    return None


def _family_of(
    grant: CodeGrant,
    granted_scope: tuple[str, ...],
    tenant: Tenant,
    client: Client,
    code: str,
    now: datetime,
    refusal: str | None,
) -> store.NewFamily:
    offline = scope.OFFLINE_ACCESS in granted_scope
    refreshable = GrantType.REFRESH_TOKEN in client.grant_types and (offline or client.refresh_by_default)
    # Without a refresh token the row serves revocation: as long as an access token lives, and
    # never shorter than a code could.
    lifetime_s = (
        tenant.refresh_absolute_ttl_s if refreshable else max(tenant.access_token_ttl_s, LONGEST_CODE_TTL_S)
    )
    return store.NewFamily(
        family_id=family_id_of(tenant.tenant_id, code),
        client_id=grant.client_id,
        user_id=grant.user_id,
        session_id=grant.session_id,
        scope=granted_scope,
        audience=grant.resource or tenant.slug,
        auth_time=grant.auth_time,
        refreshable=refreshable,
        offline=offline,
        idle_expires_at=now + timedelta(seconds=min(lifetime_s, tenant.refresh_idle_ttl_s)),
        absolute_expires_at=now + timedelta(seconds=lifetime_s),
        refusal=refusal,
        code_issued_at=grant.issued_at,
    )
