"""Clients and their secrets (clients.sql)."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.oauth.types import Client
from shared.queries import load_queries

_SQL = load_queries(__file__, "clients.sql")


class AppClient(Client, frozen=True, kw_only=True):
    """A client, as its developers see it."""

    created_at: datetime
    updated_at: datetime


class LiveSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that works: never the secret itself, nor its hash. No expiry: the current one.

    `last_used_at` is exact to a minute.
    """

    secret_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


async def get_client(connection: Connection, tenant_id: UUID, client_id: str) -> AppClient | None:
    row = await connection.fetchrow(_SQL["get_client"], tenant_id, client_id)
    return msgspec.convert(dict(row), AppClient) if row else None


async def lock_client(connection: Connection, tenant_id: UUID, client_id: str) -> AppClient | None:
    row = await connection.fetchrow(_SQL["lock_client"], tenant_id, client_id)
    return msgspec.convert(dict(row), AppClient) if row else None


async def list_clients(
    connection: Connection, tenant_id: UUID, after: str | None, limit: int
) -> list[AppClient]:
    rows = await connection.fetch(_SQL["list_clients"], tenant_id, after, limit)
    return [msgspec.convert(dict(row), AppClient) for row in rows]


async def insert_client(connection: Connection, client: AppClient) -> bool:
    """False when the tenant has a client of that id."""
    return bool(
        await connection.fetchval(
            _SQL["insert_client"],
            client.tenant_id,
            client.client_id,
            client.name,
            client.client_type,
            client.is_confidential,
            client.redirect_uris,
            client.post_logout_redirect_uris,
            client.frontend_origins,
            client.resources,
            client.grant_types,
            client.allowed_scope,
            client.pkce_required,
            client.refresh_by_default,
            client.refresh_grace_s,
            client.id_token_on_refresh,
            client.is_third_party,
            client.created_at,
        )
    )


async def update_client(connection: Connection, client: AppClient) -> None:
    """Write what may change of `client`; the caller holds its lock."""
    await connection.execute(
        _SQL["update_client"],
        client.tenant_id,
        client.client_id,
        client.name,
        client.redirect_uris,
        client.post_logout_redirect_uris,
        client.frontend_origins,
        client.resources,
        client.allowed_scope,
        client.pkce_required,
        client.refresh_by_default,
        client.refresh_grace_s,
        client.id_token_on_refresh,
        client.is_third_party,
        client.disabled_at,
        client.updated_at,
    )


async def list_live_secrets(
    connection: Connection, tenant_id: UUID, client_id: str, now: datetime
) -> list[LiveSecret]:
    rows = await connection.fetch(_SQL["list_live_secrets"], tenant_id, client_id, now)
    return [msgspec.convert(dict(row), LiveSecret) for row in rows]


async def insert_secret(
    connection: Connection, tenant_id: UUID, client_id: str, secret_hash: bytes, now: datetime
) -> None:
    await connection.execute(_SQL["insert_secret"], tenant_id, client_id, secret_hash, now)


async def expire_current_secrets(
    connection: Connection, tenant_id: UUID, client_id: str, expires_at: datetime
) -> None:
    await connection.execute(_SQL["expire_current_secrets"], tenant_id, client_id, expires_at)


async def delete_former_secrets(connection: Connection, tenant_id: UUID, client_id: str) -> None:
    await connection.execute(_SQL["delete_former_secrets"], tenant_id, client_id)
