"""Members: who may change whom."""

import asyncio
from typing import Any

import pytest

from tests.services.admin.conftest import PASSWORD, World
from tests.services.admin.test_api import NEVER, is_problem
from tests.services.admin.test_api_tokens import make, told
from tests.support.seed import some_slug

ROLES = ("owner", "admin", "viewer")


async def an_app(world: World) -> str:
    return str((await world.register())["app"]["app_id"])


async def a_member(world: World, app_id: str, role: str) -> tuple[str, Any]:
    """A member's id, and calls of the API in their name."""
    _, email = await world.developer(app_id, role)
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    return str(row["developer_id"]), await make(world, email)


async def roles(world: World, app_id: str) -> dict[str, str]:
    listed = (await world.api("GET", f"/apps/{app_id}/members")).json()["items"]
    return {item["developer_id"]: item["role"] for item in listed}


async def members_of(world: World, app_id: str) -> dict[str, str]:
    listed = (await world.api("GET", f"/apps/{app_id}/members")).json()["items"]
    return {item["email"]: item["role"] for item in listed}


async def invite(world: World, app_id: str, email: str, role: str = "viewer") -> dict[str, Any]:
    answer = await world.api("POST", f"/apps/{app_id}/invitations", json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_an_owner_changes_roles_and_removes(world: World) -> None:
    app_id = await an_app(world)
    owner_id, owner = await a_member(world, app_id, "owner")
    other_id, other = await a_member(world, app_id, "viewer")
    changed = await owner("PATCH", f"/apps/{app_id}/members/{other_id}", json={"role": "admin"})
    assert (changed.status_code, changed.json()["role"]) == (200, "admin")
    assert (await told(world, app_id, "member.role_changed"))["role"] == "admin"
    assert (await other("PATCH", f"/apps/{app_id}", json={"name": "By admin"})).status_code == 200
    removed = await owner("DELETE", f"/apps/{app_id}/members/{other_id}")
    assert removed.status_code == 204
    is_problem(await other("GET", f"/apps/{app_id}"), 404)
    assert await roles(world, app_id) == {owner_id: "owner"}


@pytest.mark.parametrize("role", ["admin", "viewer"])
async def test_nobody_else_changes_a_role_least_of_all_their_own(world: World, role: str) -> None:
    app_id = await an_app(world)
    owner_id, _ = await a_member(world, app_id, "owner")
    member_id, member = await a_member(world, app_id, role)
    before = await roles(world, app_id)
    for wanted in ROLES:
        is_problem(await member("PATCH", f"/apps/{app_id}/members/{member_id}", json={"role": wanted}), 403)
    is_problem(await member("PATCH", f"/apps/{app_id}/members/{owner_id}", json={"role": "viewer"}), 403)
    is_problem(await member("DELETE", f"/apps/{app_id}/members/{owner_id}"), 403)
    body = {"email": "evil@example.com", "role": "owner"}
    is_problem(await member("POST", f"/apps/{app_id}/invitations", json=body), 403)
    invited = (await invite(world, app_id, f"{some_slug()}@example.com"))["invitation"]["invitation_id"]
    is_problem(await member("DELETE", f"/apps/{app_id}/invitations/{invited}"), 403)
    is_problem(await member("POST", f"/apps/{app_id}/invitations/{invited}/resend"), 403)
    assert await roles(world, app_id) == before


@pytest.mark.parametrize("role", ROLES)
async def test_everybody_may_leave(world: World, role: str) -> None:
    app_id = await an_app(world)
    await a_member(world, app_id, "owner")
    member_id, member = await a_member(world, app_id, role)
    assert (await member("DELETE", f"/apps/{app_id}/members/{member_id}")).status_code == 204
    assert member_id not in await roles(world, app_id)


async def test_the_last_owner_stays_one(world: World) -> None:
    app_id = await an_app(world)
    owner_id, owner = await a_member(world, app_id, "owner")
    await a_member(world, app_id, "admin")
    for call in (owner, world.api):
        is_problem(await call("DELETE", f"/apps/{app_id}/members/{owner_id}"), 409)
        answer = await call("PATCH", f"/apps/{app_id}/members/{owner_id}", json={"role": "viewer"})
        is_problem(answer, 409)
    assert (await roles(world, app_id))[owner_id] == "owner"


async def test_of_owners_who_all_leave_at_once_one_stays(world: World) -> None:
    app_id = await an_app(world)
    owners = [await a_member(world, app_id, "owner") for _ in range(4)]
    calls = (call("DELETE", f"/apps/{app_id}/members/{id_}") for id_, call in owners)
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*calls)])
    assert statuses == [204, 204, 204, 409]
    assert list((await roles(world, app_id)).values()) == ["owner"]


