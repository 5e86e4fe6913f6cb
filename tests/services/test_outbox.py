"""The outbox: events wait there until JetStream has them, and one that cannot go lets the others by."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

from deploy.local.stack import Stack
from shared.events.bus import Bus, BusUnavailable
from shared.events.catalog import ClientUpdated, UserRegistered
from shared.events.envelope import CloudEvent
from shared.events.outbox import Relay, insert_event
from shared.secret import Secret
from tests.support.events import bus_of, connected, database_of, running, stored, waiting, write
from tests.support.seed import Seed


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


class Quick(Relay):
    PERIOD_S = 0.02  # type: ignore[misc]


async def test_an_event_that_cannot_be_published_is_parked_and_the_others_go_on(
    stores: Stack, seed: Seed
) -> None:
    """Too large for NATS, it will never go; those behind it must not wait for a person."""
    tenant_id = uuid4()
    bus = bus_of(stores, "admin")
    async with database_of(stores, "admin") as database:
        relay = Quick(database, bus, "admin")
        await write(database, tenant_id, "c1", ClientUpdated(actor="a", changed=("x" * 2_000_000,)))
        async with running(bus.run(), relay.run()):
            await connected(bus)
            await asyncio.sleep(0.5)
            assert await waiting(seed, tenant_id) == 1, "alone it waits: perhaps it is not its fault"
            for number in range(3):
                await write(database, tenant_id, "c2", ClientUpdated(actor="a", changed=(str(number),)))
            async with asyncio.timeout(5):
                while await waiting(seed, tenant_id) > 1:
                    await asyncio.sleep(0.02)
    (left,) = await seed.fetch("select * from events.outbox where tenant_id = $1", tenant_id)
    assert left["subject"] == "c1"
    assert left["parked_at"] is not None
    assert await stored(stores, f"mtas.v1.{tenant_id}.client.updated") == 3


async def test_an_event_that_failed_as_jetstream_came_back_is_not_parked(stores: Stack, seed: Seed) -> None:
    """The connection holds, and JetStream has no leader for a while: that is no event's fault."""
    tenant_id = uuid4()

    class Leaderless(Bus):
        failures = 0

        async def publish(self, event: CloudEvent, cause: str | None = None) -> None:
            if event.tenantid == tenant_id and self.failures < Quick.TRIES:
                self.failures += 1
                raise BusUnavailable("no leader")
            await super().publish(event, cause)

    bus = Leaderless(Secret(stores.nats.url("admin")), "admin")
    async with database_of(stores, "admin") as database:
        for number in range(3):
            await write(database, tenant_id, "c1", ClientUpdated(actor="a", changed=(str(number),)))
        async with running(bus.run(), Quick(database, bus, "admin").run()):
            await connected(bus)
            async with asyncio.timeout(5):
                while await waiting(seed, tenant_id):
                    await asyncio.sleep(0.02)
    assert await stored(stores, f"mtas.v1.{tenant_id}.client.updated") == 3


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
