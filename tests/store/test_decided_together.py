"""Many decisions in one statement: each as it would be by itself, or left for the statement that says why."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from deploy.local.stack import Stack
from services.token import store
from tests.support.seed import Seed, some_slug

DISCONNECT = (
    "select set_config('mtas.tenant_id', $1::uuid::text, true),"
    " token.revoke_grants($1, $2::uuid, 'acme', null, 'disconnected_by_user', $3::timestamptz)"
)


@dataclass
class Grants:
    """A user in each of two tenants, and two connections as the token service has them."""

    seed: Seed
    connection: Any
    other: Any
    users: dict[UUID, UUID]
    now: datetime

    def code_of(self, tenant_id: UUID, **changes: object) -> store.ToRedeem:
        family = store.NewFamily(
            family_id=uuid4(), client_id="acme", user_id=self.users[tenant_id], session_id=uuid4(),
            scope=("openid", "email"), audience="acme", auth_time=self.now, refreshable=True, offline=False,
            idle_expires_at=self.now + timedelta(hours=1), absolute_expires_at=self.now + timedelta(days=1),
            refusal=None, code_issued_at=self.now,
        )  # fmt: skip
        return store.ToRedeem(tenant_id, msgspec.structs.replace(family, **changes))

    async def family(self, tenant_id: UUID, **changes: object) -> store.ToRotate:
        """Redeemed, and its first refresh token presented."""
        code = self.code_of(tenant_id, **changes)
        outcome, _ = await store.redeem_code(self.connection, tenant_id, code.family, self.now)
        assert outcome == "redeemed"
        return store.ToRotate(tenant_id, code.family.family_id, "acme", 0, 3600)

    async def rotate(self, *asked: store.ToRotate) -> list[store.Rotation | None]:
        return await store.rotate_families(self.connection, asked, self.now)

    async def redeem(self, *asked: store.ToRedeem) -> list[store.User | None]:
        return await store.redeem_codes(self.connection, asked, self.now)

    async def singly(self, asked: store.ToRotate) -> store.Rotation:
        return await store.rotate_family(
            self.connection, asked.tenant_id, asked.family_id, asked.client_id, asked.generation,
            scope=None, audience=None, grace_s=10, idle_ttl_s=asked.idle_ttl_s, now=self.now,
        )  # fmt: skip

    async def change(self, family_id: UUID, assignment: str) -> None:
        await self.seed.execute(f"update token.families set {assignment} where family_id = $1", family_id)

    async def row(self, family_id: UUID) -> dict[str, Any] | None:
        rows = await self.seed.fetch("select * from token.families where family_id = $1", family_id)
        return rows[0] if rows else None

    async def what_may_be_the_same(self, family_id: UUID) -> dict[str, Any]:
        row = await self.row(family_id)
        assert row is not None
        return {name: value for name, value in row.items() if name not in ("family_id", "session_id")}


@pytest.fixture
async def grants(stores: Stack, seed: Seed) -> AsyncIterator[Grants]:
    tenants = [await seed.tenant(some_slug()) for _ in range(2)]
    users = {tenant_id: await seed.user(tenant_id) for tenant_id in tenants}
    one, other = [await asyncpg.connect(stores.postgres.service_url("token")) for _ in range(2)]
    yield Grants(seed, one, other, users, datetime.now(UTC))
    await one.close()
    await other.close()


async def test_each_is_rotated_as_it_would_be_by_itself(grants: Grants) -> None:
    asked = [await grants.family(tenant_id) for tenant_id in grants.users for _ in range(4)]
    together = await grants.rotate(*asked)
    for each, rotation in zip(asked, together, strict=True):
        twin = await grants.family(each.tenant_id)
        assert rotation == await grants.singly(twin)
        row = await grants.what_may_be_the_same(each.family_id)
        assert row["generation"] == 1
        assert row == await grants.what_may_be_the_same(twin.family_id)


async def test_a_lost_tail_is_fast_forwarded(grants: Grants) -> None:
    asked = (await grants.family(next(iter(grants.users))))._replace(generation=7)
    (rotation,) = await grants.rotate(asked)
    assert rotation is not None
    assert rotation.generation == 8


@pytest.mark.parametrize(
    ("assignment", "asked_for", "alone"),
    [
        ("generation = 1, rotated_at = now()", {}, "retried"),
        ("generation = 2", {}, "replayed"),
        ("revoked_at = now()", {}, "revoked"),
        ("idle_expires_at = now() - interval '1 s'", {}, "expired"),
        ("absolute_expires_at = now() - interval '1 s'", {}, "expired"),
        ("refreshable = false", {}, "unknown"),
        ("offline = false", {"client_id": "other"}, "unknown"),
        ("offline = false", {"family_id": uuid4()}, "unknown"),
    ],
)
async def test_what_is_not_simply_so_is_left_as_it_is(
    grants: Grants, assignment: str, asked_for: dict[str, Any], alone: str
) -> None:
    """Also for the statement that decides about it alone; and the others have theirs."""
    tenant_id = next(iter(grants.users))
    before, odd, after = [await grants.family(tenant_id) for _ in range(3)]
    await grants.change(odd.family_id, assignment)
    row = await grants.row(odd.family_id)
    odd = odd._replace(**asked_for)

    rotations = await grants.rotate(before, odd, after)
    assert [rotation is not None for rotation in rotations] == [True, False, True]
    assert await grants.row(odd.family_id) == (row if "family_id" not in asked_for else None)
    assert (await grants.singly(odd)).outcome == alone


async def test_a_token_of_another_tenant_is_left_out(grants: Grants) -> None:
    one, another = grants.users
    family = await grants.family(one)
    assert await grants.rotate(family._replace(tenant_id=another)) == [None]


async def test_the_users_that_are_gone_are_left_out(grants: Grants) -> None:
    one, another = grants.users
    asked = [await grants.family(one), await grants.family(another)]
    code = grants.code_of(one)
    await grants.seed.execute("update authorize.users set disabled_at = now() where tenant_id = $1", one)

    rotations = await grants.rotate(*asked)
    assert [rotation is not None for rotation in rotations] == [False, True]
    assert await grants.redeem(code) == [None]
    assert await grants.row(code.family.family_id) is None
    assert (await grants.singly(asked[0])).outcome == "user_disabled_or_signed_out"


async def test_of_one_token_twice_at_once_one_is_decided(grants: Grants) -> None:
    asked = await grants.family(next(iter(grants.users)))
    rotations = await grants.rotate(asked, asked)
    assert [rotation is None for rotation in rotations].count(True) == 1
    row = await grants.row(asked.family_id)
    assert row is not None
    assert row["generation"] == 1


async def test_it_waits_for_no_family_that_somebody_else_holds(grants: Grants) -> None:
    """Or one tenant's would hold up all the others' (ADR 0012)."""
    one, another = grants.users
    held, free = await grants.family(one), await grants.family(another)
    async with grants.other.transaction():
        await store.revoke_family(grants.other, one, held.family_id, None, "revoked_by_client", grants.now)
        async with asyncio.timeout(3):
            rotations = await grants.rotate(held, free)
    assert [rotation is not None for rotation in rotations] == [False, True]
    row = await grants.row(held.family_id)
    assert row is not None
    assert row["revoked_at"] is not None
    assert row["generation"] == 0
    assert (await grants.singly(held)).outcome == "revoked"


async def test_it_waits_for_no_end_of_somebodys_grants(grants: Grants) -> None:
    one, another = grants.users
    ending, free = grants.code_of(one), grants.code_of(another)
    users = await grants.seed.while_under_way(
        DISCONNECT, one, grants.users[one], grants.now, do=grants.redeem(ending, free)
    )
    assert [user is not None for user in users] == [False, True]
    assert await grants.row(ending.family.family_id) is None


async def test_each_code_is_redeemed_as_it_would_be_by_itself(grants: Grants) -> None:
    asked = [grants.code_of(tenant_id) for tenant_id in grants.users for _ in range(3)]
    asked.append(grants.code_of(asked[0].tenant_id, scope=(), refreshable=False))
    users = await grants.redeem(*asked)
    for each, user in zip(asked, users, strict=True):
        twin = grants.code_of(each.tenant_id, scope=each.family.scope, refreshable=each.family.refreshable)
        _, alone = await store.redeem_code(grants.connection, each.tenant_id, twin.family, grants.now)
        assert user == alone is not None
        row = await grants.what_may_be_the_same(each.family.family_id)
        assert row == await grants.what_may_be_the_same(twin.family.family_id)


async def test_a_code_that_is_used_is_left_out(grants: Grants) -> None:
    used, fresh = (grants.code_of(tenant_id) for tenant_id in grants.users)
    assert None not in await grants.redeem(used)
    assert [user is not None for user in await grants.redeem(used, fresh)] == [False, True]
    outcome, _ = await store.redeem_code(grants.connection, used.tenant_id, used.family, grants.now)
    assert outcome == "reused"


async def test_a_code_from_before_its_client_was_disconnected_is_left_out(grants: Grants) -> None:
    one = next(iter(grants.users))
    await grants.family(one)
    code = grants.code_of(one, code_issued_at=grants.now - timedelta(seconds=1))
    await grants.seed.execute(DISCONNECT, one, grants.users[one], grants.now)
    assert await grants.redeem(code) == [None]
    assert await grants.row(code.family.family_id) is None


async def test_a_redemption_waits_for_the_disk_and_a_rotation_does_not(grants: Grants) -> None:
    """A lost rotation is fast-forwarded; a lost redemption would let its code be used again."""
    one = next(iter(grants.users))
    asked = await grants.family(one)
    async with grants.connection.transaction():
        await grants.redeem(grants.code_of(one))
        assert await grants.connection.fetchval("show synchronous_commit") == "on"
    async with grants.connection.transaction():
        assert await grants.rotate(asked) != [None]
        assert await grants.connection.fetchval("show synchronous_commit") == "off"


async def test_two_processes_with_the_same_in_another_order_both_go_on(
    grants: Grants,
) -> None:
    """And whichever was first: each token is spent once."""
    asked = [await grants.family(tenant_id) for tenant_id in grants.users for _ in range(16)]
    codes = [grants.code_of(tenant_id) for tenant_id in grants.users for _ in range(16)]
    for _ in range(10):
        one, another = await asyncio.gather(
            store.rotate_families(grants.connection, asked, grants.now),
            store.rotate_families(grants.other, asked[::-1], grants.now),
        )
        decided = [(a is not None) + (b is not None) for a, b in zip(one, another[::-1], strict=True)]
        assert decided == [1] * len(asked)
        asked = [each._replace(generation=each.generation + 1) for each in asked]
    first, second = await asyncio.gather(
        store.redeem_codes(grants.connection, codes, grants.now),
        store.redeem_codes(grants.other, codes[::-1], grants.now),
    )
    assert [(a is not None) + (b is not None) for a, b in zip(first, second[::-1], strict=True)] == [1] * 32
