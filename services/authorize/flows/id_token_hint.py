"""Whom an `id_token_hint` is about (OpenID Connect Core §3.1.2.1, RP-Initiated Logout 1.0 §2).

It must be an ID token that this tenant signed. It may have expired: it is no proof that anybody
is signed in, only a name for who is meant.
"""

from typing import Final
from uuid import UUID

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from services.authorize.flows.context import Context
from shared.oauth.errors import OAuthError
from shared.oauth.types import Tenant
from shared.secret import from_b64url

MAX_LENGTH: Final = 8192


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str = "JWT"


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: UUID
    aud: str | tuple[str, ...]


class IdTokenHint(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    audience: tuple[str, ...]


async def read_id_token_hint(context: Context, tenant: Tenant, hint: str) -> IdTokenHint:
    """Raises: OAuthError invalid_request unless it is this tenant's own ID token."""
    if len(hint) > MAX_LENGTH:
        raise _refusal("too long")
    try:
        header = msgspec.json.decode(from_b64url(hint.partition(".")[0]), type=_Header)
    except ValueError:  # msgspec's errors are ValueErrors too
        raise _refusal("not a JWT of ours") from None
    if header.typ != "JWT":
        raise _refusal("not an ID token")  # an access token is an `at+jwt` (RFC 9068 §2.1)
    known = await context.public_keys.get(tenant.tenant_id, header.kid)
    if known is None or known.alg != header.alg:
        raise _refusal("signed with a key that is not the tenant's")
    try:
        payload = jws.deserialize_compact(hint, known.key, algorithms=[known.alg]).payload
        claims = msgspec.json.decode(payload, type=_Claims)
    except (JoseError, ValueError):
        raise _refusal("signature or claims are wrong") from None
    if claims.iss != tenant.issuer:
        raise _refusal("of another issuer")
    audience = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    return IdTokenHint(user_id=claims.sub, audience=audience)


def _refusal(reason: str) -> OAuthError:
    return OAuthError("invalid_request", "id_token_hint is not an ID token of this issuer", reason=reason)
