"""The refresh token: self-certifying, so that a forged one never reaches the database.

    mtas_rt_ + base64url( version 1 B ‖ key id 1 B ‖ family id 16 B ‖ generation 4 B ‖ HMAC-SHA256 32 B )

The MAC covers the fields and the client, under a key that is derived for the tenant, so a token
is worth nothing at another tenant or to another client (RFC 6749 §6, §10.4). A family has one live
generation; the successor of a token is a function of it, so a retry gets the same one.

That each tenant has a key of its own lets it move: what leaves with it speaks for no other tenant
(docs/adr/0016-a-tenant-moves.md).
"""

import functools
import hmac
import struct
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.keys import parse_keys
from shared.secret import Secret, b64url, from_b64url

PREFIX: Final = "mtas_rt_"
_VERSION: Final = 1
_FIELDS: Final = struct.Struct(">BB16sI")
_LENGTH: Final = _FIELDS.size + 32
_DOMAIN: Final = b"mtas refresh token v1"
_OF_TENANT: Final = b"mtas refresh tokens of a tenant v1"
_SEALS: Final = b"mtas refresh token keys that moved in v1"
_NONCE_LENGTH: Final = 12
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

    @classmethod
    def parse(cls, setting: Secret) -> "RefreshTokenKeys":
        """Read MTAS_REFRESH_TOKEN_KEYS. Raises: ValueError, without the value."""
        return cls({int(key_id): key for key_id, key in parse_keys(setting).items()})

    def issue(self, token: RefreshToken, tenant_id: UUID, client_id: str) -> str:
        fields = _FIELDS.pack(_VERSION, self._signing_id, token.family_id.bytes, token.generation)
        key = _tenant_key(self._keys[self._signing_id], tenant_id)
        return PREFIX + b64url(fields + _mac(key, fields, client_id))

    def open(self, text: str, tenant_id: UUID, client_id: str) -> RefreshToken | None:
        """The token, when we issued it to this client of this tenant; else None."""
        return open_token(text, client_id, self.of_tenant(tenant_id))

    def of_tenant(self, tenant_id: UUID) -> tuple[tuple[int, bytes], ...]:
        """The tenant's own keys: they verify its tokens, and no other's."""
        return tuple((key_id, _tenant_key(key, tenant_id)) for key_id, key in self._keys.items())

    def seal(self, moved_in: bytes, tenant_id: UUID, nonce: bytes) -> tuple[int, bytes]:
        """A key that a tenant brought along, for the database, and under which of ours it lies.

        Ours outlive the longest refresh lifetime, and so what they seal: it never has to be sealed anew.
        """
        cipher = AESGCM(hmac.digest(self._keys[self._signing_id], _SEALS, "sha256"))
        return self._signing_id, nonce + cipher.encrypt(nonce, moved_in, tenant_id.bytes)

    def unseal(self, key_id: int, sealed: bytes, tenant_id: UUID) -> bytes | None:
        """None when our key is gone, or it is not what was sealed for this tenant."""
        key = self._keys.get(key_id)
        if key is None:
            return None
        try:
            cipher = AESGCM(hmac.digest(key, _SEALS, "sha256"))
            return cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], tenant_id.bytes)
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            return None


def open_token(text: str, client_id: str, keys: Iterable[tuple[int, bytes]]) -> RefreshToken | None:
    """The token, when its MAC is by one of these keys of its tenant; else None. Ids may repeat."""
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
    if version != _VERSION or generation > MAX_GENERATION:
        return None
    if not any(
        known_id == key_id and hmac.compare_digest(mac, _mac(key, fields, client_id))
        for known_id, key in keys
    ):
        return None
    return RefreshToken(UUID(bytes=family_id), generation)


@functools.lru_cache(maxsize=1024)  # each refresh opens a token and issues one
def _tenant_key(key: bytes, tenant_id: UUID) -> bytes:
    return hmac.digest(key, _OF_TENANT + tenant_id.bytes, "sha256")


def _mac(key: bytes, fields: bytes, client_id: str) -> bytes:
    # Every part but the last has a fixed length, so no two inputs read the same.
    return hmac.digest(key, _DOMAIN + fields + client_id.encode("utf-8"), "sha256")
