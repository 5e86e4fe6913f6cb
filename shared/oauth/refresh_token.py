"""The refresh token: self-certifying, so that a forged one never reaches the database.

    mtas_rt_ + base64url( version 1 B ‖ key id 1 B ‖ family id 16 B ‖ generation 4 B ‖ HMAC-SHA256 32 B )

The MAC covers the fields, the tenant and the client, so a token is worth nothing at another
tenant or to another client (RFC 6749 §6, §10.4). A family has one live generation; the
successor of a token is a function of it, so a retry gets the same one.
"""

import hmac
import struct
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from shared.secret import b64url, from_b64url

PREFIX: Final = "mtas_rt_"
_VERSION: Final = 1
_FIELDS: Final = struct.Struct(">BB16sI")
_LENGTH: Final = _FIELDS.size + 32
_DOMAIN: Final = b"mtas refresh token v1"
MAX_GENERATION: Final = 2**31 - 2  # the column is a signed integer and holds the successor


class RefreshToken(msgspec.Struct, frozen=True):
    family_id: UUID
    generation: int


class RefreshTokenKeys:
    """MAC keys by id. The first one signs, all verify."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or not all(0 <= key_id <= 255 and len(key) == 32 for key_id, key in keys.items()):
            raise ValueError("refresh token keys: ids 0 to 255, 32 bytes each, at least one")
        self._keys: Final = dict(keys)
        self._signing_id: Final = next(iter(self._keys))

    def issue(self, token: RefreshToken, tenant_id: UUID, client_id: str) -> str:
        fields = _FIELDS.pack(_VERSION, self._signing_id, token.family_id.bytes, token.generation)
        return PREFIX + b64url(fields + _mac(self._keys[self._signing_id], fields, tenant_id, client_id))

    def open(self, text: str, tenant_id: UUID, client_id: str) -> RefreshToken | None:
        """The token, when we issued it to this client of this tenant; else None."""
        if not text.startswith(PREFIX):
            return None
        try:
            raw = from_b64url(text.removeprefix(PREFIX))
        except ValueError:
            return None
        if len(raw) != _LENGTH:
            return None
        fields, mac = raw[: _FIELDS.size], raw[_FIELDS.size :]
        version, key_id, family_id, generation = _FIELDS.unpack(fields)
        key = self._keys.get(key_id)
        if version != _VERSION or key is None or generation > MAX_GENERATION:
            return None
        if not hmac.compare_digest(mac, _mac(key, fields, tenant_id, client_id)):
            return None
        return RefreshToken(UUID(bytes=family_id), generation)


def _mac(key: bytes, fields: bytes, tenant_id: UUID, client_id: str) -> bytes:
    # Every part but the last has a fixed length, so no two inputs read the same.
    return hmac.digest(key, _DOMAIN + fields + tenant_id.bytes + client_id.encode("utf-8"), "sha256")
