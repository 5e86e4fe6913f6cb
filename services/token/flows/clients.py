"""Clients, each with the hashes of its secrets: read in one round trip, cached, forgotten on events."""

import math
from collections.abc import Callable
from uuid import UUID

from services.token import store
from shared.cache import RecordCache
from shared.db import Database
from shared.directory import is_id


class Clients:
    """A disabled client is found, with `disabled_at` set: the flows decide."""

    def __init__(self, database: Database, *, ttl_s: float | Callable[[], float], size: int = 20_000) -> None:
        self._database = database
        self._records: RecordCache[tuple[UUID, str], store.RegisteredClient] = RecordCache(
            self._load, name="clients", ttl_s=ttl_s, size=size
        )

    async def get(
        self, tenant_id: UUID, client_id: str, *, max_age_s: float = math.inf
    ) -> store.RegisteredClient | None:
        """As it was at most `max_age_s` ago, or the cache's TTL where that is less."""
        if not is_id(client_id):
            return None
        return await self._records.get((tenant_id, client_id), max_age_s=max_age_s)

    def forget(self, tenant_id: UUID | None) -> None:
        """What is cached of one tenant, or (None) everything."""
        self._records.forget_where(lambda key: tenant_id in (None, key[0]))

    async def _load(self, of: tuple[UUID, str]) -> store.RegisteredClient | None:
        async with self._database.connection() as connection:
            loaded = await store.get_client(connection, *of)
        former = self._records.peek(of)
        if loaded and former:  # whose use was noted a moment ago
            noted = {secret.secret_hash: secret.noted_at for secret in former.secrets}
            for secret in loaded.secrets:
                secret.noted_at = noted.get(secret.secret_hash)
        return loaded
