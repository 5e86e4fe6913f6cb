"""Sealing of private keys under a key-encryption key: AES-256-GCM (NIST SP 800-38D).

The one small interface behind which a KMS can stand: `seal` and `open`. It is asynchronous
because a KMS is somewhere else, and may be away.
"""

import base64
from collections.abc import Mapping
from typing import Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.clock import Entropy, random_bytes
from shared.secret import Secret
from shared.unavailable import Unavailable

TRANSIT_PREFIX: Final = "transit:"
"""Of the id of a key-encryption key that is in a KMS (`shared.transit`)."""
_NONCE_LENGTH: Final = 12


class UnsealError(Exception):
    """The sealed key is not what this tenant and kid sealed, or its KEK is not configured."""


class SealerAway(Unavailable):
    """What seals and opens does not answer now; the same call may succeed soon."""


class KeySealer(Protocol):
    """Seals and opens signing keys; tenant and kid are bound in, so that none can be swapped."""

    @property
    def sealing_id(self) -> str:
        """The KEK that `seal` uses: keys under another one are to be sealed anew."""

    async def seal(self, private_key: bytes, tenant_id: UUID, kid: str) -> tuple[str, bytes]:
        """Returns the KEK's id and the sealed bytes. Raises: SealerAway."""

    async def open(self, kek_id: str, sealed: bytes, tenant_id: UUID, kid: str) -> bytes:
        """Raises: UnsealError, SealerAway."""

    async def close(self) -> None:
        """Let go of connections."""


class LocalKeySealer:
    """Key-encryption keys held in the process, by id; the first one seals, all open."""

    def __init__(self, keys: Mapping[str, bytes], entropy: Entropy = random_bytes) -> None:
        if not keys or not all(len(key) == 32 for key in keys.values()):
            raise ValueError("key-encryption keys: 32 bytes each, at least one")
        self._ciphers: Final = {kek_id: AESGCM(key) for kek_id, key in keys.items()}
        self._entropy: Final = entropy
        self._sealing_id: Final = next(iter(self._ciphers))

    @property
    def sealing_id(self) -> str:
        return self._sealing_id

    async def seal(self, private_key: bytes, tenant_id: UUID, kid: str) -> tuple[str, bytes]:
        nonce = self._entropy(_NONCE_LENGTH)
        sealed = self._ciphers[self._sealing_id].encrypt(nonce, private_key, associated_data(tenant_id, kid))
        return self._sealing_id, nonce + sealed

    async def open(self, kek_id: str, sealed: bytes, tenant_id: UUID, kid: str) -> bytes:
        cipher = self._ciphers.get(kek_id)
        if cipher is None:
            raise UnsealError(f"no key-encryption key with id {kek_id}")
        try:
            return cipher.decrypt(
                sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], associated_data(tenant_id, kid)
            )
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise UnsealError(f"the sealed key {kid} does not open") from None

    async def close(self) -> None:
        pass


def parse_keys(setting: Secret) -> dict[str, bytes]:
    """Read `id:base64,id:base64`, keeping order. Raises: ValueError, without the value."""
    keys: dict[str, bytes] = {}
    for part in setting.reveal().split(","):
        key_id, colon, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not (colon and key_id and len(key) == 32) or key_id in keys:
            raise ValueError("keys are written id:base64 of 32 bytes, comma-separated, ids unique")
        keys[key_id] = key
    return keys


def associated_data(tenant_id: UUID, kid: str) -> bytes:
    """What a sealed key is bound to, whoever seals."""
    return b"mtas signing key v1" + tenant_id.bytes + kid.encode("utf-8")
