"""Events: from the outbox through JetStream to those who listen, and what happens without NATS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import nats
import nats.errors
import nats.js.errors
import pytest

from deploy.local.stack import Stack
from shared.db import Database
from shared.directory import Directory
from shared.events.bus import STREAM, Bus, BusUnavailable
from shared.events.catalog import ClientUpdated, Event, SessionEnded, TenantUpdated, UserRegistered
from shared.events.envelope import CloudEvent
from shared.events.invalidation import forget_on_events
from shared.events.outbox import Relay, insert_event
from shared.secret import Secret
from tests.support.seed import Seed, some_slug


@asynccontextmanager
async def running(*jobs: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(job) for job in jobs]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def database_of(stores: Stack, service: str) -> AsyncIterator[Database]:
    database = Database(Secret(stores.postgres.service_url(service)), pool_size=4)
    yield database
    await database.close()


async def until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def connected(bus: Bus) -> None:
    await until(lambda: bus.is_connected, 5)


def bus_of(stores: Stack, service: str) -> Bus:
    return Bus(Secret(stores.nats.url(service)), service)


async def write(database: Database, tenant_id: UUID, subject: str, event: Event) -> None:
    async with database.transaction() as connection:
        await insert_event(connection, tenant_id, subject, event, datetime.now(UTC))


async def waiting(seed: Seed, tenant_id: UUID) -> int:
    return len(await seed.fetch("select 1 from events.outbox where tenant_id = $1", tenant_id))


async def stored(stores: Stack, subject: str) -> int:
    """How many messages JetStream keeps on a subject."""
    client = await nats.connect(stores.nats.url("ops"))
    try:
        info = await client.jetstream().stream_info(STREAM, subjects_filter=subject)
        return sum((info.state.subjects or {}).values())
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
        async def publish(self, event: CloudEvent) -> None:
            if event.tenantid == tenant_id:
                under_way.set()
                await go_on.wait()
            await super().publish(event)

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

        async def publish(self, event: CloudEvent) -> None:
            if event.tenantid == tenant_id and self.failures < Quick.TRIES:
                self.failures += 1
                raise BusUnavailable("no leader")
            await super().publish(event)

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


async def test_caches_forget_within_a_second_of_the_change(stores: Stack, seed: Seed) -> None:
    slug = some_slug()
    tenant_id = await seed.tenant(slug)
    await seed.client(tenant_id, slug)
    listener, publisher = bus_of(stores, "token"), bus_of(stores, "admin")
    async with database_of(stores, "token") as reader, database_of(stores, "admin") as writer:
        directory = Directory(reader, ttl_s=300)
        forget_on_events(listener, directory)
        relay = Relay(writer, publisher, "admin")
        async with running(listener.run(), publisher.run(), relay.run()):
            await connected(listener)
            await connected(publisher)
            await asyncio.sleep(0.1)
            tenant = await directory.tenant_by_slug(slug)
            client = await directory.client(tenant_id, slug)
            assert tenant is not None
            assert client is not None
            await seed.execute("update admin.tenants set name = 'New' where tenant_id = $1", tenant_id)
            await seed.execute("update admin.clients set name = 'New' where tenant_id = $1", tenant_id)
            assert (await directory.tenant_by_slug(slug)) == tenant  # still cached
            await write(
                writer, tenant_id, str(tenant_id), TenantUpdated(slug=slug, actor="t", changed=("name",))
            )
            await write(writer, tenant_id, slug, ClientUpdated(actor="t", changed=("name",)))
            relay.nudge()
            async with asyncio.timeout(1):
                while True:
                    tenant, client = (
                        await directory.tenant_by_slug(slug),
                        await directory.client(tenant_id, slug),
                    )
                    if tenant and client and tenant.name == client.name == "New":
                        break
                    await asyncio.sleep(0.01)


async def test_poison_goes_to_the_dead_letters_and_the_others_go_on(
    stores: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bus, "retry_after_s", 0.02)
    tenant_id, poison = uuid4(), "poison"
    handled: list[str] = []
    tries: list[str] = []

    async def handler(event: CloudEvent) -> None:
        if event.tenantid != tenant_id:
            return
        if event.subject == poison:
            tries.append(event.subject)
            raise ValueError("cannot")
        handled.append(event.subject)

    publisher, consumer = bus_of(stores, "authorize"), bus_of(stores, "token")
    async with database_of(stores, "authorize") as database:
        relay = Relay(database, publisher, "authorize")
        async with running(publisher.run(), consumer.run(), relay.run(), consumer.consume(handler)):
            for subject in (poison, "s1", "s2"):
                await write(database, tenant_id, subject, SessionEnded(user_id=uuid4(), reason="signed_out"))
            relay.nudge()
            await until(lambda: len(tries) == 5 and handled == ["s1", "s2"], 15)
    client = await nats.connect(stores.nats.url("ops"))
    try:
        dead = await client.jetstream().get_last_msg(
            "MTAS_DEAD", f"mtas.dead.token.mtas.v1.{tenant_id}.session.ended"
        )
        assert poison.encode() in (dead.data or b"")
    finally:
        await client.close()


async def test_deliveries_during_an_outage_do_not_count_against_an_event(
    stores: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bus, "retry_after_s", 0.01)
    tenant_id = uuid4()
    tries = 0
    handled = asyncio.Event()

    async def handler(event: CloudEvent) -> None:
        nonlocal tries
        if event.tenantid != tenant_id:
            return
        tries += 1
        if tries <= 6:
            raise ConnectionRefusedError  # the database is away
        if tries == 7:
            raise ValueError("an ordinary error, the first")
        handled.set()

    publisher, consumer = bus_of(stores, "authorize"), bus_of(stores, "token")
    async with database_of(stores, "authorize") as database:
        relay = Relay(database, publisher, "authorize")
        async with running(publisher.run(), consumer.run(), relay.run(), consumer.consume(handler)):
            await write(database, tenant_id, "s1", SessionEnded(user_id=uuid4(), reason="signed_out"))
            relay.nudge()
            async with asyncio.timeout(20):
                await handled.wait()


@pytest.mark.parametrize(
    ("service", "subject"),
    [
        pytest.param("token", "mtas.v1.x.client.updated", id="token speaks for admin"),
        pytest.param("admin", "mtas.v1.x.family.revoked", id="admin speaks for token"),
        pytest.param("jwks", "mtas.v1.x.user.registered", id="jwks speaks for authorize"),
        pytest.param("authorize", "mtas.dead.token.x", id="authorize writes another's dead letters"),
        pytest.param("token", "$JS.API.STREAM.DELETE.MTAS", id="token deletes the stream"),
        pytest.param("token", "$JS.API.CONSUMER.MSG.NEXT.MTAS.admin", id="token reads as admin"),
    ],
)
async def test_publishing_outside_a_services_permissions_is_denied(
    stores: Stack, service: str, subject: str
) -> None:
    client = await nats.connect(
        stores.nats.url(service), inbox_prefix=f"_INBOX_{service}".encode(), error_cb=_ignore
    )
    try:
        with pytest.raises((nats.errors.Error, nats.js.errors.Error, TimeoutError)):
            await client.request(subject, b"{}", timeout=0.3)
    finally:
        await client.close()


async def test_listening_to_users_is_not_for_token(stores: Stack) -> None:
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    client = await nats.connect(stores.nats.url("token"), error_cb=note)
    try:
        await client.subscribe("mtas.v1.*.user.*")
        with suppress(nats.errors.Error, TimeoutError):
            await client.flush()
        await until(lambda: bool(errors), 2)
        assert "permissions violation" in str(errors[0]).lower()
    finally:
        await client.close()


async def test_publishing_while_away_says_so(stores: Stack) -> None:
    bus = bus_of(stores, "authorize")
    with pytest.raises(BusUnavailable):
        await bus.publish(
            CloudEvent(
                id=uuid4(), source="x", type="mtas.v1.user.registered", subject="x",
                time=datetime.now(UTC), tenantid=uuid4(), data={},
            )
        )  # fmt: skip


async def _ignore(_error: Exception) -> None:
    return
