"""The token service's statements, one typed function each (queries.sql)."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.directory import client_of
from shared.oauth.types import Client
from shared.queries import load_queries

_SQL = load_queries(__file__)


class User(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into claims about a user, and nothing else."""

    user_id: UUID
    email: str
    email_verified: bool
    name: str | None
    updated_at: datetime


class NewFamily(msgspec.Struct, frozen=True, kw_only=True):
    """A family about to be inserted; `refusal` set means born revoked (the code is burned)."""

    family_id: UUID
    client_id: str
    user_id: UUID
    session_id: UUID
    scope: tuple[str, ...]
    audience: str
    auth_time: datetime
    refreshable: bool
    offline: bool
    idle_expires_at: datetime
    absolute_expires_at: datetime
    refusal: str | None
    code_issued_at: datetime | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """What the database decided about a refresh token; the grant only when it may be used."""

    outcome: str
    generation: int | None
    scope: tuple[str, ...]
    audience: str
    auth_time: datetime | None
    user: User | None


class ToRotate(NamedTuple):
    """A refresh token that is presented, and asks for no less than its grant."""

    tenant_id: UUID
    family_id: UUID
    client_id: str
    generation: int
    idle_ttl_s: int


class ToRedeem(NamedTuple):
    """A code that is presented, with whose request all is well."""

    tenant_id: UUID
    family: NewFamily


class LiveGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A family that is alive, and its user."""

    client_id: str
    user: User
    scope: tuple[str, ...]
    audience: str
    auth_time: datetime
    generation: int
    rotated_at: datetime
    refreshable: bool
    idle_expires_at: datetime
    absolute_expires_at: datetime


class SecretHash(msgspec.Struct, gc=False):
    secret_hash: bytes
    expires_at: datetime | None
    noted_at: datetime | None = None
    """The last use that `shared.observations` was told of."""


class RegisteredClient(msgspec.Struct, frozen=True, gc=False):
    """A client, and what it may authenticate with."""

    client: Client
    secrets: tuple[SecretHash, ...]


class SealedSigningKey(msgspec.Struct, frozen=True, gc=False):
    kid: str
    alg: str
    sealed_private_key: bytes
    kek_id: str


class MovedInKey(msgspec.Struct, frozen=True):
    """A MAC key of refresh tokens that another installation issued; `sealed_under` is one of ours."""

    key_id: int
    sealed_key: bytes
    sealed_under: int


async def redeem_code(
    connection: Connection, tenant_id: UUID, family: NewFamily, now: datetime
) -> tuple[str, User | None]:
    """Insert the family. Returns `redeemed` with the user, or what stood against it (see the SQL)."""
    row = await connection.fetchrow(
        _SQL["redeem_code"],
        tenant_id,
        family.family_id,
        family.client_id,
        family.user_id,
        family.session_id,
        family.scope,
        family.audience,
        family.auth_time,
        family.refreshable,
        family.offline,
        now,
        family.idle_expires_at,
        family.absolute_expires_at,
        family.refusal,
        family.code_issued_at,
    )
    assert row is not None
    return row["outcome"], _user(row, family.user_id) if row["outcome"] == "redeemed" else None


async def redeem_codes(connection: Connection, asked: Sequence[ToRedeem], now: datetime) -> list[User | None]:
    """Of each the user, where its family is inserted; None: nothing was done, it is to be asked singly."""
    families = [each.family for each in asked]
    rows = await connection.fetch(
        _SQL["redeem_codes"],
        [each.tenant_id for each in asked],
        [family.family_id for family in families],
        [family.client_id for family in families],
        [family.user_id for family in families],
        [family.session_id for family in families],
        [" ".join(family.scope) for family in families],
        [family.audience for family in families],
        [family.auth_time for family in families],
        [family.refreshable for family in families],
        [family.offline for family in families],
        now,
        [family.idle_expires_at for family in families],
        [family.absolute_expires_at for family in families],
        [family.code_issued_at for family in families],
    )
    users: list[User | None] = [None] * len(families)
    for row in rows:
        at = row["place"] - 1
        users[at] = _user(row, families[at].user_id)
    return users


async def rotate_families(
    connection: Connection, asked: Sequence[ToRotate], now: datetime
) -> list[Rotation | None]:
    """Of each its rotation; None: nothing was done, and it is to be asked singly."""
    columns = [list(column) for column in zip(*asked, strict=True)]
    rotations: list[Rotation | None] = [None] * len(asked)
    for row in await connection.fetch(_SQL["rotate_families"], *columns, now):
        at = row["place"] - 1
        rotations[at] = Rotation(
            outcome="rotated",
            generation=asked[at].generation + 1,
            scope=tuple(row["scope"]),
            audience=row["audience"],
            auth_time=row["auth_time"],
            user=_user(row, row["user_id"]),
        )
    return rotations


async def rotate_family(
    connection: Connection,
    tenant_id: UUID,
    family_id: UUID,
    client_id: str,
    generation: int,
    *,
    scope: tuple[str, ...] | None,
    audience: str | None,
    grace_s: int,
    idle_ttl_s: int,
    now: datetime,
) -> Rotation:
    row = await connection.fetchrow(
        _SQL["rotate_family"],
        tenant_id,
        family_id,
        client_id,
        generation,
        scope,
        audience,
        grace_s,
        idle_ttl_s,
        now,
    )
    assert row is not None
    usable = row["outcome"] in ("rotated", "retried")
    return Rotation(
        outcome=row["outcome"],
        generation=row["generation"],
        scope=tuple(row["scope"] or ()),
        audience=row["audience"] or "",
        auth_time=row["auth_time"],
        user=_user(row, row["user_id"]) if usable else None,
    )


async def revoke_family(
    connection: Connection,
    tenant_id: UUID,
    family_id: UUID,
    client_id: str | None,
    reason: str,
    now: datetime,
) -> bool:
    """True when the family was alive. With a `client_id`, only that client's own."""
    return bool(
        await connection.fetchval(_SQL["revoke_family"], tenant_id, family_id, client_id, reason, now)
    )


