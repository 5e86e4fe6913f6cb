"""`mtas.events.Subscriber` on a real NATS, as the user that `deploy/nats/nats.conf` has for it."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import nats
import pytest
from nats.aio.client import Client

from deploy.local.stack import Stack
from deploy.provision.nats import consumer
from mtas.events import Event, FamilyRevoked, RetryLater, SessionEnded, Subscriber, UserRegistered
from mtas.events.envelope import decode
from shared.events import envelope
from shared.events.catalog import CATALOG
from tests.support.events import until

REGISTERED = {"by": "sign_up"}


class Publisher:
    """What the services would say, of a tenant that only this test has."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.tenant_id = uuid4()

    async def begin(self) -> None:
        """The consumer as provisioning makes it, of this test's events alone."""
        jetstream = self.client.jetstream()
        await jetstream.delete_consumer("MTAS", "subscriber")
        await jetstream.add_consumer("MTAS", consumer("subscriber", [f"mtas.v1.{self.tenant_id}.>"]))

    async def publish(self, kind: str, data: dict[str, Any], event_id: str | None = None) -> str:
        event_id = event_id or str(uuid4())
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": "mtas/test",
            "type": f"mtas.v1.{kind}",
            "subject": "u-1",
            "time": "2027-01-15T08:00:00.123456Z",
            "tenantid": str(self.tenant_id),
            "datacontenttype": "application/json",
            "data": data,
        }
        await self.raw(kind, json.dumps(event).encode())
        return event_id

    async def raw(self, kind: str, message: bytes) -> None:
        await self.client.jetstream().publish(f"mtas.v1.{self.tenant_id}.{kind}", message)

    async def dead(self) -> list[bytes]:
        stream = self.client.jetstream()
        info = await stream.stream_info(
            "MTAS_DEAD", subjects_filter=f"mtas.dead.subscriber.*.*.{self.tenant_id}.>"
        )
        found = [await stream.get_last_msg("MTAS_DEAD", subject) for subject in info.state.subjects or {}]
        return [message.data or b"" for message in found]

    async def waiting(self) -> int:
        """What the consumer has yet to be given, or has not acknowledged."""
        info = await self.client.jetstream().consumer_info("MTAS", "subscriber")
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)


@pytest.fixture
async def publisher(stores: Stack) -> AsyncIterator[Publisher]:
    client = await nats.connect(stores.nats.url("ops"))
    publisher = Publisher(client)
    await publisher.begin()
    yield publisher
    await client.close()


class Heard:
    """A subscriber that notes what it is given, and fails where a test says so."""

    def __init__(self, stores: Stack) -> None:
        self.events: list[Event[Any]] = []
        self.fail: dict[str, list[BaseException]] = {}
        self.subscriber = Subscriber(stores.nats.url("subscriber"), "subscriber", retry_after_s=0.02)
        for kind in (UserRegistered, SessionEnded, FamilyRevoked):
            self.subscriber.on(kind)(self._handle)

    async def _handle(self, event: Event[Any]) -> None:
        self.events.append(event)
        if failures := self.fail.get(event.id):
            raise failures.pop(0)

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.subscriber.run(handle_signals=False))
        try:
            yield
        finally:
            self.subscriber.stop()
            await asyncio.wait_for(task, 10)


@pytest.fixture
def heard(stores: Stack) -> Heard:
    return Heard(stores)


async def test_events_come_typed_and_once(publisher: Publisher, heard: Heard) -> None:
    first = await publisher.publish("user.registered", REGISTERED | {"added_later": 1})
    second = await publisher.publish("session.ended", {"user_id": "u-1", "reason": "a new word"})
    await publisher.publish("planet.discovered", {})  # of a newer server
    await publisher.publish("client.updated", {"actor": "x", "changed": ["name"]})  # nobody's
    async with heard.running():
        await until(lambda: len(heard.events) == 2, 10)
        await _settled(publisher)
    registered, ended = heard.events
    assert (registered.id, registered.type, registered.data) == (
        first,
        "user.registered",
        UserRegistered(by="sign_up"),
    )
    assert registered.tenant_id == str(publisher.tenant_id)
    assert (registered.subject, registered.time.microsecond) == ("u-1", 123456)
    assert (ended.id, ended.data) == (second, SessionEnded(user_id="u-1", reason="a new word"))
    assert await publisher.dead() == []


async def test_what_comes_twice_is_handled_once(publisher: Publisher, heard: Heard) -> None:
    """As when the acknowledgement was lost."""
    event_id = await publisher.publish("user.registered", REGISTERED)
    await publisher.publish("user.registered", REGISTERED, event_id)
    async with heard.running():
        await _settled(publisher)
    assert heard.ids == [event_id]


async def test_a_failure_is_tried_again_and_the_others_go_on(publisher: Publisher, heard: Heard) -> None:
    failing = await publisher.publish("user.registered", REGISTERED)
    other = await publisher.publish("user.registered", REGISTERED)
    heard.fail[failing] = [ValueError("once"), asyncio.CancelledError()]  # it awaited what was cancelled
    async with heard.running():
        await until(lambda: len(heard.events) == 4, 10)
        await _settled(publisher)
    assert heard.ids == [failing, other, failing, failing]


