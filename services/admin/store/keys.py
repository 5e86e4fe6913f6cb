"""Signing keys, by their dates, and what an app has chosen for them (keys.sql)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "keys.sql")


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    kid: str
    alg: str
    rsa_bits: int | None
    is_imported: bool
    state: str
    created_at: datetime
    activates_at: datetime
    activates_by: datetime | None
    retires_at: datetime | None
    removes_at: datetime | None
    withdrawn_at: datetime | None


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """A client got a JWKS that held the key; the times are exact to an hour or so."""

    kid: str
    client: str
    first_at: datetime
    last_at: datetime


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    signing_alg: Literal["RS256", "ES256"]
    signing_key_bits: Literal[2048, 3072, 4096]
    wait_observed: bool


async def list_signing_keys(connection: Connection, tenant_id: UUID) -> list[SigningKey]:
    """The newest hundred, newest first."""
    rows = await connection.fetch(_SQL["list_signing_keys"], tenant_id)
    return [SigningKey(**dict(row)) for row in rows]


async def list_fetches(connection: Connection, tenant_id: UUID) -> list[Fetch]:
    rows = await connection.fetch(_SQL["list_fetches"], tenant_id)
    return [Fetch(**dict(row)) for row in rows]


async def get_key_settings(connection: Connection, tenant_id: UUID) -> KeySettings:
    row = await connection.fetchrow(_SQL["get_key_settings"], tenant_id)
    assert row is not None, "a tenant is never deleted"
    return msgspec.convert(dict(row), KeySettings)


async def update_key_settings(
    connection: Connection, tenant_id: UUID, settings: KeySettings, now: datetime
) -> None:
    """The caller holds the app's lock."""
    await connection.execute(
        _SQL["update_key_settings"],
        tenant_id,
        settings.signing_alg,
        settings.signing_key_bits,
        settings.wait_observed,
        now,
    )
