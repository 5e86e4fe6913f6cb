"""Events: through JetStream to those who listen, and what happens without NATS."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import nats
import nats.errors
import nats.js.errors
import pytest

from deploy.local.stack import Stack
from shared.directory import Directory
from shared.events.bus import Bus, BusUnavailable
from shared.events.catalog import ClientUpdated, SessionEnded, TenantUpdated
from shared.events.envelope import CloudEvent
from shared.events.invalidation import forget_on_events
from shared.events.outbox import Relay
from tests.support.events import bus_of, connected, database_of, running, until, write
from tests.support.seed import Seed, some_slug


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


async def test_an_answer_without_events_is_no_reason_to_end(stores: Stack) -> None:
    """What the client gives when a request ends with a status and nothing came; it ended the process once."""

    class Empty:
        async def fetch(self, _number: int, **_: float) -> list[object]:
            return []

    bus = bus_of(stores, "token")
    for at_once in (1, 8):
        await bus._consume_batch(Empty(), "token", _never, at_once)


async def _never(_event: object) -> None:
    raise AssertionError("there was none")
