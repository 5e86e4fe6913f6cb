"""Who has fetched which key: noted for free, bounded, written later; and a key that waits for it."""

import asyncio
import os
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local.stack import Stack
from services.jwks import store
from services.jwks.app import create_app
from services.jwks.flows import fetches as limits
from services.jwks.flows.fetches import CLIENTS_A_TENANT, Fetches, client_name
from services.jwks.flows.import_key import import_key
from services.jwks.flows.publication import Jwks
from services.jwks.flows.rotate_now import publish_next, withdraw_and_replace
from services.jwks.settings import Settings
from shared.db import Database
from shared.secret import Secret
from shared.settings import load
from tests.services.jwks.rotator import DAY, Rotator
from tests.support.clock import FakeClock
from tests.support.seed import Seed
from tests.support.serve import serve

NOBODY = Database(Secret("postgresql://mtas_jwks@127.0.0.1:1/mtas"), pool_size=1)


async def fetch(tenant: Rotator, *clients: str) -> None:
    """As the route does for an answer, and then what its process writes every few seconds."""
    document = await tenant.context.published.document(tenant.tenant_id)
    assert document is not None
    for client in clients:
        tenant.context.fetches.note(tenant.tenant_id, document, client, tenant.clock())
    await tenant.context.fetches.flush()


async def fetched(tenant: Rotator) -> dict[str, set[str]]:
    """Clients by kid."""
    rows = await tenant.seed.fetch(
        "select kid, client from jwks.key_fetches where tenant_id = $1", tenant.tenant_id
    )
    return {kid: {row["client"] for row in rows if row["kid"] == kid} for kid in {row["kid"] for row in rows}}


@pytest.mark.parametrize(
    ("declared", "user_agent", "name"),
    [
        ("mtas-python/1.2", "python-httpx/0.28", "mtas-python/1.2"),
        (None, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Mozilla/5.0"),
        (None, None, "unknown"),
        ("", "", "unknown"),
        ("   ", None, "unknown"),
        ("<script>alert(1)</script>", None, "scriptalert1/script"),
        ("a\x00b'; drop table", None, "ab"),
        ("x" * 5000, None, "x" * 64),
        ("жжж", None, "unknown"),
        ("@@@", "curl/8", "unknown"),
    ],
)
def test_a_client_is_named_by_what_is_harmless(
    declared: str | None, user_agent: str | None, name: str
) -> None:
    assert client_name(declared, user_agent) == name


async def test_every_answer_counts_a_304_too(
    stores: Stack, tenant: Rotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PERIOD_S", 0.05)
    environment = stores.environment("jwks", MTAS_NATS_URL="nats://127.0.0.1:1")
    standing = FakeClock()
    standing.now = tenant.clock.now
    kid = await tenant.kid("active")
    async with serve(create_app(load(Settings, environment), clock=standing)) as url:
        async with httpx2.AsyncClient(base_url=url) as http:
            path = f"/t/{tenant.slug}/jwks.json"
            first = await http.get(path, headers={"X-MTAS-Client": "mtas-python/1.2"})
            headers = {"If-None-Match": first.headers["etag"], "User-Agent": "Go-http-client/2.0 (x)"}
            assert (await http.get(path, headers=headers)).status_code == 304
            for _ in range(80):
                if len((await fetched(tenant)).get(kid, ())) == 2:
                    break
                await asyncio.sleep(0.1)
        assert await fetched(tenant) == {kid: {"mtas-python/1.2", "Go-http-client/2.0"}}


async def test_made_up_names_take_up_no_room(tenant: Rotator) -> None:
    kid = await tenant.kid("active")
    await fetch(tenant, *(f"made-up-{number}" for number in range(500)))
    names = (await fetched(tenant))[kid]
    assert len(names) == CLIENTS_A_TENANT + 1
    assert "other" in names
    # Another process, whose memory is empty, finds the key's places taken.
    another = Fetches(tenant.context.database)
    document = await tenant.context.published.document(tenant.tenant_id)
    assert document is not None
    for number in range(500, 900):
        another.note(tenant.tenant_id, document, f"made-up-{number}", tenant.clock())
    await another.flush()
    assert len((await fetched(tenant))[kid]) == CLIENTS_A_TENANT + 1


async def test_a_client_that_fetches_all_day_is_written_once_an_hour(tenant: Rotator) -> None:
    document = await tenant.context.published.document(tenant.tenant_id)
    assert document is not None
    written = 0
    for _ in range(3 * 60):
        tenant.context.fetches.note(tenant.tenant_id, document, "sdk/1", tenant.clock())
        written += len(tenant.context.fetches._waiting)
        await tenant.context.fetches.flush()
        tenant.clock.advance(60)
    assert written == 3
    (row,) = await tenant.seed.fetch(
        "select first_at, last_at from jwks.key_fetches where tenant_id = $1", tenant.tenant_id
    )
    assert row["last_at"] - row["first_at"] == timedelta(hours=2)


async def test_with_the_database_away_memory_is_bounded_and_the_oldest_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MOST_WAITING", 100)
    clock = FakeClock()
    noting = Fetches(NOBODY)
    for number in range(250):
        noting.note(UUID(int=number), Jwks(b"", "e", kids=("k",)), "sdk/1", clock())
        if number % 50 == 0:
            await noting.flush()
    assert len(noting._waiting) == 100
    assert noting.lost == 150
    assert {tenant_id.int for tenant_id, _, _ in noting._waiting} == set(range(150, 250))
    await NOBODY.close()


async def test_tenants_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_TENANTS", 50)
    noting, clock = Fetches(NOBODY), FakeClock()
    for number in range(500):
        noting.note(UUID(int=number), Jwks(b"", "e", kids=("k",)), "sdk/1", clock())
    assert len(noting._noted) == 50


async def test_names_are_bounded_over_all_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_NAMES", 100)
    noting, clock = Fetches(NOBODY), FakeClock()
    for number in range(1000):
        noting.note(UUID(int=number), Jwks(b"", "e", kids=("k",)), f"made-up-{number}", clock())
    named = [name for clients in noting._noted.values() for name in clients if name != "other"]
    assert len(named) == 100


async def test_what_was_noted_while_the_database_was_away_is_written_later(
    stores: Stack, tenant: Rotator
) -> None:
    database = Database(Secret("postgresql://mtas_jwks@127.0.0.1:1/mtas"), pool_size=1)
    noting = Fetches(database)
    document = await tenant.context.published.document(tenant.tenant_id)
    assert document is not None
    noting.note(tenant.tenant_id, document, "sdk/1", tenant.clock())
    await noting.flush()
    assert await fetched(tenant) == {}
    back = Fetches(tenant.context.database)
    back._waiting.update(noting._waiting)
    await back.flush()
    assert await fetched(tenant) == {await tenant.kid("active"): {"sdk/1"}}
    await database.close()


async def test_two_processes_may_write_the_same(stores: Stack, seed: Seed, tenant: Rotator) -> None:
    document = await tenant.context.published.document(tenant.tenant_id)
    assert document is not None
    names = [f"sdk/{number}" for number in range(30)]
    both = [Fetches(tenant.context.database) for _ in range(2)]
    for noting, ordered in zip(both, (names, names[::-1]), strict=True):
        for name in ordered:
            noting.note(tenant.tenant_id, document, name, tenant.clock())
    await asyncio.gather(*(noting.flush() for noting in both))
    assert (await fetched(tenant))[await tenant.kid("active")] == set(names)


async def test_a_key_that_nobody_publishes_is_not_written(tenant: Rotator) -> None:
    made_up = store.Fetch(tenant.tenant_id, os.urandom(8).hex(), "sdk/1", tenant.clock(), tenant.clock())
    async with tenant.context.database.connection() as connection:
        await store.note_fetches(connection, [made_up])
    assert await fetched(tenant) == {}


# A key that waits ------------------------------------------------------------------------------


async def test_a_waiting_key_signs_once_its_verifiers_have_fetched_it(tenant: Rotator) -> None:
    await fetch(tenant, "sdk/1", "proxy/2")
    rotated = await publish_next(tenant.context, tenant.tenant_id, None, waits=True)
    assert rotated.activates_by == rotated.activates_at + timedelta(days=3)
    await fetch(tenant, "sdk/1", "newcomer/3")
    assert not await tenant.later(DAY), "proxy/2 has not fetched it"
    assert not await tenant.later(DAY)
    await fetch(tenant, "proxy/2")
    assert await tenant.turn()
    assert await tenant.kid("active") == rotated.kid


async def test_having_been_fetched_does_not_shorten_the_lead(tenant: Rotator) -> None:
    await fetch(tenant, "sdk/1")
    await publish_next(tenant.context, tenant.tenant_id, None, waits=True)
    await fetch(tenant, "sdk/1")
    assert not await tenant.later(DAY - 1)
    assert await tenant.later(1)


async def test_a_client_that_has_vanished_cannot_block_for_ever(tenant: Rotator) -> None:
    await fetch(tenant, "vanished/1")
    await publish_next(tenant.context, tenant.tenant_id, None, waits=True)
    assert not await tenant.later(4 * DAY - 1)
    assert await tenant.later(1)
    assert sorted(await tenant.states()) == ["active", "retiring"]


async def test_nobody_looks_at_the_very_second(tenant: Rotator) -> None:
    """The limit passes between two looks, or while no jwks process runs."""
    await fetch(tenant, "vanished/1")
    rotated = await publish_next(tenant.context, tenant.tenant_id, None, waits=True)
    assert await tenant.later(4 * DAY + 17)
    assert await tenant.kid("active") == rotated.kid
    assert sorted(await tenant.states()) == ["active", "retiring"]


async def test_who_has_not_been_here_for_a_day_is_not_waited_for(tenant: Rotator) -> None:
    await fetch(tenant, "old/1")
    tenant.clock.advance(DAY + 1)
    await publish_next(tenant.context, tenant.tenant_id, None, waits=True)
    assert await tenant.later(DAY)


async def test_without_waiting_the_clock_alone_decides(tenant: Rotator) -> None:
    await fetch(tenant, "sdk/1")
    rotated = await publish_next(tenant.context, tenant.tenant_id, None)
    assert rotated.activates_by is None
    assert await tenant.later(DAY)


async def test_a_tenant_may_always_wait(tenant: Rotator) -> None:
    await tenant.set(signing_key_waits=True)
    await tenant.later(89 * DAY)
    await fetch(tenant, "sdk/1")
    (pending,) = [key for key in await tenant.keys() if key["state"] == "pending"]
    assert pending["activates_by"] == pending["activates_at"] + timedelta(days=3)
    rotated = await publish_next(tenant.context, tenant.tenant_id, None)
    assert rotated.kid == pending["kid"]


async def test_an_emergency_waits_for_nobody(tenant: Rotator) -> None:
    await tenant.set(signing_key_waits=True)
    await fetch(tenant, "sdk/1")
    rotated = await withdraw_and_replace(tenant.context, tenant.tenant_id, None, "exercise")
    assert (rotated.state, rotated.activates_by) == ("active", None)
    assert await fetched(tenant) == {}, "who had fetched the withdrawn is of no interest"


async def test_retired_keys_leave_no_fetches_behind(tenant: Rotator) -> None:
    await fetch(tenant, "sdk/1")
    await publish_next(tenant.context, tenant.tenant_id, None)
    await fetch(tenant, "sdk/1")
    for _ in range(2):
        await tenant.later(DAY)
    assert set(await fetched(tenant)) == {await tenant.kid("active")}


async def test_a_key_that_gave_way_leaves_none_behind_either(tenant: Rotator) -> None:
    for _ in range(2):
        own = rsa.generate_private_key(65537, 2048)
        pem = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        imported = await import_key(tenant.context, tenant.tenant_id, Secret(pem), None)
        await fetch(tenant, "sdk/1")
    assert set(await fetched(tenant)) == {await tenant.kid("active"), imported.kid}