async def get_live_grant(
    connection: Connection, tenant_id: UUID, family_id: UUID, now: datetime
) -> LiveGrant | None:
    """None when the family is unknown or revoked, or its user is disabled or was signed out everywhere."""
    row = await connection.fetchrow(_SQL["get_live_grant"], tenant_id, family_id, now)
    if row is None:
        return None
    return LiveGrant(
        client_id=row["client_id"],
        user=_user(row, row["user_id"]),
        scope=tuple(row["scope"]),
        audience=row["audience"],
        auth_time=row["auth_time"],
        generation=row["generation"],
        rotated_at=row["rotated_at"],
        refreshable=row["refreshable"],
        idle_expires_at=row["idle_expires_at"],
        absolute_expires_at=row["absolute_expires_at"],
    )


async def list_families_of_session(connection: Connection, tenant_id: UUID, session_id: UUID) -> list[UUID]:
    rows = await connection.fetch(_SQL["list_families_of_session"], tenant_id, session_id)
    return [row["family_id"] for row in rows]


async def list_moved_in_keys(connection: Connection, tenant_id: UUID, now: datetime) -> list[MovedInKey]:
    rows = await connection.fetch(_SQL["list_moved_in_keys"], tenant_id, now)
    return [MovedInKey(**dict(row)) for row in rows]


async def delete_expired_families(connection: Connection, limit: int) -> int:
    return int(await connection.fetchval(_SQL["delete_expired_families"], limit))


async def get_client(connection: Connection, tenant_id: UUID, client_id: str) -> RegisteredClient | None:
    row = await connection.fetchrow(_SQL["get_client"], tenant_id, client_id)
    if row is None:
        return None
    secrets = zip(row["secret_hashes"], row["expiries"] or (), strict=True)
    return RegisteredClient(
        client_of(row, tenant_id, client_id), tuple(SecretHash(*each) for each in secrets)
    )


async def get_active_signing_key(
    connection: Connection, tenant_id: UUID, alg: str
) -> SealedSigningKey | None:
    row = await connection.fetchrow(_SQL["get_active_signing_key"], tenant_id, alg)
    if row is None:
        return None
    # One string for all of them: thousands of these are kept.
    alg, kek_id = sys.intern(row["alg"]), sys.intern(row["kek_id"])
    return SealedSigningKey(row["kid"], alg, row["sealed_private_key"], kek_id)


async def list_public_keys(connection: Connection, tenant_id: UUID) -> tuple[dict[str, Any], ...]:
    rows = await connection.fetch(_SQL["list_public_keys"], tenant_id)
    return tuple(row["public_jwk"] for row in rows)


def _user(row: Any, user_id: UUID) -> User:
    return User(
        user_id=user_id,
        email=row["email"],
        email_verified=row["email_verified"],
        name=row["name"],
        updated_at=row["updated_at"],
    )
