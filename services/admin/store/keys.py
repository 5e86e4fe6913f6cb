"""Signing keys, by their dates (keys.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection, load_queries

_SQL = load_queries(__file__, "keys.sql")


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    kid: str
    alg: str
    state: str
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None
    removes_at: datetime | None


async def list_signing_keys(connection: Connection, tenant_id: UUID) -> list[SigningKey]:
    """The newest hundred, newest first."""
    rows = await connection.fetch(_SQL["list_signing_keys"], tenant_id)
    return [SigningKey(**dict(row)) for row in rows]
