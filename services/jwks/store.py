"""The jwks service's statements, one typed function each (queries.sql)."""

from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__)

State: TypeAlias = Literal["pending", "active", "retiring", "retired"]


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair about to be stored: the public half as a JWK, the private half sealed."""

    kid: str
    alg: str
    rsa_bits: int | None
    is_imported: bool = False
    public_jwk: dict[str, Any]
    sealed_private_key: bytes
    kek_id: str


class KeyState(msgspec.Struct, frozen=True, kw_only=True):
    """`activates_by`: a key that waits to be fetched signs from then on all the same."""

    kid: str
    alg: str
    rsa_bits: int | None
    state: State
    activates_at: datetime
    activates_by: datetime | None


class KeyChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the tenant has chosen for its next key. `bits` are an RSA key's."""

    alg: str
    bits: int
    waits: bool


class WantedKey(KeyChoice, frozen=True, kw_only=True):
    signs_at_once: bool


class Fetch(NamedTuple):
    """A client got a JWKS that held the key."""

    tenant_id: UUID
    kid: str
    client: str
    first_at: datetime
    last_at: datetime


class Turned(msgspec.Struct, frozen=True):
    """A key that a statement has moved on."""

    kid: str
    alg: str


class SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    kid: str
    sealed_private_key: bytes
    kek_id: str


async def list_tenants_without_key(connection: Connection, limit: int) -> list[UUID]:
    rows = await connection.fetch(_SQL["list_tenants_without_key"], limit)
    return [row["tenant_id"] for row in rows]


async def list_tenants_with_due_keys(
    connection: Connection, now: datetime, aged: datetime, kek_id: str, after: UUID, limit: int
) -> list[UUID]:
    """By id. `aged`: keys that began to sign by then need a successor."""
    rows = await connection.fetch(_SQL["list_tenants_with_due_keys"], now, aged, kek_id, after, limit)
    return [row["tenant_id"] for row in rows]


async def try_lock_rotation(connection: Connection, tenant_id: UUID) -> bool:
    """False when another process is at this tenant's keys."""
    return bool(await connection.fetchval(_SQL["try_lock_rotation"], tenant_id))


async def lock_rotation(connection: Connection, tenant_id: UUID) -> None:
    await connection.execute(_SQL["lock_rotation"], tenant_id)


async def get_key_choice(connection: Connection, tenant_id: UUID) -> KeyChoice | None:
    row = await connection.fetchrow(_SQL["get_key_choice"], tenant_id)
    return msgspec.convert(dict(row), KeyChoice) if row else None


async def get_wanted_key(connection: Connection, tenant_id: UUID, aged: datetime) -> WantedKey | None:
    row = await connection.fetchrow(_SQL["get_wanted_key"], tenant_id, aged)
    return msgspec.convert(dict(row), WantedKey) if row else None


async def insert_key(
    connection: Connection,
    tenant_id: UUID,
    key: NewKey,
    state: State,
    now: datetime,
    activates_at: datetime,
    activates_by: datetime | None = None,
) -> bool:
    """False when the tenant has a key in this state already, or is unknown; or when the key is anybody's."""
    kid = await connection.fetchval(
        _SQL["insert_key"],
        tenant_id,
        key.kid,
        key.alg,
        key.rsa_bits,
        key.is_imported,
        state,
        key.public_jwk,
        key.sealed_private_key,
        key.kek_id,
        now,
        activates_at,
        activates_by,
    )
    return kid is not None


async def get_pending_key(connection: Connection, tenant_id: UUID, alg: str) -> KeyState | None:
    row = await connection.fetchrow(_SQL["get_pending_key"], tenant_id, alg)
    return msgspec.convert(dict(row), KeyState) if row else None


async def is_known_key(connection: Connection, kid: str) -> bool:
    """Whether it is any tenant's key, or was."""
    return bool(await connection.fetchval(_SQL["is_known_key"], kid))


async def raise_longest_ttl(connection: Connection, tenant_id: UUID) -> None:
    await connection.execute(_SQL["raise_longest_ttl"], tenant_id)


async def find_ready_key(connection: Connection, tenant_id: UUID, now: datetime) -> str | None:
    """The pending key that has been published for as long as was promised, and fetched if it waits."""
    kid: str | None = await connection.fetchval(_SQL["find_ready_key"], tenant_id, now)
    return kid


async def retire_replaced_keys(
    connection: Connection, tenant_id: UUID, now: datetime, overlap_s: int, ready: str | None
) -> list[str]:
    rows = await connection.fetch(_SQL["retire_replaced_keys"], tenant_id, now, overlap_s, ready)
    return [row["kid"] for row in rows]


async def activate_pending_key(
    connection: Connection, tenant_id: UUID, now: datetime, ready: str
) -> list[Turned]:
    return _turned(await connection.fetch(_SQL["activate_pending_key"], tenant_id, now, ready))


async def drop_unused_keys(connection: Connection, tenant_id: UUID, now: datetime) -> list[Turned]:
    return _turned(await connection.fetch(_SQL["drop_unused_keys"], tenant_id, now))


async def drop_pending_key(connection: Connection, tenant_id: UUID, alg: str, now: datetime) -> list[Turned]:
    return _turned(await connection.fetch(_SQL["drop_pending_key"], tenant_id, alg, now))


async def remove_expired_keys(connection: Connection, tenant_id: UUID, now: datetime) -> list[Turned]:
    return _turned(await connection.fetch(_SQL["remove_expired_keys"], tenant_id, now))


async def withdraw_keys(connection: Connection, tenant_id: UUID, now: datetime) -> list[Turned]:
    return _turned(await connection.fetch(_SQL["withdraw_keys"], tenant_id, now))


async def lock_keys_sealed_otherwise(connection: Connection, tenant_id: UUID, kek_id: str) -> list[SealedKey]:
    """Keys under another key-encryption key than `kek_id`, which nobody else is at."""
    rows = await connection.fetch(_SQL["lock_keys_sealed_otherwise"], tenant_id, kek_id)
    return [SealedKey(**dict(row)) for row in rows]


async def replace_seal(
    connection: Connection, tenant_id: UUID, former: SealedKey, sealed: bytes, kek_id: str
) -> bool:
    kid = await connection.fetchval(
        _SQL["replace_seal"], tenant_id, former.kid, former.kek_id, sealed, kek_id
    )
    return kid is not None


async def list_public_keys(connection: Connection, tenant_id: UUID) -> tuple[dict[str, Any], ...]:
    rows = await connection.fetch(_SQL["list_public_keys"], tenant_id)
    return tuple(row["public_jwk"] for row in rows)


async def note_fetches(connection: Connection, fetches: list[Fetch]) -> None:
    """Of any tenants. What is no longer published is left out."""
    await connection.execute(_SQL["note_fetches"], *(list(column) for column in zip(*fetches, strict=True)))


async def forget_fetches(connection: Connection, tenant_id: UUID) -> None:
    await connection.execute(_SQL["forget_fetches"], tenant_id)


def _turned(rows: list[Any]) -> list[Turned]:
    return [Turned(row["kid"], row["alg"]) for row in rows]
