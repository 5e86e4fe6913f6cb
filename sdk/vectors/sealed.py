"""Sealed cookie values, made the plain way: compact JWE (RFC 7516), `dir` and `A256GCM`."""

import base64
import json
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ISSUER: Final = "https://auth.example.com/t/acme"
APP_ID: Final = "acme"
APP_URL: Final = "https://acme.example.com"
NOW: Final = 1_800_000_000
SECRETS: Final = (
    "first-cookie-secret-0123456789abcdefghijkl",
    "second-cookie-secret-9876543210zyxwvutsrqp",
)
FOREIGN_SECRET: Final = "third-cookie-secret-that-is-not-configured"
UNICODE_SECRET: Final = "ein-Schlüssel-aus-Zürich-mit-Umlauten-✓"
SESSION: Final = "mtas-session"
TRANSACTION: Final = "mtas-tx"
LID: Final = "Zm9vYmFyYmF6"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def next_letter(letter: str) -> str:
    """The same two leading bits, another spare bit: decodes alike where decoding is lax."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


def compact(value: Any) -> str:
    """JSON as `JSON.stringify` writes it: no spaces, members in their order, UTF-8 as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def hkdf(secret: str, info: str, length: int) -> bytes:
    return HKDF(SHA256(), length, b"", info.encode()).derive(secret.encode())


def key_of(secret: str, typ: str, issuer: str = ISSUER, app_id: str = APP_ID) -> bytes:
    return hkdf(secret, f"mtas cookie v1|{typ}|{issuer}|{app_id}", 32)


def kid_of(secret: str) -> str:
    return b64(hkdf(secret, "mtas cookie kid v1", 6))


def header_of(secret: str, typ: str) -> str:
    return f'{{"alg":"dir","enc":"A256GCM","kid":"{kid_of(secret)}","typ":"{typ}"}}'


def iv_of(number: int) -> bytes:
    """A fixed 12-byte IV: in real use it is random."""
    return bytes((number + i) % 256 for i in range(12))


def seal(
    plaintext: str | bytes,
    *,
    secret: str = SECRETS[0],
    typ: str = SESSION,
    iv: bytes = iv_of(0),
    header: str | None = None,
    issuer: str = ISSUER,
    app_id: str = APP_ID,
) -> str:
    raw = plaintext.encode() if isinstance(plaintext, str) else plaintext
    protected = b64((header or header_of(secret, typ)).encode())
    ciphertext = AESGCM(key_of(secret, typ, issuer, app_id)).encrypt(iv, raw, protected.encode())
    return f"{protected}..{b64(iv)}.{b64(ciphertext[:-16])}.{b64(ciphertext[-16:])}"


def session_claims(**changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "v": 1,
        "lid": LID,
        "gen": 0,
        "sub": "018f6f2e-7b7a-7c3e-9a55-0d8e6a1b2c3d",
        "user": {"email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"},
        "sid": "c2lkLW9mLWEtZmFtaWx5",
        "auth_time": NOW - 10,
        "at": "header.payload.signature",
        "at_exp": NOW + 600,
        "rt": "mtas_rt_example",
        "idt": "header.payload.id-signature",
        "scope": "openid profile email",
        "iat": NOW,
        "exp": NOW + 2_592_000,
    }
    return without_none(claims | changes)


def transaction_claims(**changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "v": 1,
        "state": "state-0123456789abcdefghijklmnopqrstuvwxyz-",
        "nonce": "nonce-0123456789abcdefghijklmnopqrstuvwxyz-",
        "code_verifier": "verifier-0123456789abcdefghijklmnopqrstuvwxyz",
        "return_to": "/orders?page=2",
        "iat": NOW,
        "exp": NOW + 600,
    }
    return without_none(claims | changes)


def without_none(claims: dict[str, Any]) -> dict[str, Any]:
    """An optional claim that is absent has no member; none is ever `null`."""
    return {name: value for name, value in claims.items() if value is not None}
