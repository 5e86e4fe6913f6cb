"""Verify one of our own access tokens (RFC 9068 §4): for introspection, userinfo and revocation."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from services.token.flows.context import Context
from shared.oauth.types import Tenant
from shared.secret import from_b64url

MAX_LENGTH: Final = 8192
_ALGORITHMS: Final = ["RS256", "ES256"]


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly the header that we write, looked at before anything else reads it (RFC 8725 §3.1).

    An ID token has another typ, and must not pass for an access token (RFC 9068 §5); `crit`, `jwk`,
    `jku`, `zip` and the like have no place here at all.
    """

    typ: Literal["at+jwt"]
    alg: Literal["RS256", "ES256"]
    kid: str


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """The claims that we put in (RFC 9068 §2.2)."""

    iss: str
    aud: str
    sub: str
    client_id: str
    jti: str
    iat: int
    exp: int
    scope: str = ""
    sid: str | None = None
    auth_time: int | None = None

    def __post_init__(self) -> None:
        _ = self.family_id  # a sid that names no family fails here, with the other claims

    @property
    def family_id(self) -> UUID | None:
        return UUID(bytes=from_b64url(self.sid)) if self.sid is not None else None


async def issued_to_live_client(context: Context, tenant: Tenant, claims: AccessToken) -> bool:
    """A disabled client's tokens are worth nothing where we are asked."""
    registered = await context.clients.get(tenant.tenant_id, claims.client_id)
    return registered is not None and registered.client.disabled_at is None


async def verify(context: Context, tenant: Tenant, token: str, now: datetime) -> AccessToken | None:
    """The claims, when this tenant signed the token as an access token and it has not expired."""
    if len(token) > MAX_LENGTH or token.count(".") != 2:
        return None
    keys = await context.signing_keys.public(tenant.tenant_id)
    if keys is None:
        return None
    try:
        msgspec.json.decode(from_b64url(token.partition(".")[0]), type=_Header)
        signed = jws.deserialize_compact(token, keys, algorithms=_ALGORITHMS)
        claims = msgspec.json.decode(signed.payload, type=AccessToken)
    except (JoseError, ValueError, msgspec.MsgspecError):
        return None
    if claims.iss != tenant.issuer or claims.exp <= now.timestamp():
        return None
    return claims
