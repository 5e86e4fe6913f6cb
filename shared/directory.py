"""The directory of tenants and clients: read by every service, cached, forgotten on events.

A change reaches every process within a second through the events that admin publishes, and
within the caches' TTL when NATS is away.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from shared.cache import RecordCache
from shared.db import Connection, Database
from shared.oauth.types import Client, Tenant
from shared.queries import load_queries

# What the database lets an id be.
_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,62}[a-z0-9]")
_SQL = load_queries(__file__, "directory.sql")
_MOSTLY_THE_SAME: Final = frozenset(
    {
        *(field for field in Tenant.__struct_fields__ if field.endswith("_ttl_s")),
        *("signing_alg", "grant_types", "allowed_scope", "resources"),
    }
)
R = TypeVar("R", Tenant, Client)
T = TypeVar("T")


async def get_tenant_by_slug(connection: Connection, slug: str) -> Tenant | None:
    row = await connection.fetchrow(_SQL["get_tenant_by_slug"], slug)
    return _sharing(msgspec.convert(dict(row), Tenant)) if row else None


async def get_client(connection: Connection, tenant_id: UUID, client_id: str) -> Client | None:
    row = await connection.fetchrow(_SQL["get_client"], tenant_id, client_id)
    return client_of(row, tenant_id, client_id) if row else None


def client_of(row: Mapping[str, object], tenant_id: UUID, client_id: str) -> Client:
    """From a row of `admin.clients`; what else the row has is left out."""
    return _sharing(msgspec.convert({**row, "tenant_id": tenant_id, "client_id": client_id}, Client))


def is_id(text: str) -> bool:
    """Can it be a slug or a client's id? What cannot be is unknown without asking, and crowds out nothing."""
    return _ID.fullmatch(text) is not None


def _sharing(record: R) -> R:
    """The same record; what thousands of others have too is in memory once: half of a client."""
    for field in _MOSTLY_THE_SAME.intersection(record.__struct_fields__):
        msgspec.structs.force_setattr(record, field, _one(getattr(record, field)))
    return record


@functools.lru_cache(maxsize=1024, typed=True)
def _one(value: T) -> T:
    return value


async def list_frontend_origins(connection: Connection, tenant_id: UUID) -> frozenset[str]:
    return frozenset(
        row["origin"] for row in await connection.fetch(_SQL["list_frontend_origins"], tenant_id)
    )


class Directory:
    """Cached look-ups. A disabled tenant or client is found, with `disabled_at` set: the flows decide."""

    def __init__(
        self,
        database: Database,
        *,
        ttl_s: float | Callable[[], float],
        stale_on_error_s: float = 0.0,
        size: int = 20_000,
    ) -> None:
        self._database = database
        self._tenants: RecordCache[str, Tenant] = RecordCache(
            self._load_tenant,
            name="tenants",
            ttl_s=ttl_s,
            size=size,
            stale_on_error_s=stale_on_error_s,
        )
        self._clients: RecordCache[tuple[UUID, str], Client] = RecordCache(
            self._load_client,
            name="clients",
            ttl_s=ttl_s,
            size=size,
            stale_on_error_s=stale_on_error_s,
        )
        self._origins: RecordCache[UUID, frozenset[str]] = RecordCache(
            self._load_origins,
            name="origins",
            ttl_s=ttl_s,
            size=size,
            stale_on_error_s=stale_on_error_s,
        )

    async def tenant_by_slug(self, slug: str) -> Tenant | None:
        return await self._tenants.get(slug) if is_id(slug) else None

    async def client(self, tenant_id: UUID, client_id: str) -> Client | None:
        return await self._clients.get((tenant_id, client_id)) if is_id(client_id) else None

    async def frontend_origins(self, tenant_id: UUID) -> frozenset[str]:
        """Every origin that some live client of the tenant has registered."""
        return await self._origins.get(tenant_id) or frozenset()

    def forget_tenant(self, slug: str) -> None:
        self._tenants.forget(slug)

    def forget_clients(self, tenant_id: UUID) -> None:
        self._clients.forget_where(lambda key: key[0] == tenant_id)
        self._origins.forget(tenant_id)

    def clear(self) -> None:
        self._tenants.clear()
        self._clients.clear()
        self._origins.clear()

    async def _load_tenant(self, slug: str) -> Tenant | None:
        async with self._database.connection() as connection:
            return await get_tenant_by_slug(connection, slug)

    async def _load_client(self, key: tuple[UUID, str]) -> Client | None:
        async with self._database.connection() as connection:
            return await get_client(connection, *key)

    async def _load_origins(self, tenant_id: UUID) -> frozenset[str]:
        async with self._database.connection() as connection:
            return await list_frontend_origins(connection, tenant_id)