async def test_what_fails_five_times_is_a_dead_letter(publisher: Publisher, heard: Heard) -> None:
    poison = await publisher.publish("user.registered", REGISTERED)
    heard.fail[poison] = [ValueError("again")] * 9
    await publisher.raw("family.revoked", b'{"specversion": "1.0"}')
    async with heard.running():
        await _settled(publisher)
    assert heard.ids == [poison] * 5
    dead = sorted(await publisher.dead())
    assert len(dead) == 2
    assert any(poison.encode() in message for message in dead)
    assert b'{"specversion": "1.0"}' in dead


async def test_waiting_for_a_store_is_no_failure(publisher: Publisher, heard: Heard) -> None:
    event_id = await publisher.publish("user.registered", REGISTERED)
    heard.fail[event_id] = [RetryLater(0.01) for _ in range(7)]
    async with heard.running():
        await until(lambda: len(heard.events) == 8, 10)
        await _settled(publisher)
    assert await publisher.dead() == []


async def test_stopping_finishes_one_and_gives_back_the_others(
    stores: Stack, publisher: Publisher, heard: Heard
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []
    stopping = Subscriber(stores.nats.url("subscriber"), "subscriber")

    @stopping.on(UserRegistered)
    async def slow(event: Event[UserRegistered]) -> None:
        begun.set()
        await go_on.wait()
        done.append(event.id)

    ids = [await publisher.publish("user.registered", REGISTERED) for _ in range(3)]
    task = asyncio.create_task(stopping.run(handle_signals=False))
    await begun.wait()
    stopping.stop()
    go_on.set()
    await asyncio.wait_for(task, 10)
    async with heard.running():  # another process, at once
        await until(lambda: len(heard.events) == 2, 10)
        await _settled(publisher)
    assert done + heard.ids == ids


async def test_sigterm_drains_a_process(stores: Stack, publisher: Publisher, tmp_path: Path) -> None:
    program = dedent(
        """
        import asyncio, os
        from mtas.events import Event, Subscriber, UserRegistered

        subscriber = Subscriber(os.environ["URL"], "subscriber")

        @subscriber.on(UserRegistered)
        async def slow(event: Event[UserRegistered]) -> None:
            print("begun", flush=True)
            await asyncio.sleep(0.3)
            print("done", flush=True)

        asyncio.run(subscriber.run())
        """
    )
    for _ in range(2):
        await publisher.publish("user.registered", REGISTERED)
    environ = {**os.environ, "URL": stores.nats.url("subscriber")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environ, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert await process.stdout.read() == b"done\n"
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert await publisher.waiting() == 1


async def test_the_guides_program_hears_an_event(stores: Stack, publisher: Publisher, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "sdk" / "events.md").read_text()
    [program] = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    event_id = await publisher.publish("user.registered", REGISTERED)
    environ = {**os.environ, "MTAS_EVENTS_URL": stores.nats.url("subscriber"), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environ, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    try:
        heard = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().split()
        assert heard == [event_id, str(publisher.tenant_id), "u-1", "sign_up"]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()


async def test_troubles_are_said_once(
    stores: Stack, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    """Another's consumer cannot be read, and a wrong password is not kept quiet; the URL is never said."""
    password = stores.secrets["nats-subscriber"]
    wrong = f"nats://subscriber:pw_wrong@127.0.0.1:{stores.nats.port}"
    for url, name, said in (
        (stores.nats.url("subscriber"), "admin", "ermissions"),
        (wrong, "subscriber", "uthorization"),
    ):
        caplog.clear()
        subscriber = Subscriber(url, name)
        subscriber.on(UserRegistered)(_never)
        task = asyncio.create_task(subscriber.run(handle_signals=False))
        await until(lambda said=said: said in caplog.text, 10)  # type: ignore[misc]
        subscriber.stop()
        await asyncio.wait_for(task, 10)
        assert password not in caplog.text
        assert "pw_wrong" not in caplog.text


async def test_a_consumer_that_is_not_there_is_named(stores: Stack, caplog: pytest.LogCaptureFixture) -> None:
    subscriber = Subscriber(stores.nats.url("ops"), "billing")
    subscriber.on(UserRegistered)(_never)
    task = asyncio.create_task(subscriber.run(handle_signals=False))
    await until(lambda: "no consumer billing" in caplog.text, 10)
    subscriber.stop()
    await asyncio.wait_for(task, 10)


async def test_wrong_usage_is_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        Subscriber("nats://localhost", "a.b")
    subscriber = Subscriber("nats://localhost", "billing")
    with pytest.raises(ValueError, match="no handlers"):
        await subscriber.run()
    subscriber.on(UserRegistered)(_never)
    with pytest.raises(ValueError, match="already"):
        subscriber.on(UserRegistered)(_never)


def test_every_event_of_the_catalogue_is_known() -> None:
    """What a service encodes, the SDK decodes."""
    for kind in CATALOG:
        schema = envelope.decode(_example(kind))
        event = decode(envelope.encode(schema))
        assert event is not None
        assert event.type == kind


def _example(kind: str) -> bytes:
    words = {"changed": ["name"], "amr": ["pwd"], "imported": False}
    data = {name: words.get(name, "x") for name in CATALOG[kind].__struct_fields__}
    return json.dumps(
        {
            "id": str(uuid4()),
            "source": "mtas/x",
            "type": f"mtas.v1.{kind}",
            "subject": "x",
            "time": "2027-01-15T08:00:00Z",
            "tenantid": str(uuid4()),
            "data": data,
        }
    ).encode()


async def _settled(publisher: Publisher) -> None:
    async with asyncio.timeout(15):
        while await publisher.waiting():
            await asyncio.sleep(0.02)


async def _never(event: Event[Any]) -> None:
    raise AssertionError(event)
