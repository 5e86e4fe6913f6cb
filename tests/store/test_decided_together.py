"""Many decisions in one statement: each as it would be by itself, or left for the statement that says why."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.token import store
from tests.support.grants import Grants

END = (
    "select set_config('mtas.tenant_id', $1::uuid::text, true),"
    " token.revoke_grants($1, $2::uuid, $3, null, $4, $5::timestamptz)"
)


async def test_each_is_rotated_as_it_would_be_by_itself(grants: Grants) -> None:
    lifetimes = [timedelta(days=1), timedelta(minutes=30)]  # longer than the idle one, and shorter
    changes = [{"absolute_expires_at": grants.now + lifetime} for lifetime in lifetimes for _ in range(2)]
    pairs = [
        (await grants.family(tenant_id, **each), await grants.family(tenant_id, **each))
        for tenant_id in grants.users
        for each in changes
    ]
    grants.now += timedelta(seconds=5)
    together = await grants.rotate(*[each for each, _ in pairs])
    for (each, twin), rotation in zip(pairs, together, strict=True):
        assert rotation == await grants.singly(twin)
        row = await grants.what_may_be_the_same(each.family_id)
        assert row["generation"] == 1
        assert row == await grants.what_may_be_the_same(twin.family_id)


async def test_a_lost_tail_is_fast_forwarded(grants: Grants) -> None:
    asked = (await grants.family(next(iter(grants.users))))._replace(generation=7)
    (rotation,) = await grants.rotate(asked)
    assert rotation is not None
    assert rotation.generation == 8
    row = await grants.row(asked.family_id)
    assert row is not None
    assert row["generation"] == 8


@pytest.mark.parametrize(
    ("assignment", "asked_for", "alone"),
    [
        ("generation = 1, rotated_at = now()", {}, "retried"),
        ("generation = 2", {}, "replayed"),
        ("revoked_at = now()", {}, "revoked"),
        ("idle_expires_at = now() - interval '1 s'", {}, "expired"),
        ("absolute_expires_at = now() - interval '1 s'", {}, "expired"),
        ("idle_expires_at = created_at", {}, "expired"),  # in this very moment
        ("absolute_expires_at = created_at", {}, "expired"),
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
        END, one, grants.users[one], "acme", "disconnected_by_user", grants.now,
        do=grants.redeem(ending, free),
    )  # fmt: skip
    assert [user is not None for user in users] == [False, True]
    assert await grants.row(ending.family.family_id) is None


async def test_two_codes_of_one_user_are_redeemed_at_once(grants: Grants) -> None:
    one = next(iter(grants.users))
    async with grants.other.transaction():
        await store.redeem_codes(grants.other, [grants.code_of(one)], grants.now)
        assert None not in await grants.redeem(grants.code_of(one))


async def test_each_code_is_redeemed_as_it_would_be_by_itself(grants: Grants) -> None:
    asked = [grants.code_of(tenant_id) for tenant_id in grants.users for _ in range(3)]
    asked.append(grants.code_of(asked[0].tenant_id, scope=(), refreshable=False))
    asked.append(grants.code_of(asked[0].tenant_id, offline=True, code_issued_at=None))
    users = await grants.redeem(*asked)
    for each, user in zip(asked, users, strict=True):
        twin = each._replace(family=msgspec.structs.replace(each.family, family_id=uuid4()))
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


@pytest.mark.parametrize(
    ("issued_after_s", "ended", "lives"),
    [
        (-1, {}, False),
        (0, {}, False),
        (1, {}, True),
        (None, {}, True),  # an instance of the version before does not say
        (-1, {"client_id": "other"}, True),
        (-1, {"reason": "signed_out_by_user"}, True),
        (-1, {"user_id": "another"}, True),
    ],
)
async def test_a_code_from_before_its_client_was_disconnected_is_left_out(
    grants: Grants, issued_after_s: int | None, ended: dict[str, str], lives: bool
) -> None:
    one = next(iter(grants.users))
    client_id, user_id = ended.get("client_id", "acme"), grants.users[one]
    if "user_id" in ended:
        user_id = await grants.seed.user(one, "another@example.com")
    await grants.family(one, client_id=client_id, user_id=user_id)
    await grants.seed.execute(
        END, one, user_id, client_id, ended.get("reason", "disconnected_by_user"), grants.now
    )
    issued_at = None if issued_after_s is None else grants.now + timedelta(seconds=issued_after_s)
    code, twin = (grants.code_of(one, code_issued_at=issued_at) for _ in range(2))

    (user,) = await grants.redeem(code)
    assert (user is not None) == lives == (await grants.row(code.family.family_id) is not None)
    outcome, _ = await store.redeem_code(grants.connection, one, twin.family, grants.now)
    assert (outcome == "redeemed") == lives


@pytest.mark.parametrize(
    ("change", "offline", "family_lives", "code_lives"),
    [
        ("update authorize.users set disabled_at = now()", True, False, False),
        ("update authorize.users set grants_valid_from = '{now}'", True, False, False),
        ("update authorize.users set grants_valid_from = '{auth_time}'", False, True, True),
        ("update authorize.sessions set ended_at = now()", False, False, False),
        ("update authorize.sessions set ended_at = now()", True, True, False),
        ("update authorize.sessions set last_seen_at = now()", False, True, True),
    ],
    ids=["disabled", "signed out everywhere", "and signed in then", "signed out", "but offline", "signed in"],
)
async def test_what_a_user_has_ended_is_left_out(
    grants: Grants, change: str, offline: bool, family_lives: bool, code_lives: bool
) -> None:
    """Decided together exactly where it would be by itself."""
    one = next(iter(grants.users))
    session_id = await grants.session(one)
    asked, twin = [await grants.family(one, session_id=session_id, offline=offline) for _ in range(2)]
    code, its_twin = (grants.code_of(one, session_id=session_id, offline=offline) for _ in range(2))
    moments = {"now": grants.now, "auth_time": code.family.auth_time}
    await grants.seed.execute(change.format(**moments) + " where tenant_id = $1", one)

    (rotation,) = await grants.rotate(asked)
    assert (rotation is not None) == family_lives == ((await grants.singly(twin)).outcome == "rotated")
    (user,) = await grants.redeem(code)
    outcome, _ = await store.redeem_code(grants.connection, one, its_twin.family, grants.now)
    assert (user is not None) == code_lives == (outcome == "redeemed")


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


async def test_the_families_of_a_session_are_ended_in_the_order_of_their_ids(grants: Grants) -> None:
    """As is whatever takes several: or two who end the same ones wait for each other."""
    one = next(iter(grants.users))
    session_id = await grants.session(one)
    for _ in range(8):
        await grants.family(one, session_id=session_id)
    async with grants.connection.transaction():
        await grants.connection.execute("select set_config('mtas.tenant_id', $1, true)", str(one))
        listed = await store.list_families_of_session(grants.connection, one, session_id)
    assert len(listed) == 8
    assert listed == sorted(listed)
