"""The feed of events: each once, in one order, without a gap, and of one's own apps alone."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from services.admin.store.audit import _SQL
from shared.clock import utc_now
from shared.events import envelope
from shared.secret import b64url
from tests.services.admin.conftest import World
from tests.services.admin.test_api import is_problem
from tests.services.admin.test_api_tokens import make
from tests.services.admin.test_audit import record, some_event
from tests.services.admin.test_members import an_app


async def read(world: World, app_id: str, after: str | None = None, **query: str) -> dict[str, Any]:
    wanted = {"app": app_id} | query | ({} if after is None else {"after": after})
    answer = await world.api("GET", "/events", params=wanted)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def read_all(world: World, app_id: str, after: str | None = None, limit: int = 3) -> list[str]:
    found: list[str] = []
    while True:
        feed = await read(world, app_id, after, limit=str(limit))
        found += [item["id"] for item in feed["items"]]
        after = feed["next"]
        if not feed["more"]:
            return found


async def test_it_is_read_from_the_beginning_and_goes_on_later(world: World) -> None:
    app_id = await an_app(world)
    assert await read(world, app_id) == {"items": [], "next": None, "more": False}
    events = [await some_event(world, app_id) for _ in range(5)]
    for event in events:
        await record(world, event)
    first = await read(world, app_id, limit="2")
    assert ([item["id"] for item in first["items"]], first["more"]) == ([str(e.id) for e in events[:2]], True)
    rest = await read(world, app_id, first["next"])
    assert [item["id"] for item in rest["items"]] == [str(event.id) for event in events[2:]]
    nothing = await read(world, app_id, rest["next"])
    assert nothing == {"items": [], "next": rest["next"], "more": False}
    late = await some_event(world, app_id)
    await record(world, late, *events)  # which were told before
    assert await read_all(world, app_id, nothing["next"]) == [str(late.id)]


async def test_an_event_is_as_subscribers_get_it(world: World) -> None:
    app_id = await an_app(world)
    event = await some_event(world, app_id)
    await record(world, event)
    [item] = (await read(world, app_id))["items"]
    assert envelope.decode(msgspec.json.encode(item)) == event


async def test_one_that_is_still_being_recorded_is_not_passed_over(world: World) -> None:
    """Were it, who reads now would have gone on behind it."""
    app_id = await an_app(world)
    tenant_id = await world.tenant_id(app_id)
    early, late = [await some_event(world, app_id) for _ in range(2)]
    connection = await asyncpg.connect(world.stores.postgres.superuser_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await insert(connection, tenant_id, early.id)
        recording = asyncio.create_task(record(world, late))
        await asyncio.sleep(0.5)
        assert await read_all(world, app_id) == []
        await transaction.commit()
        await recording
    finally:
        await connection.close()
    assert await read_all(world, app_id) == [str(early.id), str(late.id)]


async def insert(connection: Any, tenant_id: UUID, event_id: UUID) -> None:
    """As the service does."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str)
    await connection.execute(
        _SQL["insert_entry"], tenant_id, event_id, utc_now(), "mtas/token", "family.revoked", "x", "{}"
    )


async def test_who_reads_while_many_record_misses_none_and_sees_none_twice(world: World) -> None:
    app_id = await an_app(world)
    events = [await some_event(world, app_id) for _ in range(60)]
    recording = asyncio.gather(*(record(world, *events[each::6]) for each in range(6)))
    seen: list[str] = []
    after = None
    while True:
        is_done = recording.done()
        feed = await read(world, app_id, after, limit="7")
        seen += [item["id"] for item in feed["items"]]
        after = feed["next"]
        if is_done and not feed["items"]:
            break
    await recording
    assert len(seen) == len(set(seen))
    assert set(seen) == {str(event.id) for event in events}


async def test_it_is_of_ones_own_apps_alone(world: World) -> None:
    mine, theirs = await an_app(world), await an_app(world)
    for app_id in (mine, theirs):
        await record(world, await some_event(world, app_id))
    cursor = (await read(world, theirs))["next"]
    _, email = await world.developer(mine, "viewer")
    call = await make(world, email)
    assert len((await call("GET", "/events", params={"app": mine})).json()["items"]) == 1
    for app_id in (theirs, "no-such-app", "%00"):
        is_problem(await call("GET", "/events", params={"app": app_id, "after": cursor}), 404)
    # Sees one app, so it need not be named; of two it must be.
    assert (await call("GET", "/events")).json() == (await read(world, mine))
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    await world.set_role(theirs, row["developer_id"], "viewer")
    problem = is_problem(await call("GET", "/events"), 422)
    assert problem["errors"] == [{"parameter": "app", "detail": "Say whose events."}]
    only = await make(world, email, app_id=theirs)
    assert (await only("GET", "/events")).json() == (await read(world, theirs))
    is_problem(await only("GET", "/events", params={"app": mine}), 404)


async def test_it_needs_a_scope_of_its_own(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "owner")
    call = await make(world, email, scope=["audit:read", "apps:read"])
    is_problem(await call("GET", "/events", params={"app": app_id}), 403)
    call = await make(world, email, scope=["events:read"])
    assert (await call("GET", "/events", params={"app": app_id})).status_code == 200


@pytest.mark.parametrize(
    "after", ["x", "", b64url(b"-1"), b64url(b'"1"'), b64url(b"1.5"), b64url(b"9" * 30), b64url(b"null")]
)
async def test_what_is_no_cursor_is_refused(world: World, after: str) -> None:
    answer = await world.api("GET", "/events", params={"app": await an_app(world), "after": after})
    assert is_problem(answer, 422)["errors"][0]["parameter"] == "after"


async def test_what_was_recorded_before_there_was_a_feed_is_not_in_it(world: World) -> None:
    app_id = await an_app(world)
    await world.seed.execute(
        "insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)"
        " values ($1, $2, now(), 's', 't', 'x', '{}')",
        await world.tenant_id(app_id),
        uuid4(),
    )
    event = await some_event(world, app_id)
    await record(world, event)
    assert await read_all(world, app_id) == [str(event.id)]


async def test_an_event_of_a_tenant_that_is_not_here_is_recorded_too(world: World) -> None:
    """After a restore of the database to before it was made, say."""
    app_id = await an_app(world)
    gone = uuid4()
    await record(world, await some_event(world, app_id, tenantid=gone))
    rows = await world.seed.fetch("select position from admin.audit_log where tenant_id = $1", gone)
    assert [row["position"] for row in rows] == [1]
