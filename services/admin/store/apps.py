"""Tenants, members, and the state of signing keys (apps.sql). An app is a tenant."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.events.catalog import Role as Role
from shared.oauth.types import Tenant
from shared.queries import load_queries

_SQL = load_queries(__file__, "apps.sql")


class App(Tenant, frozen=True, kw_only=True):
    """A tenant, as its developers see it."""

    created_at: datetime
    updated_at: datetime


class Logo(msgspec.Struct, frozen=True, kw_only=True):
    """An image as we have encoded it; `logo` is the hash of its content."""

    logo: str
    media_type: str
    content: bytes
    width: int
    height: int


class Milestones(msgspec.Struct, frozen=True, kw_only=True):
    """What has happened of an app, and stays so."""

    signed_in: bool
    secret_used: bool
    on_https: bool
    has_colleague: bool


class KeyState(msgspec.Struct, frozen=True, kw_only=True):
    """The key that signs now."""

    kid: str
    alg: str
    state: str
    created_at: datetime
    activates_at: datetime


async def get_app(connection: Connection, slug: str) -> App | None:
    row = await connection.fetchrow(_SQL["get_app"], slug)
    return msgspec.convert(dict(row), App) if row else None


async def lock_app(connection: Connection, tenant_id: UUID) -> App:
    row = await connection.fetchrow(_SQL["lock_app"], tenant_id)
    assert row is not None, "a tenant is never deleted"
    return msgspec.convert(dict(row), App)


async def list_apps(
    connection: Connection, only_tenant_id: UUID | None, after: str | None, limit: int, part: str | None
) -> list[App]:
    rows = await connection.fetch(_SQL["list_apps"], only_tenant_id, after, limit, part)
    return [msgspec.convert(dict(row), App) for row in rows]


async def list_apps_of_developer(
    connection: Connection,
    developer_id: UUID,
    only_tenant_id: UUID | None,
    after: str | None,
    limit: int,
    part: str | None,
) -> list[App]:
    """In a transaction of its own: makes the developer's memberships visible, in every tenant."""
    await connection.execute(_SQL["set_developer"], str(developer_id))
    rows = await connection.fetch(
        _SQL["list_apps_of_developer"], developer_id, only_tenant_id, after, limit, part
    )
    return [msgspec.convert(dict(row), App) for row in rows]


async def list_tenants_of_developer(connection: Connection, developer_id: UUID) -> list[UUID]:
    """In a transaction of its own, as above."""
    await connection.execute(_SQL["set_developer"], str(developer_id))
    rows = await connection.fetch(_SQL["list_tenants_of_developer"], developer_id)
    return [row["tenant_id"] for row in rows]


async def insert_app(
    connection: Connection,
    slug: str,
    name: str,
    issuer: str,
    signing_alg: str,
    signing_key_bits: int,
    sign_up_enabled: bool,
    now: datetime,
) -> UUID | None:
    """None when the slug is taken. Sets the new tenant for the rest of the transaction."""
    tenant_id: UUID | None = await connection.fetchval(
        _SQL["insert_app"], slug, name, issuer, signing_alg, signing_key_bits, sign_up_enabled, now
    )
    if tenant_id is not None:
        await set_tenant(connection, tenant_id)
    return tenant_id


async def update_app(connection: Connection, app: App) -> None:
    """Write what may change of `app`; the caller holds its lock."""
    await connection.execute(
        _SQL["update_app"],
        app.tenant_id,
        app.name,
        app.sign_up_enabled,
        app.code_ttl_s,
        app.access_token_ttl_s,
        app.id_token_ttl_s,
        app.refresh_idle_ttl_s,
        app.refresh_absolute_ttl_s,
        app.session_idle_ttl_s,
        app.session_absolute_ttl_s,
        app.disabled_at,
        app.updated_at,
        app.accent,
        app.logo,
        app.verified_email_required,
    )


async def insert_logo(connection: Connection, tenant_id: UUID, logo: Logo, now: datetime) -> None:
    await connection.execute(
        _SQL["insert_logo"],
        tenant_id,
        logo.logo,
        logo.media_type,
        logo.content,
        logo.width,
        logo.height,
        now,
    )


async def delete_other_logos(connection: Connection, tenant_id: UUID, logo: str | None) -> None:
    await connection.execute(_SQL["delete_other_logos"], tenant_id, logo)


async def set_tenant(connection: Connection, tenant_id: UUID) -> None:
    await connection.execute(_SQL["set_tenant"], str(tenant_id))


async def insert_member(
    connection: Connection, tenant_id: UUID, developer_id: UUID, role: Role, now: datetime
) -> None:
    await connection.execute(_SQL["insert_member"], tenant_id, developer_id, role, now)


async def get_role(connection: Connection, tenant_id: UUID, developer_id: UUID) -> Role | None:
    role: Role | None = await connection.fetchval(_SQL["get_role"], tenant_id, developer_id)
    return role


async def get_key_state(connection: Connection, tenant_id: UUID, alg: str) -> KeyState | None:
    row = await connection.fetchrow(_SQL["get_key_state"], tenant_id, alg)
    return msgspec.convert(dict(row), KeyState) if row else None


async def newest_slug(connection: Connection) -> str | None:
    slug: str | None = await connection.fetchval(_SQL["newest_slug"])
    return slug


async def newest_slug_of_developer(connection: Connection, developer_id: UUID) -> str | None:
    """In a transaction of its own, as above."""
    await connection.execute(_SQL["set_developer"], str(developer_id))
    slug: str | None = await connection.fetchval(_SQL["newest_slug_of_developer"], developer_id)
    return slug


async def get_milestones(connection: Connection, tenant_id: UUID) -> Milestones:
    row = await connection.fetchrow(_SQL["get_milestones"], tenant_id)
    assert row is not None
    return Milestones(**dict(row))
