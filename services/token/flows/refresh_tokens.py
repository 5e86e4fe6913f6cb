"""Open a refresh token: issued here, or where its tenant has moved in from.

A tenant that moved in brought the keys of its own refresh tokens along (docs/adr/0016-a-tenant-moves.md).
They only verify; what is issued here has a MAC of ours. Cached like everything that seldom changes, so
that a forged token still does not reach the database.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog

from services.token import store
from shared.cache import RecordCache
from shared.clock import Clock
from shared.db import Database
from shared.oauth.refresh_token import PREFIX, RefreshToken, RefreshTokenKeys, open_token
from shared.oauth.types import Client

log = structlog.get_logger()


class RefreshTokens:
    """Issues with our first key; opens with any of ours, then with any that the tenant brought along."""

    def __init__(
        self,
        database: Database,
        keys: RefreshTokenKeys,
        clock: Clock,
        *,
        ttl_s: float | Callable[[], float],
        size: int = 20_000,
    ) -> None:
        self._database: Final = database
        self._keys: Final = keys
        self._clock: Final = clock
        self._moved_in: RecordCache[UUID, tuple[tuple[int, bytes], ...]] = RecordCache(
            self._load, name="moved_in_keys", ttl_s=ttl_s, size=size
        )

    def issue(self, token: RefreshToken, client: Client) -> str:
        return self._keys.issue(token, client.tenant_id, client.client_id)

    async def open(self, text: str, client: Client) -> RefreshToken | None:
        """The token, when it was issued to this client; else None."""
        opened = self._keys.open(text, client.tenant_id, client.client_id)
        if opened is not None or not text.startswith(PREFIX):
            return opened
        return open_token(text, client.client_id, await self._moved_in.get(client.tenant_id) or ())

    async def _load(self, tenant_id: UUID) -> tuple[tuple[int, bytes], ...]:
        async with self._database.tenant(tenant_id) as connection:
            rows = await store.list_moved_in_keys(connection, tenant_id, self._clock())
        keys = []
        for row in rows:
            key = self._keys.unseal(row.sealed_under, row.sealed_key, tenant_id)
            if key is None:
                log.error("a refresh token key that moved in does not open", tenant_id=str(tenant_id))
            else:
                keys.append((row.key_id, key))
        return tuple(keys)
