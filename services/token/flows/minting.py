"""Mint what a grant decided: access token (RFC 9068), ID token (OIDC Core §2), refresh token."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.token.flows.claims import claims_of
from services.token.flows.context import Context
from services.token.flows.signing_keys import SigningKey
from services.token.store import User
from shared.oauth import scope
from shared.oauth.refresh_token import RefreshToken
from shared.oauth.types import Client, Tenant
from shared.secret import b64url


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A grant's decision. Without a user it is the client's own (client_credentials)."""

    scope: tuple[str, ...]
    audience: str
    family_id: UUID | None
    generation: int | None  # of the refresh token to issue; None: none
    auth_time: datetime | None
    nonce: str | None
    user: User | None
    with_id_token: bool


class TokenResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str = ""
    refresh_token: str | None = None
    id_token: str | None = None


def mint(
    context: Context, tenant: Tenant, client: Client, granted: Granted, key: SigningKey
) -> TokenResponse:
    """Sign the tokens of one answer, all with one key and time. No I/O: nothing here can fail late."""
    now = int(context.clock().timestamp())
    shared_claims: dict[str, Any] = {"iss": tenant.issuer, "iat": now}
    if granted.family_id is not None and granted.auth_time is not None:
        shared_claims["sid"] = b64url(granted.family_id.bytes)
        shared_claims["auth_time"] = int(granted.auth_time.timestamp())
    access_token = key.sign(
        "at+jwt",
        {
            **shared_claims,
            "exp": now + tenant.access_token_ttl_s,
            "aud": granted.audience,
            "sub": str(granted.user.user_id) if granted.user else client.client_id,
            "client_id": client.client_id,
            "jti": b64url(context.entropy(16)),
            "scope": scope.render(granted.scope),
        },
    )
    id_token = None
    if granted.with_id_token and granted.user is not None:
        id_token = key.sign(
            "JWT",
            {
                **shared_claims,
                **claims_of(granted.user, granted.scope),
                "exp": now + tenant.id_token_ttl_s,
                "aud": client.client_id,
                "at_hash": _half_hash(access_token),
                **({"nonce": granted.nonce} if granted.nonce is not None else {}),
            },
        )
    return TokenResponse(
        access_token=access_token,
        token_type="Bearer",
        expires_in=tenant.access_token_ttl_s,
        scope=scope.render(granted.scope),
        refresh_token=_refresh_token(context, client, granted),
        id_token=id_token,
    )


def _refresh_token(context: Context, client: Client, granted: Granted) -> str | None:
    if granted.family_id is None or granted.generation is None:
        return None
    token = RefreshToken(granted.family_id, granted.generation)
    return context.refresh_tokens.issue(token, client)


def _half_hash(access_token: str) -> str:
    """`at_hash` (OIDC Core §3.1.3.6); both our algorithms use SHA-256."""
    return b64url(hashlib.sha256(access_token.encode("ascii")).digest()[:16])
