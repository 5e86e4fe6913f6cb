"""A tenant's public keys by `kid`, cached; forgotten on `signing_key` events."""

from types import MappingProxyType
from typing import NamedTuple, TypeAlias
from uuid import UUID

from joserfc.jwk import Key, import_key

from services.authorize import store
from shared.cache import RecordCache
from shared.db import Database


class PublicKey(NamedTuple):
    alg: str
    key: Key


_Keys: TypeAlias = MappingProxyType[str, PublicKey]


class PublicKeys:
    def __init__(self, database: Database, *, ttl_s: float, size: int = 20_000) -> None:
        self._database = database
        self._keys: RecordCache[UUID, _Keys] = RecordCache(
            self._load, name="public_keys", ttl_s=ttl_s, size=size
        )

    async def get(self, tenant_id: UUID, kid: str) -> PublicKey | None:
        keys = await self._keys.get(tenant_id)
        return keys.get(kid) if keys is not None else None

    def forget(self, tenant_id: UUID | None) -> None:
        """Forget one tenant's keys, or all."""
        self._keys.forget_where(lambda key: tenant_id in (None, key))

    async def _load(self, tenant_id: UUID) -> _Keys | None:
        async with self._database.tenant(tenant_id) as connection:
            rows = await store.list_public_keys(connection, tenant_id)
        keys = {row.kid: PublicKey(row.alg, import_key(row.public_jwk)) for row in rows}
        return MappingProxyType(keys) if keys else None
