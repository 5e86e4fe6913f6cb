"""Invitations: what one is worth, and what in other hands."""

import asyncio
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from services.admin.flows.invitations import MOST_OPEN
from tests.services.admin.conftest import PASSWORD, Person, World
from tests.services.admin.test_api import is_problem
from tests.services.admin.test_api_tokens import make, told
from tests.services.admin.test_members import a_member, an_app, invite, members_of
from tests.support.seed import some_slug


def token_of(invited: dict[str, Any]) -> str:
    return str(parse_qs(urlsplit(invited["link"]).query)["token"][0])


# Made and ended -------------------------------------------------------------------------------


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


# Taken ----------------------------------------------------------------------------------------


def path_of(invited: dict[str, Any]) -> str:
    address = urlsplit(invited["link"])
    return f"{address.path}?{address.query}"


async def join(world: World, invited: dict[str, Any], person: Person | None = None) -> httpx2.Response:
    """Open the link, as somebody who is not signed in if not told otherwise, and send its form."""
    person = person or world.person()
    page = await person.get(path_of(invited))
    return await person.submit(page, {"password": PASSWORD}) if page.status_code == 200 else page


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


async def test_an_operators_token_for_one_app_does_not_vouch(world: World) -> None:
    """An address that is verified is so in every app."""
    app_id = await an_app(world)
    _, operator = await world.developer(is_operator=True)
    token = await make(world, operator, app_id=app_id)
    person, email = await world.developer()
    answer = await token("POST", f"/apps/{app_id}/invitations", json={"email": email, "role": "owner"})
    assert answer.status_code == 201, answer.text
    assert (await join(world, answer.json(), person)).status_code == 403
    assert await members_of(world, app_id) == {}
    invited = (await token("POST", f"/apps/{app_id}/invitations", json={
        "email": f"{some_slug()}@example.com", "role": "viewer"
    })).json()  # fmt: skip
    assert (await join(world, invited)).status_code == 303
    [row] = await world.seed.fetch(
        "select email_verified from admin.developers where email = $1", invited["invitation"]["email"]
    )
    assert row["email_verified"] is False


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


async def test_without_a_mail_server_the_link_is_shown_and_that_is_said(world: World) -> None:
    app_id = await an_app(world)
    person, _ = await world.developer(app_id, "owner")
    form = await person.get(f"/dashboard/apps/{app_id}/invite")
    assert "There is no mail server here" in form.text
    assert 'name="deliver"' not in form.text
    email = f"{some_slug()}@example.com"
    page = await person.submit(form, {"email": email, "role": "viewer"})
    assert "No mail was sent" in page.text
    [listed] = (await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"]
    assert (listed["email"], listed["delivery"]) == (email, "shown")
    body = {"email": email, "role": "viewer", "deliver": "mail"}
    problem = is_problem(await world.api("POST", f"/apps/{app_id}/invitations", json=body), 422)
    assert problem["errors"][0]["pointer"] == "#/deliver"
    page = await person.get(f"/dashboard/apps/{app_id}/members")
    again = await person.submit(page, {}, to="/resend")
    assert "mtas_iv_" in again.text
