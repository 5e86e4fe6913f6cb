"""What a decision leaves behind: how durably it commits, and when it is forgotten."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

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


@dataclass
class Case:
    """One family, and the decisions about it as the token service asks for them."""

    seed: Seed
    connection: "asyncpg.Connection[asyncpg.Record]"
    tenant_id: UUID
    family_id: UUID
    now: datetime

    async def present(self, generation: int, **changes: Any) -> str:
        asked: dict[str, Any] = {
            "client_id": "acme", "scope": None, "audience": None, "grace_s": 10, "idle_ttl_s": 3600,
            "now": self.now,
        } | changes  # fmt: skip
        rotation = await store.rotate_family(
            self.connection, self.tenant_id, self.family_id, generation=generation, **asked
        )
        return rotation.outcome

    async def revoke(self, client_id: str | None) -> bool:
        return await store.revoke_family(
            self.connection, self.tenant_id, self.family_id, client_id, "x", self.now
        )

    async def change(self, assignment: str, *values: object) -> None:
        await self.seed.execute(
            f"update token.families set {assignment} where family_id = $1", self.family_id, *values
        )

    async def row(self) -> dict[str, Any]:
        (row,) = await self.seed.fetch("select * from token.families where family_id = $1", self.family_id)
        return row


@pytest.fixture
async def case(stores: Stack, seed: Seed) -> AsyncIterator[Case]:
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    now = datetime.now(UTC)
    family_id = await family(seed, tenant_id, user_id, now + timedelta(days=1))
    connection = await asyncpg.connect(stores.postgres.service_url("token"))
    yield Case(seed, connection, tenant_id, family_id, now)
    await connection.close()


async def test_a_replay_commits_as_durably_as_the_operator_asked_for(case: Case) -> None:
    """Where a standby must have applied it, the rotation's own setting must not weaken that."""
    assert await case.present(0, grace_s=0) == "rotated"
    async with case.connection.transaction():
        await case.connection.execute("set local synchronous_commit = remote_apply")
        assert await case.present(0, grace_s=0) == "replayed"
        assert await case.connection.fetchval("show synchronous_commit") == "remote_apply"


@pytest.mark.parametrize(("early_us", "outcome"), [(1, "retried"), (0, "replayed")])
async def test_the_grace_ends_to_the_microsecond(case: Case, early_us: int, outcome: str) -> None:
    assert await case.present(0) == "rotated"
    end = case.now + timedelta(seconds=10, microseconds=-early_us)
    assert await case.present(0, now=end) == outcome


async def test_without_grace_a_clock_read_earlier_makes_no_retry(case: Case) -> None:
    """Of two requests at once, the one that is decided second may have read its clock first."""
    assert await case.present(0, grace_s=0) == "rotated"
    assert await case.present(0, grace_s=0, now=case.now - timedelta(milliseconds=1)) == "replayed"


async def test_another_clients_family_is_unknown(case: Case) -> None:
    """The MAC has said so by then (RFC 6749 §10.4); the statement does not rely on it."""
    assert await case.present(0, client_id="other") == "unknown"
    assert await case.present(0) == "rotated"
    assert await case.present(0, client_id="other") == "unknown"
    assert not await case.revoke("other")
    assert (await case.row())["revoked_at"] is None
    assert await case.revoke("acme")


async def test_a_family_without_refresh_tokens_is_not_rotated(case: Case) -> None:
    await case.change("refreshable = false")
    assert await case.present(0) == "unknown"
    await case.change("generation = 1")
    assert await case.present(0) == "unknown"


async def test_a_retry_may_not_ask_for_more_either(case: Case) -> None:
    """RFC 6749 §6, RFC 8707 §2.2: within the grace as at any other time."""
    assert await case.present(0) == "rotated"
    assert await case.present(0, scope=("admin",)) == "scope_exceeded"
    assert await case.present(0, audience="https://evil.example") == "audience_exceeded"
    assert await case.present(0) == "retried"


async def test_asking_for_more_spends_nothing(case: Case) -> None:
    assert await case.present(0, scope=("admin",)) == "scope_exceeded"
    assert await case.present(0, audience="https://evil.example") == "audience_exceeded"
    assert (await case.row())["generation"] == 0


async def test_a_replay_is_one_whatever_it_asks_for(case: Case) -> None:
    for generation in (0, 1):
        assert await case.present(generation) == "rotated"
    assert await case.present(0, scope=("admin",), audience="https://evil.example") == "replayed"
    assert (await case.row())["revoked_reason"] == "refresh_token_reused"


@pytest.mark.parametrize("limit", ["idle_expires_at", "absolute_expires_at"])
@pytest.mark.parametrize("spent", [False, True], ids=["live", "retry"])
async def test_each_lifetime_ends_it_alone(case: Case, limit: str, spent: bool) -> None:
    if spent:
        assert await case.present(0) == "rotated"
    await case.change(f"{limit} = $2", case.now)
    assert await case.present(0) == "expired"


async def test_a_retry_of_a_user_who_is_gone_ends_the_family(case: Case) -> None:
    assert await case.present(0) == "rotated"
    await case.seed.execute(
        "update authorize.users set disabled_at = now() where tenant_id = $1", case.tenant_id
    )
    assert await case.present(0) == "user_disabled_or_signed_out"
    assert (await case.row())["revoked_reason"] == "user_disabled_or_signed_out"


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
