"""Everything about a user, exported and deleted by them (GDPR Art. 15, 17, 20)."""

import asyncio
import json
from typing import Any

from tests.services.authorize.conftest import PASSWORD, World
from tests.services.authorize.test_account import family, is_signed_in, revoked, sessions, submit


async def test_the_export_has_everything_and_no_secret(world: World) -> None:
    person = world.person()
    await person.sign_in()
    (mine,) = await sessions(world)
    await family(world, mine)
    answer = await submit(person, "account/data", {})
    assert answer.headers["content-disposition"] == f'attachment; filename="{world.slug}-account.json"'
    assert answer.headers["cache-control"] == "no-store"
    exported: dict[str, Any] = json.loads(answer.text)
    assert exported["user"]["email"] == "ada@example.com"
    assert exported["sessions"][0]["address"] == person.address
    assert exported["connected_apps"][0]["client_id"] == world.slug
    assert "argon2" not in answer.text
    assert str(person.session) not in answer.text


async def test_a_deleted_account_is_gone_with_all_that_is_about_it(world: World) -> None:
    person = world.person()
    await person.sign_in()
    (mine,) = await sessions(world)
    grant = await family(world, mine, offline=True)
    for values in (
        {"confirm": "eve@example.com", "password": PASSWORD},
        {"confirm": "ada@example.com", "password": "wrong"},
    ):
        assert (await submit(person, "account/delete", values)).status_code == 422
    assert await is_signed_in(person)
    done = await submit(person, "account/delete", {"confirm": " ADA@example.com", "password": PASSWORD})
    assert done.status_code == 303
    assert not await is_signed_in(person)
    assert (await world.person().sign_in()).status_code == 422
    for table in ("users", "credentials", "sessions", "mails", "consents"):
        assert (
            await world.seed.fetch(f"select 1 from authorize.{table} where tenant_id = $1", world.tenant_id)
            == []
        )
    assert await revoked(world) == {grant: "user_deleted"}
    assert (await world.events())[-1][0] in ("user.deleted", "family.revoked")


async def test_whose_session_ends_meanwhile_deletes_nothing(world: World) -> None:
    thief = world.person()
    await thief.sign_in()
    [grant] = [await family(world, session_id) for session_id in await sessions(world)]
    form = await thief.http.get(thief.path("account/delete"))
    refused = await world.seed.while_under_way(
        "update authorize.sessions set ended_at = now() where tenant_id = $1",
        world.tenant_id,
        do=thief.send(form, {"confirm": "ada@example.com", "password": PASSWORD}),
    )
    assert refused.status_code == 422
    assert await revoked(world) == {grant: None}
    assert (await world.person().sign_in()).status_code == 200


async def test_an_account_deleted_twice_at_once_is_deleted_once(world: World) -> None:
    people = [world.person() for _ in range(4)]
    for person in people:
        await person.sign_in()
    values = {"confirm": "ada@example.com", "password": PASSWORD}
    answers = await asyncio.gather(*(submit(person, "account/delete", values) for person in people))
    assert {each.status_code for each in answers} <= {303, 422}
    assert [kind for kind, _, _ in await world.events()].count("user.deleted") == 1
