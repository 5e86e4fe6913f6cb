"""The life of a signing key, by turning the clock. Verifiers never fail during any of it."""

import asyncio
import base64
import os
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.jwks import store
from services.jwks.flows import rotation
from services.jwks.flows.context import Context
from services.jwks.flows.rotate_now import publish_next
from services.jwks.flows.sealing import reseal
from shared.db import Database
from shared.secret import Secret
from tests.services.jwks.rotator import DAY, MAX_AGE, SCHEDULE, Rotator, rotator, verifies
from tests.support.seed import Seed, some_slug


async def test_the_whole_life_of_a_key(tenant: Rotator) -> None:
    first = await tenant.kid("active")
    assert not await tenant.later(89 * DAY - 1), "nothing is due before the lead begins"

    assert await tenant.later(1)
    assert await tenant.states() == ["active", "pending"]
    second = await tenant.kid("pending")
    before = await tenant.sign()
    assert verifies(before, await tenant.jwks())
    assert second.encode() in await tenant.jwks()
    kept_by_a_verifier = await tenant.jwks()

    assert not await tenant.later(DAY - 1), "published, but not for the whole lead"
    assert await tenant.kid("active") == first
    last_of_the_first = await tenant.sign()

    assert await tenant.later(1)
    assert await tenant.states() == ["retiring", "active"]
    assert await tenant.kid("active") == second
    after = await tenant.sign()
    for jwks in (kept_by_a_verifier, await tenant.jwks()):
        assert verifies(last_of_the_first, jwks)
        assert verifies(after, jwks)

    assert not await tenant.later(600 + SCHEDULE.overlap_s - 1)
    assert verifies(last_of_the_first, await tenant.jwks())
    assert await tenant.later(1)
    assert await tenant.states() == ["retired", "active"]
    jwks = await tenant.jwks()
    assert not verifies(last_of_the_first, jwks)
    assert verifies(after, jwks)
    assert (await tenant.keys())[0]["sealed_private_key"] is None

    assert await tenant.events() == [
        ("created", first),
        ("activated", first),
        ("created", second),
        ("activated", second),
        ("retired", first),
    ]


async def test_every_token_verifies_whenever_it_is_shown_for_a_year(tenant: Rotator) -> None:
    """Tokens of an hour, against the JWKS as a verifier may have kept it."""
    await tenant.set(access_token_ttl_s=3600)
    out: list[tuple[float, str]] = []
    kept = await tenant.jwks()
    now = tenant.clock().timestamp()
    for _ in range(4):
        for step in (89 * DAY, 1800, 1800, DAY - 3600, 30, 1800, 1800, 1800, MAX_AGE, MAX_AGE):
            await tenant.later(step)
            now = tenant.clock().timestamp()
            out = [(expires_at, token) for expires_at, token in out if expires_at > now]
            out.append((now + 3600, await tenant.sign(3600)))
            fresh = await tenant.jwks()
            for jwks in (fresh, kept) if step <= MAX_AGE else (fresh,):
                assert all(verifies(token, jwks) for _, token in out)
            kept = fresh
    assert (await tenant.states()).count("retired") >= 3


async def test_shortening_tokens_does_not_cut_off_those_that_are_out(tenant: Rotator) -> None:
    await tenant.set(access_token_ttl_s=DAY)
    await tenant.later(89 * DAY)
    await tenant.later(DAY - 60)
    long = await tenant.sign(DAY)
    await tenant.set(access_token_ttl_s=60)
    await tenant.later(60)
    await tenant.later(DAY - 120)
    assert "retiring" in await tenant.states()
    assert verifies(long, await tenant.jwks())


async def test_a_process_that_did_not_hear_of_the_next_key_may_go_on_signing(tenant: Rotator) -> None:
    await tenant.later(89 * DAY)
    stale = await tenant.signing.active(tenant.tenant_id, "RS256")
    await tenant.later(DAY)
    assert stale.kid == await tenant.kid("retiring")
    tenant.clock.advance(300)  # the longest cache TTL there is
    await tenant.later(600)  # the life of the token that it signed last
    assert stale.kid.encode() in await tenant.jwks()
    # A verifier grants five minutes more, its clock or ours is a minute off, and the copy it has is kept.
    await tenant.later(300 + 60 + MAX_AGE - 1)
    assert stale.kid.encode() in await tenant.jwks()
    await tenant.later(1)
    assert stale.kid.encode() not in await tenant.jwks()


