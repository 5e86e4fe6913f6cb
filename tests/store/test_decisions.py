"""What a decision leaves behind: how durably it commits, and when it is forgotten."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from deploy.local.stack import Stack
from services.token import store
from tests.support.seed import Seed, some_slug


async def family(seed: Seed, tenant_id: UUID, user_id: UUID, absolute_expires_at: datetime) -> UUID:
    family_id = uuid4()
    await seed.execute(
        "insert into token.families (tenant_id, family_id, client_id, user_id, session_id, scope, audience,"
        " auth_time, refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at)"
        " values ($1, $2, 'acme', $3, uuidv7(), '{}', 'acme', now(), true, true, now(), $4, $4, now())",
        tenant_id,
        family_id,
        user_id,
        absolute_expires_at,
    )
    return family_id


async def test_a_rotation_may_be_lost_and_a_revocation_may_not(stores: Stack, seed: Seed) -> None:
    """RFC 9700 §4.14: a lost rotation is fast-forwarded; a revocation is on disk before it is told."""
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    now = datetime.now(UTC)
    family_id = await family(seed, tenant_id, user_id, now + timedelta(days=1))
    connection = await asyncpg.connect(stores.postgres.service_url("token"))

    async def present(generation: int) -> tuple[str, str]:
        async with connection.transaction():
            rotation = await store.rotate_family(
                connection, tenant_id, family_id, "acme", generation,
                scope=None, audience=None, grace_s=0, idle_ttl_s=60, now=now,
            )  # fmt: skip
            return rotation.outcome, await connection.fetchval("show synchronous_commit")

    try:
        assert await present(0) == ("rotated", "off")
        assert await present(0) == ("replayed", "on")
        async with connection.transaction():
            await connection.execute("set local synchronous_commit = off")
            await store.revoke_family(connection, tenant_id, family_id, None, "x", now)
            assert await connection.fetchval("show synchronous_commit") == "on"
    finally:
        await connection.close()


async def test_without_grace_a_clock_read_earlier_makes_no_retry(stores: Stack, seed: Seed) -> None:
    """Of two requests at once, the one that is decided second may have read its clock first."""
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    now = datetime.now(UTC)
    family_id = await family(seed, tenant_id, user_id, now + timedelta(days=1))
    connection = await asyncpg.connect(stores.postgres.service_url("token"))

    async def present(at: datetime) -> str:
        rotation = await store.rotate_family(
            connection, tenant_id, family_id, "acme", 0,
            scope=None, audience=None, grace_s=0, idle_ttl_s=60, now=at,
        )  # fmt: skip
        return rotation.outcome

    try:
        assert await present(now) == "rotated"
        assert await present(now - timedelta(milliseconds=1)) == "replayed"
    finally:
        await connection.close()


async def test_only_what_expired_over_a_day_ago_is_forgotten(stores: Stack, seed: Seed) -> None:
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    now = datetime.now(UTC)
    old = await family(seed, tenant_id, user_id, now - timedelta(hours=25))
    kept = {
        await family(seed, tenant_id, user_id, now - timedelta(hours=23)),
        await family(seed, tenant_id, user_id, now + timedelta(days=30)),
    }
    connection = await asyncpg.connect(stores.postgres.service_url("token"))
    try:
        assert await store.delete_expired_families(connection, 1000) >= 1
    finally:
        await connection.close()
    rows = await seed.fetch("select family_id from token.families where tenant_id = $1", tenant_id)
    left = {UUID(str(row["family_id"])) for row in rows}
    assert old not in left
    assert left == kept
