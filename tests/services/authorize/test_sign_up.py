"""Signing up: a user and a session at once, and no telling of who has an account."""

import asyncio

import pytest

from services.authorize.flows import limits
from shared.limits import Bucket
from tests.services.authorize.conftest import PASSWORD, World, answer


async def test_a_new_user_is_signed_in(world: World) -> None:
    person = world.person()
    page = await person.submit(
        await person.http.get(person.path("signup")), {"email": " Grace@Example.com", "password": PASSWORD}
    )
    assert page.url.path == person.path("account")
    [row] = await world.seed.fetch(
        "select * from authorize.users where email_key = 'grace@example.com' and tenant_id = $1",
        world.tenant_id,
    )
    assert row["email"] == "Grace@Example.com"
    assert row["email_verified"] is False
    assert [kind for kind, _, _ in await world.events()] == ["user.registered", "session.started"]
    assert (await world.person().sign_in("grace@example.com")).url.path.endswith("/account")


async def test_what_waited_goes_on_after_sign_up(world: World) -> None:
    person = world.person()
    login = await person.get(world.authorize())
    assert f'href="{person.path("signup")}?interaction=' in login.text
    form = await person.get(str(login.url).replace("/login?", "/signup?"))
    got = answer(await person.submit(form, {"email": "grace@example.com", "password": PASSWORD}))
    assert got["state"] == "s-1"
    assert (await world.grant(got["code"])).user_id != world.user_id


async def test_a_taken_address_is_refused_without_saying_so(world: World) -> None:
    person = world.person()
    form = await person.http.get(person.path("signup"))
    page = await person.send(form, {"email": "ADA@example.com", "password": PASSWORD})
    assert page.status_code == 422
    assert "could not create an account with these details" in page.text
    assert person.session is None
    assert await world.events() == []


async def test_the_same_address_at_another_tenant_is_another_user(world: World, other: World) -> None:
    ids = await world.seed.fetch(
        "select user_id from authorize.users where email_key = 'ada@example.com' and tenant_id = any($1)",
        [world.tenant_id, other.tenant_id],
    )
    assert len({row["user_id"] for row in ids}) == 2


async def test_two_at_once_make_one_user(world: World) -> None:
    people = [world.person() for _ in range(8)]
    forms = [await person.http.get(person.path("signup")) for person in people]
    values = {"email": "grace@example.com", "password": PASSWORD}
    pages = await asyncio.gather(
        *(person.send(form, values) for person, form in zip(people, forms, strict=True))
    )
    assert sorted(page.status_code for page in pages) == [303] + [422] * 7


BAD = {
    "no address": ("", PASSWORD, "email"),
    "no @": ("ada.example.com", PASSWORD, "email"),
    "a space": ("ada b@example.com", PASSWORD, "email"),
    "two @": ("a@b@example.com", PASSWORD, "email"),
    "a line break": ("a@example.com\r\nBcc: b@example.com", PASSWORD, "email"),
    "255 characters": ("a" * 243 + "@example.com", PASSWORD, "email"),
    "14 characters": ("g@example.com", "a" * 14, "password"),
    "14 after composing": ("g@example.com", "e\u0301" * 14, "password"),
    "257 characters": ("g@example.com", "a" * 257, "password"),
    "a breached password": ("g@example.com", "Password-Password", "password"),
    "a repetition": ("g@example.com", "🔑" * 15, "password"),
    "their own address": ("grace.hopper@example.com", "gracehopper1906", "password"),
    "the app's name": ("g@example.com", "Acme & Co, 2025!", "password"),
}


@pytest.mark.parametrize(("email", "password", "field"), BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_is_said_by_field(world: World, email: str, password: str, field: str) -> None:
    person = world.person()
    form = await person.http.get(person.path("signup"))
    page = await person.send(form, {"email": email, "password": password})
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert await world.events() == []


@pytest.mark.parametrize(
    "password", ["zwölf Boxkämpfer", "🔑🦊🌵🎻🧭🪁🎲🚲🦉🧩🛶🏺🐢🌋🧵", " spaces  count too "]
)
async def test_nothing_asks_for_a_capital_or_a_digit(world: World, password: str) -> None:
    person = world.person()
    form = await person.http.get(person.path("signup"))
    page = await person.submit(form, {"email": "g@example.com", "password": password})
    assert page.url.path == person.path("account")
    assert (await world.person().sign_in("g@example.com", password)).url.path.endswith("/account")


async def test_the_page_is_not_there_where_sign_up_is_closed(world: World) -> None:
    await world.seed.execute(
        "update admin.tenants set sign_up_enabled = false where tenant_id = $1", world.tenant_id
    )
    person = world.person()
    login = await person.http.get(person.path("login"))
    assert "/signup" not in login.text
    assert (await person.http.get(person.path("signup"))).status_code == 404
    # and neither does its form work, however it was come by
    response = await person.http.post(
        person.path("signup"),
        data={
            "form_token": login.text.partition('name="form_token" value="')[2].partition('"')[0],
            "email": "g@example.com",
            "password": PASSWORD,
        },
    )
    assert response.status_code == 404
    assert await world.events() == []


async def test_sign_ups_count_against_the_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ADDRESS", Bucket(size=2, per_second=0.1))
    person = world.person()
    form = await person.http.get(person.path("signup"))
    statuses = [
        (await person.send(form, {"email": "ada@example.com", "password": PASSWORD})).status_code
        for _ in range(3)
    ]
    assert statuses == [422, 422, 429]
