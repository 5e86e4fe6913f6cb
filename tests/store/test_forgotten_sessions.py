"""Sessions that are over are forgotten, but not before what was bound to them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from deploy.local.stack import Stack
from services.authorize import store
from tests.support.seed import Seed, some_slug

DAY = timedelta(days=1)


async def session(
    seed: Seed, tenant_id: UUID, user_id: UUID, *, lapses: timedelta, ended: timedelta | None
) -> UUID:
    now = datetime.now(UTC)
    (row,) = await seed.fetch(
        "insert into authorize.sessions (tenant_id, token_hash, user_id, auth_time, last_seen_at, expires_at,"
        " ended_at) values ($1, sha256(uuidv7()::text::bytea), $2, now(), now(), $3, $4)"
        " returning session_id",
        tenant_id,
        user_id,
        now + lapses,
        None if ended is None else now + ended,
    )
    return UUID(str(row["session_id"]))


async def left(seed: Seed, tenant_id: UUID) -> set[UUID]:
    rows = await seed.fetch("select session_id from authorize.sessions where tenant_id = $1", tenant_id)
    return {UUID(str(row["session_id"])) for row in rows}


async def test_what_is_over_goes_and_what_has_a_say_stays(stores: Stack, seed: Seed) -> None:
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    stays = {
        await session(seed, tenant_id, user_id, lapses=DAY, ended=None),
        await session(seed, tenant_id, user_id, lapses=-DAY / 2, ended=None),
        # Whoever holds a refresh token of it must still meet the end of the session (OIDC Core §11).
        await session(seed, tenant_id, user_id, lapses=-300 * DAY, ended=-365 * DAY),
        await session(seed, tenant_id, user_id, lapses=DAY, ended=-DAY),
    }
    await session(seed, tenant_id, user_id, lapses=-2 * DAY, ended=None)
    await session(seed, tenant_id, user_id, lapses=-300 * DAY, ended=-367 * DAY)
    connection = await asyncpg.connect(stores.postgres.service_url("authorize"))
    try:
        while await store.delete_forgotten_sessions(connection, 1000):
            pass
    finally:
        await connection.close()
    assert await left(seed, tenant_id) == stays


async def test_a_batch_has_an_end_and_leaves_alone_what_another_is_at(stores: Stack, seed: Seed) -> None:
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    over = [await session(seed, tenant_id, user_id, lapses=-2 * DAY, ended=None) for _ in range(5)]
    first = await asyncpg.connect(stores.postgres.service_url("authorize"))
    second = await asyncpg.connect(stores.postgres.service_url("authorize"))
    try:
        async with first.transaction():
            assert await store.delete_forgotten_sessions(first, 2) == 2
            assert await store.delete_forgotten_sessions(second, 10) >= 3
        assert await left(seed, tenant_id) == set(), over
    finally:
        await first.close()
        await second.close()
