"""API tokens of developers (api_tokens.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "api_tokens.sql")


class FoundToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that works, and whose it is."""

    token_id: UUID
    developer_id: UUID
    only_tenant_id: UUID | None
    scope: tuple[str, ...]
    last_used_at: datetime | None
    email: str
    is_operator: bool


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token by its dates. `app_id` is the one app that it is limited to."""

    token_id: UUID
    developer_id: UUID
    email: str
    app_id: str | None
    name: str
    scope: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None


class RevokedToken(msgspec.Struct, frozen=True, kw_only=True):
    developer_id: UUID
    only_tenant_id: UUID | None


async def insert_api_token(
    connection: Connection,
    token_hash: bytes,
    developer_id: UUID,
    only_tenant_id: UUID | None,
    name: str,
    scope: tuple[str, ...],
    now: datetime,
    expires_at: datetime | None,
) -> UUID:
    token_id: UUID = await connection.fetchval(
        _SQL["insert_api_token"], token_hash, developer_id, only_tenant_id, name, scope, now, expires_at
    )
    return token_id


async def find_api_token(connection: Connection, token_hash: bytes, now: datetime) -> FoundToken | None:
    row = await connection.fetchrow(_SQL["find_api_token"], token_hash, now)
    return msgspec.convert(dict(row), FoundToken) if row else None


async def touch_api_token(connection: Connection, token_id: UUID, now: datetime) -> None:
    await connection.execute(_SQL["touch_api_token"], token_id, now)


async def list_api_tokens(
    connection: Connection,
    developer_id: UUID | None,
    only_tenant_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[ApiToken]:
    """Of one developer, or with None of everybody; those for one tenant, or with None all."""
    rows = await connection.fetch(_SQL["list_api_tokens"], developer_id, after, limit, only_tenant_id)
    return [msgspec.convert(dict(row), ApiToken) for row in rows]


async def revoke_api_token(
    connection: Connection,
    token_id: UUID,
    developer_id: UUID | None,
    only_tenant_id: UUID | None,
    now: datetime,
) -> RevokedToken | None:
    """None when there is no such live token, or it is not this developer's, or not for this tenant alone."""
    row = await connection.fetchrow(_SQL["revoke_api_token"], token_id, developer_id, now, only_tenant_id)
    return msgspec.convert(dict(row), RevokedToken) if row else None


async def revoke_api_tokens_of(
    connection: Connection, developer_id: UUID, now: datetime
) -> dict[UUID, RevokedToken]:
    """All of a developer's, by id."""
    rows = await connection.fetch(_SQL["revoke_api_tokens_of"], developer_id, now)
    return {row["token_id"]: msgspec.convert(dict(row), RevokedToken) for row in rows}


async def list_api_token_names(connection: Connection, token_ids: list[UUID]) -> dict[UUID, str]:
    rows = await connection.fetch(_SQL["list_api_token_names"], token_ids)
    return {row["token_id"]: row["name"] for row in rows}
