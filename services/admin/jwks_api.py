"""The jwks service's internal API, for what only it may write: signing keys."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from services.admin.internal_api import InternalApi
from shared.events.catalog import Cause
from shared.secret import Secret


class Rotation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`wait_observed` None: as the app has it."""

    emergency: bool
    reason: Cause | None
    actor: str
    wait_observed: bool | None = None


class Import(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pem: Secret
    actor: str
    wait_observed: bool | None = None


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """The next key, or after an emergency the one that signs; and the kids that were withdrawn."""

    kid: str
    alg: str
    rsa_bits: int | None = None
    state: str
    activates_at: datetime
    activates_by: datetime | None = None
    withdrawn: tuple[str, ...] = ()


class KeySchedule(msgspec.Struct, frozen=True, kw_only=True):
    """How long a key signs, how long it is published before, and how long it waits beyond; seconds."""

    rotation_s: int
    lead_s: int
    wait_s: int


class JwksApi:
    """Raises: Unavailable when jwks is away."""

    def __init__(self, api: InternalApi) -> None:
        self._api: Final = api

    async def rotate(self, tenant_id: UUID, rotation: Rotation) -> Rotated:
        """Raises: InternalRefused (404), Unavailable."""
        return await self._post(tenant_id, "rotate", rotation)

    async def import_key(self, tenant_id: UUID, key: Import) -> Rotated:
        """Raises: InternalRefused (404; 409 in use; 422 not sound, by field), Unavailable."""
        return await self._post(tenant_id, "import", key)

    async def schedule(self) -> KeySchedule:
        """Raises: Unavailable."""
        return msgspec.json.decode(await self._api.get("/internal/key-schedule"), type=KeySchedule)

    async def close(self) -> None:
        await self._api.close()

    async def _post(self, tenant_id: UUID, what: str, body: msgspec.Struct) -> Rotated:
        path = f"/internal/tenants/{tenant_id}/signing-keys/{what}"
        answer = await self._api.post(path, msgspec.json.encode(body, enc_hook=_reveal))
        return msgspec.json.decode(answer, type=Rotated)


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError
