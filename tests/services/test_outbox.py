"""The outbox: events wait there until JetStream has them, and one that cannot go lets the others by."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import nats

from deploy.local.stack import Stack
from shared.events import envelope
from shared.events.bus import Bus, BusUnavailable
from shared.events.catalog import ClientUpdated, UserRegistered
from shared.events.envelope import CloudEvent
from shared.events.outbox import Relay, insert_event
from shared.secret import Secret
from tests.support.events import bus_of, connected, database_of, running, stored, waiting, write
from tests.support.seed import Seed


class Quick(Relay):
    PERIOD_S = 0.02  # type: ignore[misc]


async def none_waiting(seed: Seed, tenant_id: UUID) -> None:
    """Those that are parked apart."""
    async with asyncio.timeout(10):
        while await waiting(seed, tenant_id) > len(await parked(seed, tenant_id)):
            await asyncio.sleep(0.02)


async def parked(seed: Seed, tenant_id: UUID) -> list[Any]:
    query = "select * from events.outbox where tenant_id = $1 and parked_at is not null order by position"
    return await seed.fetch(query, tenant_id)


async def events_of(stores: Stack, tenant_id: UUID) -> list[CloudEvent]:
    """What JetStream has of the tenant, as it is stored."""
    subject = f"mtas.v1.{tenant_id}.>"
    count = await stored(stores, subject)
    client = await nats.connect(stores.nats.url("ops"))
    try:
        subscription = await client.jetstream().subscribe(subject, ordered_consumer=True)
        return [envelope.decode((await subscription.next_msg(timeout=2)).data) for _ in range(count)]
    finally:
        await client.close()


async def test_an_event_leaves_the_outbox_once_jetstream_has_it(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()
    bus = bus_of(stores, "authorize")
    async with database_of(stores, "authorize") as database:
        relay = Relay(database, bus, "authorize")
        async with running(bus.run(), relay.run()):
            await write(database, tenant_id, "u1", UserRegistered(by="sign_up"))
            relay.nudge()
            async with asyncio.timeout(5):
                while await waiting(seed, tenant_id):
                    await asyncio.sleep(0.02)
    assert await stored(stores, f"mtas.v1.{tenant_id}.user.registered") == 1


async def test_two_relays_of_a_service_take_turns(stores: Stack, seed: Seed) -> None:
    """What one is about to publish, the other leaves alone: or events would overtake each other."""
    tenant_id = uuid4()
    under_way, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Bus):
        async def publish(self, event: CloudEvent, cause: str | None = None) -> None:
            if event.tenantid == tenant_id:
                under_way.set()
                await go_on.wait()
            await super().publish(event, cause)

    slow, quick = Slow(Secret(stores.nats.url("authorize")), "authorize"), bus_of(stores, "authorize")
    async with database_of(stores, "authorize") as database:
        first, second = Relay(database, slow, "authorize"), Relay(database, quick, "authorize")
        async with running(slow.run(), quick.run()):
            await connected(slow)
            await connected(quick)
            await write(database, tenant_id, "u1", UserRegistered(by="sign_up"))
            async with running(first.run()):
                await asyncio.wait_for(under_way.wait(), 5)
                async with running(second.run()):
                    await asyncio.sleep(0.3)
                    assert await stored(stores, f"mtas.v1.{tenant_id}.user.registered") == 0
                    go_on.set()
                    async with asyncio.timeout(5):
                        while await waiting(seed, tenant_id):
                            await asyncio.sleep(0.02)
    assert await stored(stores, f"mtas.v1.{tenant_id}.user.registered") == 1


async def test_a_rolled_back_change_leaves_no_event(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()
    async with database_of(stores, "authorize") as database:
        with suppress(RuntimeError):
            async with database.transaction() as connection:
                await insert_event(
                    connection, tenant_id, "u1", UserRegistered(by="sign_up"), datetime.now(UTC)
                )
                raise RuntimeError
    assert await waiting(seed, tenant_id) == 0


async def test_without_nats_events_wait_and_arrive_later(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()
    bus = bus_of(stores, "authorize")
    async with database_of(stores, "authorize") as database:
        relay = Relay(database, bus, "authorize")
        async with running(bus.run(), relay.run()):
            await connected(bus)
            stores.kill("nats")
            try:
                await write(database, tenant_id, "u1", UserRegistered(by="sign_up"))
                relay.nudge()
                await asyncio.sleep(0.5)
                assert await waiting(seed, tenant_id) == 1
            finally:
                await asyncio.to_thread(stores.restart, "nats")
            async with asyncio.timeout(20):
                while await waiting(seed, tenant_id):
                    await asyncio.sleep(0.05)
    assert await stored(stores, f"mtas.v1.{tenant_id}.user.registered") == 1


async def test_a_batch_is_under_way_at_once_and_stored_in_its_order(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()
    users = [f"u{number}" for number in range(50)]
    all_there = asyncio.Barrier(len(users))

    class Together(Bus):
        async def publish(self, event: CloudEvent, cause: str | None = None) -> None:
            await super().publish(event, cause)
            await asyncio.wait_for(all_there.wait(), 5)

    bus = Together(Secret(stores.nats.url("authorize")), "authorize")
    async with database_of(stores, "authorize") as database:
        for user in users:
            await write(database, tenant_id, user, UserRegistered(by="sign_up"))
        async with running(bus.run()):
            await connected(bus)
            async with running(Relay(database, bus, "authorize").run()):
                await none_waiting(seed, tenant_id)
    assert [event.subject for event in await events_of(stores, tenant_id)] == users


async def test_an_event_waits_for_the_one_before_it_about_the_same_entity(stores: Stack, seed: Seed) -> None:
    """Disabled and enabled again, in this order, even when the first one fails at first."""
    tenant_id = uuid4()

    class Unlucky(Bus):
        failures = 0

        async def publish(self, event: CloudEvent, cause: str | None = None) -> None:
            if event.data.get("changed") == ["first"] and self.failures < Quick.TRIES - 1:
                self.failures += 1
                raise BusUnavailable("no leader")
            await super().publish(event, cause)

    bus = Unlucky(Secret(stores.nats.url("admin")), "admin")
    async with database_of(stores, "admin") as database:
        for subject, changed in (("c1", "first"), ("c1", "second"), ("c2", "other"), ("c1", "third")):
            await write(database, tenant_id, subject, ClientUpdated(actor="a", changed=(changed,)))
        async with running(bus.run(), Quick(database, bus, "admin").run()):
            await connected(bus)
            await none_waiting(seed, tenant_id)
    order = [event.data["changed"][0] for event in await events_of(stores, tenant_id)]
    assert order == ["other", "first", "second", "third"]


async def test_what_nats_does_not_take_is_parked_with_the_reason(stores: Stack, seed: Seed) -> None:
    """Too large, it will never go; those behind it must not wait for a person."""
    tenant_id = uuid4()
    bus = bus_of(stores, "admin")
    async with database_of(stores, "admin") as database:
        await write(database, tenant_id, "c1", ClientUpdated(actor="a", changed=("x" * 2_000_000,)))
        await write(database, tenant_id, "c1", ClientUpdated(actor="a", changed=("name",)))
        async with running(bus.run(), Quick(database, bus, "admin").run()):
            await none_waiting(seed, tenant_id)
    (left,) = await parked(seed, tenant_id)
    assert left["subject"] == "c1"
    assert left["parked_because"].endswith("bytes are more than NATS takes")
    assert await stored(stores, f"mtas.v1.{tenant_id}.client.updated") == 1


async def test_events_that_their_user_may_not_publish_do_not_block_the_others(
    stores: Stack, seed: Seed
) -> None:
    """More than a batch of them, as when nats.conf is of the version before."""
    tenant_id, forbidden = uuid4(), Relay.BATCH + 10
    bus = bus_of(stores, "authorize")
    async with database_of(stores, "authorize") as database:
        async with database.transaction() as connection:
            for number in range(forbidden):
                event = ClientUpdated(actor="a", changed=("name",))
                await insert_event(connection, tenant_id, f"c{number}", event, datetime.now(UTC))
        await write(database, tenant_id, "u1", UserRegistered(by="sign_up"))
        async with running(bus.run(), Relay(database, bus, "authorize").run()):
            await connected(bus)
            await none_waiting(seed, tenant_id)
    left = await parked(seed, tenant_id)
    assert len(left) == forbidden
    assert {row["parked_because"] for row in left} == {"NATS lets authorize not publish this"}
    assert await stored(stores, f"mtas.v1.{tenant_id}.user.registered") == 1


async def test_what_fails_again_and_again_while_others_go_is_parked(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()

    class Poisoned(Bus):
        async def publish(self, event: CloudEvent, cause: str | None = None) -> None:
            if event.subject == "c1":
                raise BusUnavailable("never mind why")
            await super().publish(event, cause)

    bus = Poisoned(Secret(stores.nats.url("admin")), "admin")
    async with database_of(stores, "admin") as database:
        await write(database, tenant_id, "c1", ClientUpdated(actor="a", changed=("name",)))
        async with running(bus.run(), Quick(database, bus, "admin").run()):
            await connected(bus)
            await asyncio.sleep(0.5)
            assert await parked(seed, tenant_id) == [], "alone it waits: perhaps it is not its fault"
            async with asyncio.timeout(10):
                number = 0
                while not await parked(seed, tenant_id):
                    number += 1
                    another = ClientUpdated(actor="a", changed=("name",))
                    await write(database, tenant_id, f"other-{number}", another)
                    await asyncio.sleep(0.05)
            await none_waiting(seed, tenant_id)
    assert number >= Quick.TRIES
    assert [row["parked_because"] for row in await parked(seed, tenant_id)] == ["never mind why"]


async def test_what_is_parked_has_another_try_after_ten_minutes(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()
    bus = bus_of(stores, "admin")
    async with database_of(stores, "admin") as database:
        for subject in ("c1", "c2"):
            await write(database, tenant_id, subject, ClientUpdated(actor="a", changed=("name",)))
        statement = (
            "update events.outbox set parked_at = now() - make_interval(mins => $3)"
            " where tenant_id = $1 and subject = $2"
        )
        await seed.execute(statement, tenant_id, "c1", 9)
        await seed.execute(statement, tenant_id, "c2", 11)
        async with running(bus.run(), Quick(database, bus, "admin").run()):
            await connected(bus)
            async with asyncio.timeout(5):
                while await waiting(seed, tenant_id) == 2:
                    await asyncio.sleep(0.02)
    assert [row["subject"] for row in await parked(seed, tenant_id)] == ["c1"]


async def test_while_nats_is_away_nothing_is_parked(stores: Stack, seed: Seed) -> None:
    tenant_id = uuid4()
    away = Bus(Secret("nats://127.0.0.1:1"), "authorize")
    async with database_of(stores, "authorize") as database:
        for _ in range(3):
            await write(database, tenant_id, "u1", UserRegistered(by="sign_up"))
        async with running(away.run(), Quick(database, away, "authorize").run()):
            await asyncio.sleep(0.5)
    rows = await seed.fetch("select parked_at from events.outbox where tenant_id = $1", tenant_id)
    assert [row["parked_at"] for row in rows] == [None] * 3
