"""Members and invitations: who may change whom, and what an invitation is worth in other hands."""

import asyncio
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from services.admin.flows.invitations import MOST_OPEN
from tests.services.admin.conftest import PASSWORD, Person, World
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


async def invite(world: World, app_id: str, email: str, role: str = "viewer") -> dict[str, Any]:
    answer = await world.api("POST", f"/apps/{app_id}/invitations", json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def token_of(invited: dict[str, Any]) -> str:
    return str(parse_qs(urlsplit(invited["link"]).query)["token"][0])


# Roles ----------------------------------------------------------------------------------------


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
    assert (await roles(world, theirs))[their_id] == "viewer"


async def test_members_come_in_pages(world: World) -> None:
    app_id = await an_app(world)
    ids = [(await a_member(world, app_id, "viewer"))[0] for _ in range(3)]
    page = (await world.api("GET", f"/apps/{app_id}/members", params={"limit": "2"})).json()
    rest = (await world.api("GET", f"/apps/{app_id}/members", params={"cursor": page["next"]})).json()
    assert [item["developer_id"] for item in [*page["items"], *rest["items"]]] == ids


# Invitations: made and ended ------------------------------------------------------------------


async def test_its_link_is_shown_once_and_its_token_kept_as_a_hash(world: World) -> None:
    app_id = await an_app(world)
    email = f"{some_slug()}@example.com"
    invited = await invite(world, app_id, email, "admin")
    token = token_of(invited)
    [row] = await world.seed.fetch("select * from admin.invitations where email = $1", email)
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert token not in str(row)
    listed = await world.api("GET", f"/apps/{app_id}/invitations")
    assert [item["email"] for item in listed.json()["items"]] == [email]
    assert token not in listed.text
    assert email not in str(await world.events(app_id))
    assert invited["link"].startswith("http://localhost:8080/dashboard/join?")


async def test_inviting_again_ends_the_one_before(world: World) -> None:
    app_id = await an_app(world)
    email = f"{some_slug()}@example.com"
    first, second = await invite(world, app_id, email), await invite(world, app_id, email.upper(), "owner")
    listed = (await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"]
    assert [item["invitation_id"] for item in listed] == [second["invitation"]["invitation_id"]]
    assert (await join(world, first)).status_code == 410


async def test_who_is_a_member_is_not_invited(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "viewer")
    body = {"email": email.upper(), "role": "owner"}
    is_problem(await world.api("POST", f"/apps/{app_id}/invitations", json=body), 409)


async def test_so_many_are_open_at_a_time(world: World) -> None:
    app_id = await an_app(world)
    tenant_id = await world.tenant_id(app_id)
    await world.seed.execute(
        "insert into admin.invitations"
        " (tenant_id, token_hash, email, email_key, role, vouched, created_at, expires_at)"
        " select $1, sha256(n::text::bytea), n, n, 'viewer', false, $2::timestamptz, $2 + interval '1 day'"
        "   from generate_series(1, $3) n",
        tenant_id,
        world.clock(),
        MOST_OPEN,
    )
    body = {"email": "one-more@example.com", "role": "viewer"}
    is_problem(await world.api("POST", f"/apps/{app_id}/invitations", json=body), 409)


@pytest.mark.parametrize("email", ["", "ada", "ada@example", "a@b.c\r\nBcc: x@y.z", "é" * 300 + "@a.example"])
async def test_an_address_that_cannot_be_one_is_refused(world: World, email: str) -> None:
    app_id = await an_app(world)
    body = {"email": email, "role": "viewer"}
    problem = is_problem(await world.api("POST", f"/apps/{app_id}/invitations", json=body), 422)
    assert problem["errors"][0]["pointer"] == "#/email"


# Invitations: taken ---------------------------------------------------------------------------


def path_of(invited: dict[str, Any]) -> str:
    address = urlsplit(invited["link"])
    return f"{address.path}?{address.query}"


async def join(world: World, invited: dict[str, Any], person: Person | None = None) -> httpx2.Response:
    """Open the link, as somebody who is not signed in if not told otherwise, and send its form."""
    person = person or world.person()
    page = await person.get(path_of(invited))
    return await person.submit(page, {"password": PASSWORD}) if page.status_code == 200 else page


async def members_of(world: World, app_id: str) -> dict[str, str]:
    listed = (await world.api("GET", f"/apps/{app_id}/members")).json()["items"]
    return {item["email"]: item["role"] for item in listed}


async def test_who_has_no_account_makes_one_for_the_invited_address(world: World) -> None:
    app_id = await an_app(world)
    email = f"{some_slug()}@example.com"
    invited = await invite(world, app_id, email, "admin")
    person = world.person()
    page = await person.get(path_of(invited))
    assert 'name="email"' not in page.text
    typed = {"password": PASSWORD, "email": "evil@example.com", "role": "owner"}
    joined = await person.submit(page, typed)
    assert joined.headers["location"] == f"/dashboard/apps/{app_id}?done=joined"
    assert (await person.http.get(f"/dashboard/apps/{app_id}/settings")).status_code == 200
    assert await members_of(world, app_id) == {email: "admin"}
    assert (await told(world, app_id, "member.joined"))["role"] == "admin"
    # It is an account like any other, and sees nothing else.
    assert (await world.person().sign_in(email)).status_code == 303
    assert (await person.http.get(f"/dashboard/apps/{await an_app(world)}")).status_code == 404


async def test_a_password_that_may_not_be_one_is_said_and_takes_nothing(world: World) -> None:
    app_id = await an_app(world)
    invited = await invite(world, app_id, f"{some_slug()}@example.com")
    person = world.person()
    refused = await person.submit(await person.get(path_of(invited)), {"password": "short"})
    assert (refused.status_code, 'href="#password"' in refused.text) == (422, True)
    assert await members_of(world, app_id) == {}
    assert (await join(world, invited)).status_code == 303


async def test_who_has_an_account_joins_with_it(world: World) -> None:
    app_id = await an_app(world)
    person, email = await world.developer()
    invited = await invite(world, app_id, f" {email.upper()} ")
    joined = await person.submit(await person.get(path_of(invited)), {}, to="/join")
    assert joined.status_code == 303
    assert await members_of(world, app_id) == {email: "viewer"}


async def test_who_has_an_account_and_is_signed_out_gives_its_password(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer()
    invited = await invite(world, app_id, email)
    person = world.person()
    wrong = await person.submit(await person.get(path_of(invited)), {"password": "somebody else's"})
    assert wrong.status_code == 422
    assert await members_of(world, app_id) == {}
    assert (await join(world, invited)).status_code == 303
    assert await members_of(world, app_id) == {email: "viewer"}


async def test_an_edited_one_is_worth_nothing(world: World) -> None:
    app_id, other = await an_app(world), await an_app(world)
    invited = await invite(world, app_id, f"{some_slug()}@example.com")
    token = token_of(invited)
    flipped = token[:-7] + ("A" if token[-7] != "A" else "B") + token[-6:]
    person, _ = await world.developer(is_operator=True)
    form = (await person.get("/dashboard/register-app")).text.split('form_token" value="')[1][:43]
    for app, value in ((app_id, flipped), (app_id, token[:-1]), (app_id, ""), (other, token), ("%00", token)):
        for somebody in (person, world.person()):
            answer = await somebody.http.get("/dashboard/join", params={"app": app, "token": value})
            assert answer.status_code == 403, (app, value)
        fields = {"app": app, "token": value, "form_token": form}
        assert (await person.http.post("/dashboard/join", data=fields)).status_code == 403
    assert await members_of(world, app_id) == await members_of(world, other) == {}


async def test_it_works_once_however_many_try(world: World) -> None:
    app_id = await an_app(world)
    invited = await invite(world, app_id, f"{some_slug()}@example.com")
    people = [world.person() for _ in range(4)]
    pages = [await person.get(path_of(invited)) for person in people]
    answers = await asyncio.gather(
        *(person.submit(page, {"password": PASSWORD}) for person, page in zip(people, pages, strict=True))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 303
    assert set(statuses[1:]) <= {409, 410}
    assert len(await members_of(world, app_id)) == 1
    assert (await world.person().get(path_of(invited))).status_code == 410


@pytest.mark.parametrize("end", ["revoked", "late"])
async def test_one_that_has_ended_is_gone(world: World, end: str) -> None:
    app_id = await an_app(world)
    invited = await invite(world, app_id, f"{some_slug()}@example.com")
    person = world.person()
    page = await person.get(path_of(invited))
    if end == "revoked":
        path = f"/apps/{app_id}/invitations/{invited['invitation']['invitation_id']}"
        assert (await world.api("DELETE", path)).status_code == 204
        is_problem(await world.api("DELETE", path), 404)
    else:
        world.clock.advance(72 * 3600)
    assert (await person.submit(page, {"password": PASSWORD})).status_code == 410
    assert (await person.get(path_of(invited))).status_code == 410
    assert await members_of(world, app_id) == {}


async def test_another_account_cannot_take_it(world: World) -> None:
    app_id = await an_app(world)
    invited = await invite(world, app_id, f"{some_slug()}@example.com", "owner")
    person, _ = await world.developer()
    page = await person.get(path_of(invited))
    assert page.status_code == 403
    fields = {"app": app_id, "token": token_of(invited)}
    form = (await person.get("/dashboard/register-app")).text.split('form_token" value="')[1][:43]
    assert (await person.http.post("/dashboard/join", data=fields | {"form_token": form})).status_code == 403
    assert await members_of(world, app_id) == {}


async def test_an_account_whose_address_nobody_has_verified_cannot_take_an_owners(world: World) -> None:
    app_id = await an_app(world)
    _, owner = await a_member(world, app_id, "owner")
    person, email = await world.developer()
    answer = await owner("POST", f"/apps/{app_id}/invitations", json={"email": email, "role": "viewer"})
    assert (await join(world, answer.json(), person)).status_code == 403
    assert email not in await members_of(world, app_id)
    # An operator vouches for it, and from then on it may.
    assert (await join(world, await invite(world, await an_app(world), email), person)).status_code == 303
    assert (await join(world, answer.json(), person)).status_code == 303
    assert email in await members_of(world, app_id)


async def test_it_never_changes_the_role_of_a_member(world: World) -> None:
    app_id = await an_app(world)
    person, email = await world.developer()
    invited = await invite(world, app_id, email, "viewer")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    await world.set_role(app_id, row["developer_id"], "owner")
    assert (await join(world, invited, person)).status_code == 303
    assert await members_of(world, app_id) == {email: "owner"}


# At the dashboard -----------------------------------------------------------------------------


async def test_inviting_at_the_dashboard_shows_the_link_once(world: World) -> None:
    app_id = await an_app(world)
    person, _ = await world.developer(app_id, "owner")
    email = f"{some_slug()}@example.com"
    once = await person.fill(f"/dashboard/apps/{app_id}/invite", {"email": email, "role": "admin"})
    [token] = set(re.findall(r"mtas_iv_[\w-]+", once.text))
    page = await person.get(f"/dashboard/apps/{app_id}/members")
    assert (email in page.text, token in page.text) == (True, False)
    assert once.headers["cache-control"] == "no-store"


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
    assert await members_of(world, app_id) == before
    assert len((await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"]) == 1
    fields = {"role": "admin", "form_token": form}
    asked = await person.http.post(here + f"/members/{other_id}/role", data=fields)
    assert (await person.submit(asked, {"password": PASSWORD})).status_code == 303
    assert (await roles(world, app_id))[other_id] == "admin"
