"""Sealed cookie values: compact JWE, `dir` and `A256GCM` (RFC 7516 §3.1, §5), in one form only.

A value's protected header is one of the few strings that these keys write; it is compared, never parsed.
So no header can choose an algorithm, and whatever does not open is None, for every cause alike.
"""

from collections.abc import Iterable
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mtas.core.encoding import b64url, from_b64url, json_object, to_json

SESSION: Final = "mtas-session"
TRANSACTION: Final = "mtas-tx"
IV_LENGTH: Final = 12
_TAG_LENGTH: Final = 16
_LONGEST: Final = 5 * 3800


def derive_key(secret: str, typ: str, issuer: str, app_id: str) -> bytes:
    """HKDF-SHA256 (RFC 5869): a key for one kind of cookie of one app."""
    return _hkdf(secret, f"mtas cookie v1|{typ}|{issuer}|{app_id}", 32)


def derive_kid(secret: str) -> str:
    """The name of a secret, which says nothing about it."""
    return b64url(_hkdf(secret, "mtas cookie kid v1", 6))


def _hkdf(secret: str, info: str, length: int) -> bytes:
    return HKDF(SHA256(), length, b"", info.encode()).derive(secret.encode())


class Sealer:
    """Seals with the first secret, opens with all of them, one kind of cookie."""

    def __init__(self, secrets: Iterable[str], typ: str, issuer: str, app_id: str) -> None:
        self._keys: dict[str, AESGCM] = {}
        for secret in secrets:
            header = f'{{"alg":"dir","enc":"A256GCM","kid":"{derive_kid(secret)}","typ":"{typ}"}}'
            key = AESGCM(derive_key(secret, typ, issuer, app_id))
            self._keys.setdefault(b64url(header.encode()), key)
        self._protected = next(iter(self._keys))

    def seal(self, claims: dict[str, Any], iv: bytes) -> str:
        """`iv` is 12 random bytes, never used twice."""
        sealed = self._keys[self._protected].encrypt(iv, to_json(claims).encode(), self._protected.encode())
        ciphertext, tag = b64url(sealed[:-_TAG_LENGTH]), b64url(sealed[-_TAG_LENGTH:])
        return f"{self._protected}..{b64url(iv)}.{ciphertext}.{tag}"

    def open(self, value: str) -> dict[str, Any] | None:
        """The claims, when one of the secrets sealed them; else None, whatever is wrong."""
        parts = value.split(".", 5)
        if len(parts) != 5 or parts[1] or len(value) > _LONGEST:
            return None
        protected, _, iv_text, ciphertext_text, tag_text = parts
        key = self._keys.get(protected)
        if key is None:
            return None
        try:
            iv, tag, ciphertext = from_b64url(iv_text), from_b64url(tag_text), from_b64url(ciphertext_text)
            if len(iv) != IV_LENGTH or len(tag) != _TAG_LENGTH or not ciphertext:
                return None
            return json_object(key.decrypt(iv, ciphertext + tag, protected.encode()))
        except (ValueError, InvalidTag):
            return None
