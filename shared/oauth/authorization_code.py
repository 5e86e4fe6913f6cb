"""The authorization code (RFC 6749 §4.1.2): 256 random bits, kept in Valkey as a hash.

The id of the family that a code begins is derived from the code, so that inserting the family
is the single-use check, whatever becomes of the key in Valkey.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from shared.clock import Entropy
from shared.secret import Secret, b64url

CODE_LENGTH: Final = 43
_FAMILY_DOMAIN: Final = b"mtas family v1"


class CodeGrant(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a code stands for, as msgpack in Valkey. Fields are only ever added at the end."""

    client_id: str
    redirect_uri: str
    code_challenge: str | None
    scope: tuple[str, ...]
    resource: str | None
    nonce: str | None
    user_id: UUID
    session_id: UUID
    auth_time: datetime
    expires_at: datetime
    issued_at: datetime | None = None  # None: by an instance of the version before


def generate_code(entropy: Entropy) -> Secret:
    return Secret(b64url(entropy(32)))


def code_key(tenant_id: UUID, code: str) -> str:
    """Where Valkey keeps the grant: the code itself is never stored."""
    return f"code:{tenant_id}:{hashlib.sha256(code.encode('utf-8')).hexdigest()}"


def family_id_of(tenant_id: UUID, code: str) -> UUID:
    """The family that this code begins: 16 bytes, of this tenant alone."""
    digest = hmac.digest(code.encode("utf-8"), _FAMILY_DOMAIN + tenant_id.bytes, "sha256")
    return UUID(bytes=digest[:16])


encode_grant = msgspec.msgpack.Encoder().encode
decode_grant = msgspec.msgpack.Decoder(CodeGrant).decode
