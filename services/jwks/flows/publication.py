"""Publish a tenant's public keys (RFC 7517 §5).

Served from memory, and, while the database is away, from what was last read: verifiers must
not fail because we do.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec

from services.jwks import store
from shared.cache import RecordCache
from shared.db import UNAVAILABLE, Database

# The public members of RSA and EC keys (RFC 7518 §6.2.1, §6.3.1). Anything else stays inside.
_PUBLIC_MEMBERS: Final = frozenset({"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"})


class Jwks(msgspec.Struct, frozen=True):
    """The document as it goes over the wire, its entity tag, and what is in it."""

    body: bytes
    etag: str
    kids: tuple[str, ...] = ()
    algs: frozenset[str] = frozenset()


class PublishedKeys:
    """`stale_s`: how much longer a document may serve while the database is away; less than the time
    that a key is published before it signs."""

    def __init__(
        self, database: Database, *, ttl_s: float | Callable[[], float], stale_s: float, size: int = 20_000
    ) -> None:
        self._database = database
        self._documents: RecordCache[UUID, Jwks] = RecordCache(
            self._load, name="published_keys", ttl_s=ttl_s, size=size, stale_on_error_s=stale_s
        )

    async def document(self, tenant_id: UUID) -> Jwks | None:
        """None while the tenant has no key."""
        return await self._documents.get(tenant_id)

    async def algs(self, tenant_id: UUID) -> frozenset[str]:
        """What the published keys are for; none while we cannot tell."""
        try:
            document = await self.document(tenant_id)
        except UNAVAILABLE:
            return frozenset()
        return document.algs if document is not None else frozenset()

    def forget(self, tenant_id: UUID | None) -> None:
        self._documents.forget_where(lambda key: tenant_id in (None, key))

    async def _load(self, tenant_id: UUID) -> Jwks | None:
        async with self._database.connection() as connection:
            keys = await store.list_public_keys(connection, tenant_id)
        return render(keys) if keys else None


def render(keys: tuple[dict[str, Any], ...]) -> Jwks:
    body = msgspec.json.encode(
        {"keys": [{name: value for name, value in key.items() if name in _PUBLIC_MEMBERS} for key in keys]}
    )
    return Jwks(
        body,
        f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        kids=tuple(key["kid"] for key in keys if "kid" in key),
        algs=frozenset(key["alg"] for key in keys if "alg" in key),
    )