async def test_a_rotator_that_slept_still_publishes_first(tenant: Rotator) -> None:
    await tenant.later(200 * DAY)
    assert await tenant.states() == ["active", "pending"]
    assert not await tenant.later(DAY - 1)
    assert await tenant.later(1)
    assert await tenant.states() == ["retiring", "active"]


async def test_rotators_at_once_do_each_transition_once(stores: Stack, seed: Seed, tenant: Rotator) -> None:
    async with (
        rotator(stores, seed, tenant.clock, of=tenant) as second,
        rotator(stores, seed, tenant.clock, of=tenant) as third,
    ):
        for seconds in (89 * DAY, DAY, DAY):
            tenant.clock.advance(seconds)
            done = await asyncio.gather(*(each.turn() for each in (tenant, second, third) for _ in range(3)))
            assert done.count(True) == 1
    assert [name for name, _ in await tenant.events()] == [
        *("created", "activated", "created", "activated", "retired"),
    ]


async def test_the_database_alone_stops_a_second_rotator(
    tenant: Rotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock the statements' guards and the unique indexes must do."""

    async def everybody(_connection: object, _tenant_id: UUID) -> bool:
        return True

    monkeypatch.setattr(store, "try_lock_rotation", everybody)
    for seconds in (89 * DAY, DAY, DAY):
        tenant.clock.advance(seconds)
        await asyncio.gather(*(tenant.turn() for _ in range(3)))
    assert [name for name, _ in await tenant.events()] == [
        *("created", "activated", "created", "activated", "retired"),
    ]


async def test_who_does_not_hold_the_lock_does_nothing(tenant: Rotator) -> None:
    tenant.clock.advance(89 * DAY)
    async with tenant.context.database.tenant(tenant.tenant_id) as another:
        assert await store.try_lock_rotation(another, tenant.tenant_id)
        assert not await tenant.turn()
        assert await tenant.states() == ["active"]
    assert await tenant.turn()
    assert await tenant.states() == ["active", "pending"]


@pytest.mark.parametrize("meanwhile", ["another algorithm", "another size", "a newcomer"])
async def test_a_tenant_is_never_between_two_keys(
    tenant: Rotator, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Had one key stopped and the next not begun, a new one would sign at once, that no verifier knows."""
    pending = await publish_next(tenant.context, tenant.tenant_id, None, waits=True)
    retire = store.retire_replaced_keys

    async def and_then(*given: Any) -> list[str]:
        retired = await retire(*given)
        if meanwhile == "another algorithm":
            await tenant.set(signing_alg="ES256")
        elif meanwhile == "another size":
            await tenant.set(signing_key_bits=3072)
        else:
            former = await tenant.seed.fetch(
                "select kid from jwks.signing_keys where tenant_id = $1 and kid <> $2",
                tenant.tenant_id,
                pending.kid,
            )
            noted = store.Fetch(
                tenant.tenant_id, former[0]["kid"], "newcomer/1", tenant.clock(), tenant.clock()
            )
            async with tenant.context.database.connection() as connection:
                await store.note_fetches(connection, [noted])
        return retired

    monkeypatch.setattr(store, "retire_replaced_keys", and_then)
    await tenant.later(DAY)
    assert await tenant.kid("active") == pending.kid


async def test_another_algorithm_takes_over_in_order(tenant: Rotator) -> None:
    rs256 = await tenant.kid("active")
    await tenant.alg("ES256")
    await tenant.turn()
    assert [(key["alg"], key["state"]) for key in await tenant.keys()] == [
        ("RS256", "active"),
        ("ES256", "pending"),
    ]
    token = await tenant.sign(alg="ES256")
    assert verifies(token, await tenant.jwks()), "until then the former key signs"
    await tenant.later(DAY)
    assert await tenant.kid("retiring") == rs256
    for each in (token, await tenant.sign(alg="ES256")):
        assert verifies(each, await tenant.jwks())
    await tenant.later(DAY)
    assert await tenant.states() == ["retired", "active"]


async def test_a_change_of_mind_drops_the_key_that_never_signed(tenant: Rotator) -> None:
    await tenant.alg("ES256")
    await tenant.turn()
    await tenant.alg("RS256")
    await tenant.turn()
    assert await tenant.states() == ["active", "retired"]
    await tenant.later(2 * DAY)
    assert verifies(await tenant.sign(), await tenant.jwks())


async def test_only_tenants_with_something_due_are_looked_at(tenant: Rotator) -> None:
    async def is_due() -> bool:
        now = tenant.clock()
        async with tenant.context.database.connection() as connection:
            due = await store.list_tenants_with_due_keys(
                connection,
                now,
                SCHEDULE.aged(now),
                tenant.context.sealer.sealing_id,
                UUID(int=tenant.tenant_id.int - 1),
                1,
            )
        return due == [tenant.tenant_id]

    for seconds in (89 * DAY, DAY, 600 + SCHEDULE.overlap_s):
        assert not await is_due()
        tenant.clock.advance(seconds - 1)
        assert not await is_due()
        tenant.clock.advance(1)
        assert await is_due()
        await tenant.turn()
    for settings in ({"signing_alg": "ES256"}, {"signing_alg": "RS256"}, {"id_token_ttl_s": 7200}):
        await tenant.set(**settings)
        assert await is_due()
        await tenant.turn()
        assert not await is_due()


async def test_a_sweep_finds_what_is_due(tenant: Rotator) -> None:
    """At the present: the database is everybody's, and a turned clock would rotate the others' keys."""
    await tenant.alg("ES256")
    await rotation.sweep(tenant.context)
    assert await tenant.states() == ["active", "pending"]


async def test_one_tenants_trouble_does_not_keep_first_keys_from_others(
    tenant: Rotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled, new, turn = UUID(int=1), await tenant.seed.tenant(some_slug()), rotation.turn

    async def missing(*_given: object) -> list[UUID]:
        return [troubled, new]

    async def troubled_turn(context: Context, tenant_id: UUID) -> bool:
        if tenant_id == troubled:
            raise asyncpg.CheckViolationError
        return await turn(context, tenant_id)

    monkeypatch.setattr(store, "list_tenants_without_key", missing)
    monkeypatch.setattr(rotation, "turn", troubled_turn)
    await rotation.make_first_keys(tenant.context)
    keys = await tenant.seed.fetch("select state from jwks.signing_keys where tenant_id = $1", new)
    assert [key["state"] for key in keys] == ["active"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("state = 'retired'", id="retired with its private half"),
        pytest.param("sealed_private_key = null", id="signing without one"),
        pytest.param("withdrawn_at = now()", id="withdrawn and still published"),
    ],
)
async def test_the_database_refuses_a_state_that_makes_no_sense(tenant: Rotator, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await tenant.seed.execute(
            f"update jwks.signing_keys set {change} where tenant_id = $1", tenant.tenant_id
        )


async def test_keys_are_sealed_anew_under_the_first_kek(stores: Stack, seed: Seed, tenant: Rotator) -> None:
    token = await tenant.sign()
    new = f"new-1:{base64.b64encode(os.urandom(32)).decode()}"
    both = f"{new},{stores.secrets['key-encryption-keys']}"
    async with rotator(stores, seed, tenant.clock, keks=both, of=tenant) as next_process:
        done = await asyncio.gather(*(reseal(next_process.context, tenant.tenant_id) for _ in range(3)))
        assert sum(done) == 1
        assert await reseal(next_process.context, tenant.tenant_id) == 0
    async with rotator(stores, seed, tenant.clock, keks=new, of=tenant) as last_process:
        assert verifies(await last_process.sign(), await tenant.jwks()), "the old KEK may go"
        assert verifies(token, await last_process.jwks())


async def test_a_key_that_does_not_open_does_not_stop_the_others(
    stores: Stack, seed: Seed, tenant: Rotator
) -> None:
    await tenant.later(89 * DAY)
    pending = await tenant.kid("pending")
    await seed.execute(
        "update jwks.signing_keys set sealed_private_key = 'broken' where tenant_id = $1 and kid = $2",
        tenant.tenant_id,
        pending,
    )
    keks = f"new-1:{base64.b64encode(os.urandom(32)).decode()},{stores.secrets['key-encryption-keys']}"
    async with rotator(stores, seed, tenant.clock, keks=keks, of=tenant) as next_process:
        assert await reseal(next_process.context, tenant.tenant_id) == 1
    assert {key["kid"]: key["kek_id"] for key in await tenant.keys()}[pending] == "local-1"


async def test_the_rotator_sees_no_key_without_a_tenant(stores: Stack, tenant: Rotator) -> None:
    database = Database(Secret(stores.environment("jwks")["MTAS_DATABASE_URL"]), pool_size=1)
    try:
        async with database.connection() as connection:
            assert (
                await store.remove_expired_keys(
                    connection, tenant.tenant_id, tenant.clock() + timedelta(days=999)
                )
                == []
            )
            assert await connection.fetchval("select count(*) from jwks.signing_keys") == 0
    finally:
        await database.close()
