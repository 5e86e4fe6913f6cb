"""Verify JWTs: access tokens (RFC 9068 §4) and ID tokens (OIDC Core §3.1.3.7), by the advice of RFC 8725.

Our own few lines on `cryptography`: RS256 and ES256, three header members, one text for one token. What a
general library must also support (other algorithms, embedded keys, `crit`, lax base64) is what attacks use.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from mtas.core.encoding import b64url, from_b64url, json_object
from mtas.core.jwks import PublicKey
from mtas.core.user import AccessToken

LARGEST: Final = 8192
_ALGORITHMS: Final = ("RS256", "ES256")
_MEMBERS: Final = frozenset(("alg", "kid", "typ"))


class TokenError(Exception):
    """A token that is not to be believed, in words without any of it."""


class UndecidedError(TokenError):
    """It may be good: nothing in it shows that it is not."""


class NotNowError(UndecidedError):
    """All is well but the time: expired, or not valid yet."""


class KeyUnknownError(UndecidedError):
    """Its key is not among those that we have of the issuer."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token in its parts. Nothing of it holds before `verify`."""

    alg: str
    kid: str
    typ: str | None
    signed: bytes = field(repr=False)
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse(token: str) -> Unverified:
    """The parts of a compact JWS (RFC 7515 §3.1), size and header checked. Raises: TokenError."""
    if len(token) > LARGEST:
        raise TokenError("it is too long")
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise TokenError("it is not a signed JWT")
    try:
        header = json_object(from_b64url(parts[0]))
        payload, signature = from_b64url(parts[1]), from_b64url(parts[2])
    except ValueError:
        raise TokenError("it is not a signed JWT") from None
    if not header.keys() <= _MEMBERS or not all(isinstance(value, str) for value in header.values()):
        raise TokenError("its header has other members than alg, kid and typ")
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in _ALGORITHMS:
        raise TokenError("its alg is neither RS256 nor ES256")
    if not kid:
        raise TokenError("it has no kid")
    return Unverified(
        alg, kid, header.get("typ"), f"{parts[0]}.{parts[1]}".encode("ascii"), payload, signature
    )


def verify(token: Unverified, key: PublicKey | None) -> dict[str, Any]:
    """The claims, once the signature holds. Raises: TokenError."""
    if key is None:
        raise KeyUnknownError("its key is not among the issuer's")
    if not _holds(token, key):
        raise TokenError("its signature does not hold")
    try:
        return json_object(token.payload)
    except ValueError:
        raise TokenError("its claims are not a JSON object") from None


def _holds(token: Unverified, key: PublicKey) -> bool:
    """The key's type decides how it verifies, and must be the algorithm's (RFC 8725 §3.1)."""
    signature = token.signature
    try:
        if token.alg == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, token.signed, padding.PKCS1v15(), SHA256())
            return True
        if token.alg == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == 64:
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            key.verify(encode_dss_signature(r, s), token.signed, ec.ECDSA(SHA256()))
            return True
    except InvalidSignature:
        pass
    return False


@dataclass(frozen=True, slots=True)
class Expected:
    """What every token must fit."""

    issuer: str
    audience: str
    leeway_s: int
    now: float


def check_access_token(token: Unverified, claims: Mapping[str, Any], expected: Expected) -> AccessToken:
    """RFC 9068 §2.2 and §4. Raises: TokenError."""
    if token.typ != "at+jwt":
        raise TokenError("it is not an access token (typ at+jwt)")
    _check_common(claims, expected)
    if not all(isinstance(claims.get(name), str) and claims[name] for name in ("client_id", "jti")):
        raise TokenError("client_id or jti is missing")
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise TokenError("its scope is not text")
    return AccessToken(
        claims["sub"], claims["client_id"], frozenset(scope.split()), int(claims["exp"]), claims
    )


def check_id_token(
    token: Unverified,
    claims: Mapping[str, Any],
    expected: Expected,
    *,
    nonce: str | None,
    access_token: str | None = None,
) -> None:
    """OIDC Core §3.1.3.7; `nonce` None: it comes from a refresh (§12.2). Raises: TokenError."""
    if token.typ not in (None, "JWT"):
        raise TokenError("it is not an ID token")
    _check_common(claims, expected)
    audience, azp = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and azp is None:
        raise TokenError("it has several audiences and no azp")
    if azp is not None and azp != expected.audience:
        raise TokenError("it was issued to another app (azp)")
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise TokenError("its nonce is not this login's")
    if "auth_time" in claims and not _is_time(claims["auth_time"]):
        raise TokenError("its auth_time is not a number")
    if "at_hash" in claims and access_token is not None:
        half = b64url(hashlib.sha256(access_token.encode("ascii", "replace")).digest()[:16])
        if not _same(claims["at_hash"], half):
            raise TokenError("it belongs to another access token (at_hash)")


def _check_common(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenError("it is another issuer's")
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in several) or expected.audience not in several:
        raise TokenError("it is for another audience")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise TokenError("it has no sub")
    exp, iat, nbf = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not _is_time(exp) or not _is_time(iat) or not _is_time(nbf):
        raise TokenError("exp, iat or nbf is missing or not a number")
    if expected.now >= exp + expected.leeway_s:
        raise NotNowError("it has expired")
    if max(iat, nbf) > expected.now + expected.leeway_s:
        raise NotNowError("it is from the future")


def _is_time(value: object) -> TypeGuard[float]:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer that is none elsewhere
        return False


def _same(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())
