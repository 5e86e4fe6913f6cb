"""Verify one of our own access tokens (RFC 9068 §4): for introspection, userinfo and revocation."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from services.token.flows.context import Context
from shared.oauth.types import Tenant
from shared.secret import from_b64url

MAX_LENGTH: Final = 8192
_ALGORITHMS: Final = ["RS256", "ES256"]


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


async def verify(context: Context, tenant: Tenant, token: str, now: datetime) -> AccessToken | None:
    """The claims, when this tenant signed the token as an access token and it has not expired."""
    if len(token) > MAX_LENGTH or token.count(".") != 2:
        return None
    keys = await context.signing_keys.public(tenant.tenant_id)
    if keys is None:
        return None
    try:
        signed = jws.deserialize_compact(token, keys, algorithms=_ALGORITHMS)
        header: dict[str, Any] = dict(signed.headers())
        claims = msgspec.json.decode(signed.payload, type=AccessToken)
    except (JoseError, ValueError, msgspec.MsgspecError):
        return None
    # An ID token has another typ, and must not pass for an access token (RFC 9068 §5).
    if header.get("typ") != "at+jwt" or header.keys() - {"typ", "alg", "kid"}:
        return None
    if claims.iss != tenant.issuer or claims.exp <= now.timestamp():
        return None
    return claims
