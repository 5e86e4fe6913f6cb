"""Client secrets, API tokens, invitations, password links: `mtas_cs_…`, `_at_…`, `_iv_…`, `_pl_…`.

256 random bits in base64url, then six characters of checksum, so that a secret scanner can
tell a real one from a look-alike without asking us. Stored as SHA-256: the entropy is in the
secret, so a slow hash would only slow the hot path.
"""

import hashlib
import hmac
import zlib
from typing import Final

from shared.clock import Entropy
from shared.secret import Secret, b64url

CLIENT_SECRET_PREFIX: Final = "mtas_cs_"
API_TOKEN_PREFIX: Final = "mtas_at_"
INVITATION_PREFIX: Final = "mtas_iv_"
PASSWORD_LINK_PREFIX: Final = "mtas_pl_"
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def generate(prefix: str, entropy: Entropy) -> Secret:
    body = prefix + b64url(entropy(32))
    return Secret(body + _checksum(body))


def is_well_formed(secret: str, prefix: str) -> bool:
    """Prefix, length and checksum fit; says nothing about whether it was ever issued."""
    body, checksum = secret[:-6], secret[-6:]
    return len(secret) == len(prefix) + 49 and body.startswith(prefix) and checksum == _checksum(body)


def hash_secret(secret: str) -> bytes:
    """What is stored: 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def matches(presented: bytes, stored: bytes) -> bool:
    """Are these the same hash? In constant time."""
    return hmac.compare_digest(presented, stored)


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii", "replace"))
    digits = []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
