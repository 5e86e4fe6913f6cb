"""The audit log: every event once, seen by its tenant alone; and what the dashboard makes of it."""

import asyncio
import csv
import io
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import msgspec
import pytest

from deploy.local.stack import Stack
from services.admin import events
from services.admin.app import create_app
from services.admin.flows import audit
from services.admin.flows.context import Context
from services.admin.routes.dashboard.audit_log import WORDS
from services.admin.settings import Settings
from services.admin.store import audit as audit_store
from shared.db import Database
from shared.events.bus import MAX_FAILURES, Bus
from shared.events.catalog import CATALOG
from shared.events.envelope import CloudEvent
from shared.secret import Secret, b64url
from shared.settings import load
from tests.services.admin.conftest import World
from tests.services.admin.test_api_tokens import make
from tests.services.admin.test_members import an_app
from tests.support.serve import serve


class Only:
    """A context of which recording may use the database and nothing else."""

    def __init__(self, database: Database) -> None:
        self.database = database


async def record(world: World, *cloud_events: CloudEvent) -> None:
    database = Database(Secret(world.stores.postgres.service_url("admin")), pool_size=4)
    context: Any = Only(database)
    handle = events.handler(context)
    await asyncio.gather(*(handle(event) for event in cloud_events))
    await database.close()


async def some_event(world: World, app_id: str, type_: str = "family.revoked", **changes: Any) -> CloudEvent:
    event = CloudEvent(
        id=uuid4(),
        source="mtas/token",
        type=f"mtas.v1.{type_}",
        subject=str(uuid4()),
        time=world.clock(),
        tenantid=await world.tenant_id(app_id),
        data={"client_id": app_id, "reason": "refresh_token_reused"},
    )
    return msgspec.structs.replace(event, **changes)


