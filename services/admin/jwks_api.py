"""The jwks service's internal API, for what only it may write: signing keys."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.admin.internal_api import InternalApi


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    emergency: bool
    reason: str | None
    actor: str


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """The next key, or after an emergency the one that signs; and the kids that were withdrawn."""

    kid: str
    alg: str
    state: str
    activates_at: datetime
    withdrawn: tuple[str, ...]


class JwksApi:
    """Raises: Unavailable when jwks is away."""

    def __init__(self, api: InternalApi) -> None:
        self._api: Final = api

    async def rotate(self, tenant_id: UUID, rotation: Rotation) -> Rotated:
        """Raises: InternalRefused (404), Unavailable."""
        path = f"/internal/tenants/{tenant_id}/signing-keys/rotate"
        return msgspec.json.decode(await self._api.post(path, msgspec.json.encode(rotation)), type=Rotated)

    async def close(self) -> None:
        await self._api.close()
