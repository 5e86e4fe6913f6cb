"""Forms come from our own pages, in this browser, or do nothing (cross-site request forgery)."""

from typing import Any

import pytest

from tests.services.authorize.conftest import PASSWORD, World

GOOD = {"email": "ada@example.com", "password": PASSWORD}

FOREIGN = {
    "cross-site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "cross-site, origin hidden": {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    "a sibling of our site": {"Sec-Fetch-Site": "same-site", "Origin": "http://evil.localhost"},
    "an old browser": {"Sec-Fetch-Site": None, "Origin": "https://evil.example"},
    "our host, another scheme": {"Sec-Fetch-Site": None, "Origin": "https://localhost"},
    "our host, another port": {"Sec-Fetch-Site": None, "Origin": "http://localhost:9"},
    "contradiction": {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
}


def headers(given: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize("given", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_form_from_elsewhere_signs_nobody_in(world: World, given: dict[str, str | None]) -> None:
    """Even with the right token and password."""
    person = world.person()
    form = await person.http.get(person.path("login"))
    token = form.text.partition('name="form_token" value="')[2].partition('"')[0]
    response = await person.http.post(
        person.path("login"), data=GOOD | {"form_token": token}, headers=headers(given)
    )
    assert response.status_code == 403
    assert person.session is None
    assert await world.events() == []


OWN = {
    "same-origin": {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    "an old browser": {"Sec-Fetch-Site": None, "Origin": "http://localhost"},
    "an old browser that hides it": {"Sec-Fetch-Site": None, "Origin": "null"},
    "no browser": {"Sec-Fetch-Site": None, "Origin": None},
}


@pytest.mark.parametrize("given", OWN.values(), ids=OWN.keys())
async def test_our_own_form_does(world: World, given: dict[str, str | None]) -> None:
    person = world.person()
    form = await person.http.get(person.path("login"))
    token = form.text.partition('name="form_token" value="')[2].partition('"')[0]
    response = await person.http.post(
        person.path("login"), data=GOOD | {"form_token": token}, headers=headers(given)
    )
    assert response.status_code == 303


async def test_a_form_without_its_token_does_nothing(world: World, other: World) -> None:
    person, stranger = world.person(), world.person()
    form = await person.http.get(person.path("login"))
    foreign = await person.http.get(f"/t/{other.slug}/login")  # the same browser, at another tenant
    tokens = {
        "none": None,
        "empty": "",
        "another browser's": _token(await stranger.http.get(stranger.path("login"))),
        "another tenant's": _token(foreign),
        "cut": _token(form)[:-1],
        "of other letters": "ü" * 43,
    }
    for name, token in tokens.items():
        data = GOOD | ({"form_token": token} if token is not None else {})
        assert (await person.http.post(person.path("login"), data=data)).status_code == 403, name
        assert person.session is None
    response = await person.http.post(person.path("login"), data=GOOD | {"form_token": _token(form)})
    assert response.status_code == 303


@pytest.mark.parametrize("name", ["login", "signup", "consent", "select-account", "signed-out"])
async def test_every_form_is_guarded(world: World, name: str) -> None:
    person = world.person()
    await person.sign_in()
    before = await world.events()
    response = await person.http.post(person.path(name), data=GOOD | {"answer": "allow"})
    assert response.status_code == 403
    assert await world.events() == before
    assert "You are signed in" in (await person.get(person.path("account"))).text


async def test_a_field_comes_once(world: World) -> None:
    person = world.person()
    form = await person.http.get(person.path("login"))
    body = f"form_token={_token(form)}&email=ada%40example.com&email=b&password=x"
    response = await person.http.post(
        person.path("login"), content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code == 400


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
async def test_only_forms_are_forms(world: World, kind: str) -> None:
    person = world.person()
    form = await person.http.get(person.path("login"))
    body = f"form_token={_token(form)}&email=ada%40example.com&password=x"
    response = await person.http.post(person.path("login"), content=body, headers={"Content-Type": kind})
    assert response.status_code == 415


async def test_two_cookies_of_a_name_are_none(world: World) -> None:
    """Who can plant a cookie beside ours must not choose which one counts."""
    person = world.person()
    await person.sign_in()
    name = f"mtas_session_{world.slug}"
    for cookie in (f"{name}={'p' * 43}; {name}={person.session}", f"{name}={person.session}; {name}=x"):
        stranger = world.person()
        response = await stranger.http.get(stranger.path("account"), headers={"Cookie": cookie})
        assert response.status_code == 303


def _token(page: Any) -> str:
    return str(page.text.partition('name="form_token" value="')[2].partition('"')[0])