async def log(world: World, app_id: str, **query: str) -> list[dict[str, Any]]:
    answer = await world.api("GET", f"/apps/{app_id}/audit-log", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_an_event_delivered_many_times_is_recorded_once(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    event = await some_event(world, app_id)
    await record(world, *[event] * 16)
    [entry] = await log(world, app_id)
    assert (entry["event_id"], entry["type"], entry["source"]) == (
        str(event.id),
        "family.revoked",
        "mtas/token",
    )
    assert entry["data"] == {"client_id": app_id, "reason": "refresh_token_reused"}


async def test_an_event_that_this_version_does_not_know_is_recorded_too(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    await record(world, await some_event(world, app_id, "user.teleported"))
    assert [entry["type"] for entry in await log(world, app_id)] == ["user.teleported"]


async def test_a_tenant_sees_its_own_alone(world: World) -> None:
    mine = (await world.register())["app"]["app_id"]
    theirs = (await world.register())["app"]["app_id"]
    await record(world, await some_event(world, mine), await some_event(world, theirs))
    assert len(await log(world, mine)) == len(await log(world, theirs)) == 1
    assert (await log(world, mine))[0]["data"]["client_id"] == mine


async def test_newest_first_one_type_and_in_pages(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    made = [
        await some_event(
            world, app_id, "session.started" if number % 2 else "session.ended",
            time=world.clock() + timedelta(seconds=number),
        )
        for number in range(6)
    ]  # fmt: skip
    await record(world, *made)
    ids = [str(event.id) for event in reversed(made)]
    assert [entry["event_id"] for entry in await log(world, app_id)] == ids
    assert [entry["event_id"] for entry in await log(world, app_id, type="session.started")] == ids[::2]
    page = (await world.api("GET", f"/apps/{app_id}/audit-log", params={"limit": "4"})).json()
    rest = await log(world, app_id, cursor=page["next"])
    assert [entry["event_id"] for entry in [*page["items"], *rest]] == ids
    for wrong in ("x", "a.b.c", "session.%", "a\x00.b"):
        answer = await world.api("GET", f"/apps/{app_id}/audit-log", params={"type": wrong})
        assert answer.status_code == 422


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "never"])
async def test_a_cursor_out_of_all_time_is_none_of_ours(world: World, at: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    cursor = b64url(msgspec.json.encode([at, uuid4()]))
    answer = await world.api("GET", f"/apps/{app_id}/audit-log", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "cursor")


async def test_the_dashboard_says_who_did_what(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, email = await world.developer(app_id, "owner")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    data = {"actor": f"developer:{row['developer_id']}", "changed": ["redirect_uris", "name"]}
    hostile = {"actor": "<script>alert(1)</script>", "reason": "<img src=x onerror=alert(1)>"}
    await record(
        world,
        await some_event(world, app_id, "client.updated", data=data, subject=app_id),
        await some_event(world, app_id, data=hostile, subject="<script>"),
    )
    page = await person.get(f"/dashboard/apps/{app_id}/audit-log")
    for words in ("Client changed", email, "changed: redirect_uris, name", "Grant revoked"):
        assert words in page.text
    assert "<script>alert" not in page.text
    assert "<img" not in page.text


async def test_what_is_done_here_arrives_in_the_log_through_jetstream(
    world: World, stores: Stack, admin_environment: dict[str, str]
) -> None:
    await world.seed.execute("delete from events.outbox")  # what other tests have left
    nats_url = stores.environment("admin")["MTAS_NATS_URL"]
    settings = load(Settings, admin_environment | {"MTAS_NATS_URL": nats_url})
    async with serve(create_app(settings)):
        # Written by the instance that has no NATS; relayed and recorded by this one.
        app_id = (await world.register())["app"]["app_id"]
        await world.api("POST", f"/apps/{app_id}/clients/{app_id}/secrets", json={})
        for _ in range(100):
            entries = await log(world, app_id)
            if len(entries) == 3:
                break
            await asyncio.sleep(0.1)
    types = [entry["type"] for entry in entries]
    assert sorted(types) == ["client.created", "client.secret_rotated", "tenant.created"]
    assert {entry["data"]["actor"] for entry in entries} == {"operator"}
    assert await world.events(app_id) == []


async def test_events_outlive_an_outage_of_the_database(
    world: World, stores: Stack, admin_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often recording fails while PostgreSQL is away, no event ends in the dead letters."""
    monkeypatch.setattr(Bus, "retry_after_s", 0.01)
    await world.seed.execute("delete from events.outbox")
    failures: Counter[UUID] = Counter()
    insert = audit.record

    async def away_at_first(context: Context, event: CloudEvent) -> None:
        failures[event.id] += 1
        if failures[event.id] <= MAX_FAILURES + 2:
            raise asyncpg.CannotConnectNowError("starting up")
        await insert(context, event)

    monkeypatch.setattr(audit, "record", away_at_first)
    nats_url = stores.environment("admin")["MTAS_NATS_URL"]
    settings = load(Settings, admin_environment | {"MTAS_NATS_URL": nats_url})
    app_id = (await world.register())["app"]["app_id"]
    async with serve(create_app(settings)):
        for _ in range(100):
            entries = await log(world, app_id)
            if len(entries) == 2:
                break
            await asyncio.sleep(0.1)
    assert {entry["type"] for entry in entries} == {"tenant.created", "client.created"}


def test_every_event_has_words() -> None:
    assert CATALOG.keys() - WORDS.keys() == set()


async def test_it_is_searched_by_who_did_it_to_what_and_when(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    ada, ci = f"developer:{uuid4()}", f"/token:{uuid4()}"
    made = [
        await some_event(
            world, app_id, "client.updated", data={"actor": actor}, subject=subject,
            time=world.clock() + timedelta(hours=hour),
        )
        for hour, (actor, subject) in enumerate(((ada, "a"), (ada + ci, "b"), ("operator", "a")))
    ]  # fmt: skip
    await record(world, *made)

    async def found(**query: str) -> list[int]:
        ids = [entry["event_id"] for entry in await log(world, app_id, **query)]
        return [number for number, event in enumerate(made) if str(event.id) in ids]

    assert await found(actor=ada) == [0, 1]
    assert await found(actor=ada + ci) == [1]
    assert await found(actor="operator", subject="a") == [2]
    assert await found(subject="a", type="client.updated") == [0, 2]
    assert await found(since=made[1].time.isoformat()) == [1, 2]
    assert await found(until=made[1].time.isoformat()) == [0]
    assert await found(since="2000-01-01", until="2001-01-01T00:00:00Z") == []
    for wrong in (
        {"actor": "x\x00"},
        {"subject": "%"},
        {"since": "yesterday"},
        {"until": "0001-01-01T00:00+23:59"},
    ):
        answer = await world.api("GET", f"/apps/{app_id}/audit-log", params=wrong)
        assert [error["parameter"] for error in answer.json()["errors"]] == list(wrong)


async def test_it_is_exported_as_a_file_that_no_spreadsheet_computes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 2)
    monkeypatch.setattr(audit, "MAX_EXPORT", 4)
    app_id = (await world.register())["app"]["app_id"]
    events_ = [
        await some_event(world, app_id, subject="=1+1", data={"actor": "@x", "reason": "a,\"b\""},
                         time=world.clock() + timedelta(seconds=second))
        for second in range(5)
    ]  # fmt: skip
    await record(world, *events_)
    newest = [str(event.id) for event in reversed(events_)][:4]
    path = f"/apps/{app_id}/audit-log/export"
    lines = (await world.api("GET", path)).text.splitlines()
    assert [msgspec.json.decode(line)["event_id"] for line in lines] == newest
    answer = await world.api("GET", path, params={"format": "csv"})
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["event_id"] for row in rows] == newest
    assert {(row["subject"], row["actor"]) for row in rows} == {("'=1+1", "'@x")}
    for wrong in ({"format": "xml"}, {"type": "x"}):
        assert (await world.api("GET", path, params=wrong)).status_code == 422
    person, _ = await world.developer(app_id, "viewer")
    page = await person.get(f"/dashboard/apps/{app_id}/audit-log?actor=@x".replace("@", "%40"))
    assert page.status_code == 422
    assert "export?format=csv" in (await person.get(f"/dashboard/apps/{app_id}/audit-log")).text
    file = await person.http.get(f"/dashboard/apps/{app_id}/audit-log/export?format=csv")
    assert (file.status_code, file.text) == (200, answer.text)
    other = (await world.register())["app"]["app_id"]
    assert (await person.http.get(f"/dashboard/apps/{other}/audit-log/export")).status_code == 404


@pytest.mark.parametrize("by", ["token", "session"])
async def test_an_export_ends_with_the_token_or_session_that_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    app_id = await an_app(world)
    await record(world, *[await some_event(world, app_id) for _ in range(5)])
    person, email = await world.developer(app_id, "viewer")
    token = await make(world, email)
    began, may_go_on = asyncio.Event(), asyncio.Event()
    read = audit_store.list_entries

    async def slowly(*arguments: Any) -> Any:
        rows = await read(*arguments)
        began.set()
        await may_go_on.wait()
        return rows

    monkeypatch.setattr(audit, "BATCH", 1)
    monkeypatch.setattr(audit_store, "list_entries", slowly)
    if by == "token":
        asking = asyncio.create_task(token("GET", f"/apps/{app_id}/audit-log/export"))
    else:
        asking = asyncio.create_task(person.http.get(f"/dashboard/apps/{app_id}/audit-log/export"))
    await began.wait()
    if by == "token":
        assert (await world.api("DELETE", f"/api-tokens/{token.token_id}")).status_code == 204
    else:
        await world.seed.execute("delete from admin.developer_sessions")
    may_go_on.set()
    with pytest.raises(httpx2.RemoteProtocolError):  # in the middle, so that nobody takes it for the whole
        await asking
