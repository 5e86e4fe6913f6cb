"""What lies sealed under one installation's keys, opened for the archive, and sealed under the other's."""

from typing import Final
from uuid import UUID

from deploy.move.checks import CREDENTIALS, check_password_hash, check_signing_key
from deploy.move.errors import MoveError
from deploy.move.tables import Row
from shared.clock import Entropy, random_bytes
from shared.keys import KeySealer, SealerAway, UnsealError
from shared.oauth.refresh_token import RefreshTokenKeys

SIGNING_KEYS: Final = "jwks.signing_keys"
MOVED_IN_KEYS: Final = "token.moved_in_keys"
_NONCE_LENGTH: Final = 12


class Keys:
    def __init__(
        self, sealer: KeySealer, refresh_tokens: RefreshTokenKeys, entropy: Entropy = random_bytes
    ) -> None:
        self._sealer: Final = sealer
        self._refresh_tokens: Final = refresh_tokens
        self._entropy: Final = entropy

    async def open(self, table: str, row: Row, tenant_id: UUID) -> Row | None:
        """The row as it goes into the archive; None when it is of no use any more. Raises: MoveError."""
        if table == SIGNING_KEYS and row["sealed_private_key"] is not None:
            sealed = _bytes(row["sealed_private_key"])
            try:
                private = await self._sealer.open(row["kek_id"], sealed, tenant_id, row["kid"])
            except (UnsealError, SealerAway) as error:
                raise MoveError(f"A signing key cannot be opened: {error}") from None
            return row | {"sealed_private_key": _hex(private), "kek_id": "archive"}
        if table == MOVED_IN_KEYS:
            key = self._refresh_tokens.unseal(row["sealed_under"], _bytes(row["sealed_key"]), tenant_id)
            return None if key is None else row | {"sealed_key": _hex(key)}
        return row

    async def seal(self, table: str, row: Row, tenant_id: UUID) -> Row:
        """The row of an archive as it goes into the database. Raises: MoveError."""
        if table == SIGNING_KEYS and row["sealed_private_key"] is not None:
            private = _bytes(row["sealed_private_key"])
            check_signing_key(private, row)
            try:
                kek_id, sealed = await self._sealer.seal(private, tenant_id, row["kid"])
            except SealerAway as error:
                raise MoveError(f"A signing key cannot be sealed: {error}") from None
            return row | {"sealed_private_key": _hex(sealed), "kek_id": kek_id}
        if table == MOVED_IN_KEYS:
            under, sealed = self._refresh_tokens.seal(
                _bytes(row["sealed_key"]), tenant_id, self._entropy(_NONCE_LENGTH)
            )
            return row | {"sealed_key": _hex(sealed), "sealed_under": under}
        if table == CREDENTIALS:
            check_password_hash(row)
        return row

    def of_tenant(self, tenant_id: UUID) -> list[Row]:
        """What its refresh tokens of here verify with: keys of this tenant alone."""
        return [
            {"key_id": key_id, "sealed_key": _hex(key), "sealed_under": 0}
            for key_id, key in self._refresh_tokens.of_tenant(tenant_id)
        ]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("\\x"))


def _hex(content: bytes) -> str:
    return "\\x" + content.hex()
