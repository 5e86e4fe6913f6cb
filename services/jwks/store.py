"""The jwks service's statements, one typed function each (queries.sql)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.db import Connection, load_queries

_SQL = load_queries(__file__)


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair about to be stored: the public half as a JWK, the private half sealed."""

    kid: str
    alg: str
    public_jwk: dict[str, Any]
    sealed_private_key: bytes
    kek_id: str


async def list_tenants_without_key(connection: Connection, limit: int) -> list[tuple[UUID, str]]:
    rows = await connection.fetch(_SQL["list_tenants_without_key"], limit)
    return [(row["tenant_id"], row["signing_alg"]) for row in rows]


async def insert_active_key(connection: Connection, tenant_id: UUID, key: NewKey, now: datetime) -> bool:
    """False when another process was first."""
    kid = await connection.fetchval(
        _SQL["insert_active_key"],
        tenant_id,
        key.kid,
        key.alg,
        key.public_jwk,
        key.sealed_private_key,
        key.kek_id,
        now,
    )
    return kid is not None


async def get_active_kid(connection: Connection, tenant_id: UUID, alg: str) -> str | None:
    kid: str | None = await connection.fetchval(_SQL["get_active_kid"], tenant_id, alg)
    return kid


async def list_public_keys(connection: Connection, tenant_id: UUID) -> tuple[dict[str, Any], ...]:
    rows = await connection.fetch(_SQL["list_public_keys"], tenant_id)
    return tuple(row["public_jwk"] for row in rows)
