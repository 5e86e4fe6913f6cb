"""The token in a mail's link: self-certifying, like a refresh token, and so stored nowhere.

    base64url( version 1 B ‖ id 16 B ‖ HMAC-SHA256 over purpose, tenant and these 32 B )

The id is that of the row which the mail is about. A forged token never reaches the database; who reads the
database cannot make one. That it is used once, and in time, is the row's to say.
"""

import hmac
from typing import Final
from uuid import UUID

from shared.secret import Secret, b64url, from_b64url

_VERSION: Final = b"\x01"
_DOMAIN: Final = b"mtas mail link v1"
_LENGTH: Final = 1 + 16 + 32


class Links:
    """Makes and opens tokens under one key; a link in flight is void when the key changes."""

    def __init__(self, key: Secret) -> None:
        self._key: Final = key

    def token(self, tenant_id: UUID, purpose: str, row_id: UUID) -> str:
        fields = _VERSION + row_id.bytes
        return b64url(fields + self._mac(fields, tenant_id, purpose))

    def open(self, token: str, tenant_id: UUID, purpose: str) -> UUID | None:
        """The row's id, when we made this token for this tenant and purpose; else None."""
        try:
            raw = from_b64url(token)
        except ValueError:
            return None
        if len(raw) != _LENGTH or raw[:1] != _VERSION:
            return None
        fields, mac = raw[:17], raw[17:]
        if not hmac.compare_digest(mac, self._mac(fields, tenant_id, purpose)):
            return None
        return UUID(bytes=fields[1:])

    def _mac(self, fields: bytes, tenant_id: UUID, purpose: str) -> bytes:
        # Every part but the last has a fixed length, so no two inputs read the same.
        message = _DOMAIN + fields + tenant_id.bytes + purpose.encode("ascii")
        return hmac.digest(self._key.reveal().encode("ascii"), message, "sha256")
