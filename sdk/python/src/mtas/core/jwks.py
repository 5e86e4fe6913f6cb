"""A key set as the server publishes it (RFC 7517): only what may verify a signature is taken."""

from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mtas.core.encoding import from_b64url

ALGORITHM_OF: Final = {"RSA": "RS256", "EC": "ES256"}
_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_MOST_KEYS: Final = 100
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class KeySet:
    keys: dict[tuple[str, str], PublicKey] = field(default_factory=dict)
    """By kid and key type; of two alike the first counts."""

    def find(self, kid: str, alg: str) -> PublicKey | None:
        kty = "RSA" if alg == "RS256" else "EC"
        return self.keys.get((kid, kty))


def read_key_set(document: object) -> KeySet:
    """Raises: ValueError when it is no key set; a key that cannot be used is passed over."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a JWK set")  # noqa: TRY004 - what a server sends is a value, not a type
    keys: dict[tuple[str, str], PublicKey] = {}
    for jwk in listed[:_MOST_KEYS]:
        if isinstance(jwk, dict) and (key := _read_key(jwk)) is not None:
            keys.setdefault((jwk["kid"], jwk["kty"]), key)
    return KeySet(keys)


def _read_key(jwk: dict[str, Any]) -> PublicKey | None:
    kid, kty = jwk.get("kid"), jwk.get("kty")
    if not isinstance(kid, str) or not kid or kty not in ALGORITHM_OF or not _PRIVATE.isdisjoint(jwk):
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHM_OF[kty]) != ALGORITHM_OF[kty]:
        return None
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        return _rsa(jwk) if kty == "RSA" else _ec(jwk)
    except (KeyError, TypeError, ValueError, AttributeError, UnsupportedAlgorithm):
        return None


def _rsa(jwk: dict[str, Any]) -> rsa.RSAPublicKey | None:
    n, e = _integer(jwk["n"]), _integer(jwk["e"])
    if not 2048 <= n.bit_length() <= 8192:
        return None
    return rsa.RSAPublicNumbers(e, n).public_key()


def _ec(jwk: dict[str, Any]) -> ec.EllipticCurvePublicKey | None:
    if jwk["crv"] != "P-256" or len(from_b64url(jwk["x"])) != 32 or len(from_b64url(jwk["y"])) != 32:
        return None
    return ec.EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), ec.SECP256R1()).public_key()


def _integer(text: str) -> int:
    return int.from_bytes(from_b64url(text), "big")