async def test_a_member_of_another_app_is_not_found(world: World) -> None:
    mine, theirs = await an_app(world), await an_app(world)
    _, owner = await a_member(world, mine, "owner")
    their_id, _ = await a_member(world, theirs, "viewer")
    invited = (await invite(world, theirs, f"{some_slug()}@example.com"))["invitation"]["invitation_id"]
    for developer_id in (their_id, NEVER):
        path = f"/apps/{mine}/members/{developer_id}"
        is_problem(await owner("GET", path), 404)
        is_problem(await owner("PATCH", path, json={"role": "owner"}), 404)
        is_problem(await owner("DELETE", path), 404)
    for invitation_id in (invited, NEVER):
        is_problem(await owner("DELETE", f"/apps/{mine}/invitations/{invitation_id}"), 404)
        is_problem(await owner("POST", f"/apps/{mine}/invitations/{invitation_id}/resend"), 404)
    assert (await roles(world, theirs))[their_id] == "viewer"


async def test_members_come_in_pages(world: World) -> None:
    app_id = await an_app(world)
    ids = [(await a_member(world, app_id, "viewer"))[0] for _ in range(3)]
    page = (await world.api("GET", f"/apps/{app_id}/members", params={"limit": "2"})).json()
    rest = (await world.api("GET", f"/apps/{app_id}/members", params={"cursor": page["next"]})).json()
    assert [item["developer_id"] for item in [*page["items"], *rest["items"]]] == ids


async def test_members_are_changed_only_by_who_has_just_shown_who_they_are(world: World) -> None:
    """Step-up: ten minutes after the password, it is asked for again, and nothing has happened meanwhile."""
    app_id = await an_app(world)
    person, _ = await world.developer(app_id, "owner")
    other_id, _ = await a_member(world, app_id, "viewer")
    invited = await invite(world, app_id, f"{some_slug()}@example.com")
    here = f"/dashboard/apps/{app_id}"
    world.clock.advance(601)
    forms = {
        f"/members/{other_id}/role": {"role": "admin"},
        f"/members/{other_id}/remove": {},
        f"/invitations/{invited['invitation']['invitation_id']}/revoke": {},
        "/invite": {"email": "new@example.com", "role": "viewer"},
    }
    before = await members_of(world, app_id)
    page = await person.get(here)
    form = page.text.split('form_token" value="')[1][:43]
    for path, fields in forms.items():
        asked = await person.http.post(here + path, data=fields | {"form_token": form})
        assert (asked.status_code, 'name="password"' in asked.text) == (403, True), path
        wrong = await person.submit(asked, {"password": "not it"})
        assert wrong.status_code == 422, path
    resend = f"/invitations/{invited['invitation']['invitation_id']}/resend"
    assert (await person.http.post(here + resend, data={"form_token": form})).status_code == 403
    assert await members_of(world, app_id) == before
    assert len((await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"]) == 1
    fields = {"role": "admin", "form_token": form}
    asked = await person.http.post(here + f"/members/{other_id}/role", data=fields)
    assert (await person.submit(asked, {"password": PASSWORD})).status_code == 303
    assert (await roles(world, app_id))[other_id] == "admin"
