"""Signing out (OpenID Connect RP-Initiated Logout 1.0): at a client's wish, or one's own."""

from urllib.parse import urlencode

import pytest

from tests.services.authorize.conftest import Person, World

BYE = "https://app.example/bye"


@pytest.fixture
async def person(world: World) -> Person:
    """Somebody who is signed in, at a client that has registered where to go afterwards."""
    await world.seed.execute(
        "update admin.clients set post_logout_redirect_uris = $2 where tenant_id = $1", world.tenant_id, [BYE]
    )
    person = world.person()
    await person.sign_in()
    return person


async def is_signed_in(person: Person) -> bool:
    return "You are signed in" in (await person.get(person.path("account"))).text


def logout(person: Person, **parameters: str) -> str:
    return f"{person.path('logout')}?{urlencode(parameters)}"


async def test_a_hint_of_the_user_ends_the_session_at_once(world: World, person: Person) -> None:
    url = logout(person, id_token_hint=world.id_token(), post_logout_redirect_uri=BYE, state="a b&c")
    response = await person.http.get(url)
    assert response.status_code == 303
    assert response.headers["location"] == f"{BYE}?state=a+b%26c"
    assert not await is_signed_in(person)
    kind, _, data = (await world.events())[-1]
    assert (kind, data["reason"], data["user_id"]) == ("session.ended", "signed_out", str(world.user_id))


async def test_the_cookie_goes_too(world: World, person: Person) -> None:
    former = person.session
    response = await person.http.get(logout(person, id_token_hint=world.id_token()))
    assert response.headers["location"] == person.path("signed-out")
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert person.session is None
    thief = world.person()
    thief.http.cookies.set(f"mtas_session_{world.slug}", former or "")
    assert not await is_signed_in(thief)


async def test_without_a_hint_the_user_is_asked(world: World, person: Person) -> None:
    page = await person.http.get(
        logout(person, client_id=world.slug, post_logout_redirect_uri=BYE, state="s")
    )
    assert page.status_code == 200
    assert "<h1>Sign out?</h1>" in page.text
    assert await is_signed_in(person)
    response = await person.send(page)
    assert response.headers["location"] == f"{BYE}?state=s"
    assert not await is_signed_in(person)


async def test_a_hint_of_somebody_else_asks(world: World, person: Person) -> None:
    grace = await world.add_user("grace@example.com")
    page = await person.http.get(logout(person, id_token_hint=world.id_token(sub=str(grace))))
    assert "<h1>Sign out?</h1>" in page.text
    assert await is_signed_in(person)


async def test_an_unregistered_uri_is_never_gone_to(world: World, person: Person) -> None:
    for uri in ("https://evil.example/", BYE + "/", BYE + "?x", "//evil.example", "javascript:alert(1)"):
        for known in ({"id_token_hint": world.id_token()}, {"client_id": world.slug}):
            page = await person.http.get(logout(person, post_logout_redirect_uri=uri, **known))
            assert page.status_code == 200
            assert "location" not in page.headers
            assert uri not in page.text
            assert await is_signed_in(person)
    tampered = {"client_id": world.slug, "post_logout_redirect_uri": "https://evil.example/"}
    response = await person.send(page, tampered)
    assert response.headers["location"] == person.path("signed-out")


async def test_a_disabled_clients_uri_is_never_gone_to(world: World, person: Person) -> None:
    await world.seed.execute(
        "update admin.clients set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    url = logout(person, id_token_hint=world.id_token(), post_logout_redirect_uri=BYE)
    answer = await person.http.get(url)
    assert BYE not in answer.headers.get("location", "") + answer.text


async def test_a_forged_hint_is_no_hint(world: World, other: World, person: Person) -> None:
    for hint in ("a.b.c", other.id_token(), other.id_token(iss=world.issuer, aud=world.slug)):
        url = logout(person, id_token_hint=hint, client_id=world.slug, post_logout_redirect_uri=BYE)
        page = await person.http.get(url)
        assert page.status_code == 200
        assert BYE not in page.text
        assert await is_signed_in(person)


async def test_client_id_and_hint_must_agree(world: World, person: Person) -> None:
    await world.seed.client(world.tenant_id, f"{world.slug}-b", post_logout_redirect_uris=[BYE])
    url = logout(
        person, id_token_hint=world.id_token(), client_id=f"{world.slug}-b", post_logout_redirect_uri=BYE
    )
    page = await person.http.get(url)
    assert page.status_code == 200
    assert BYE not in page.text


async def test_who_is_not_signed_in_is_just_sent_back(world: World, person: Person) -> None:
    stranger = world.person()
    url = logout(stranger, id_token_hint=world.id_token(), post_logout_redirect_uri=BYE)
    assert (await stranger.http.get(url)).headers["location"] == BYE
    page = await stranger.get(logout(stranger))
    assert "You are signed out" in page.text


@pytest.mark.parametrize("query", ["", "?ui_locales=de"])
async def test_a_clients_form_comes_round_by_get(world: World, person: Person, query: str) -> None:
    """Its cookies are SameSite=Lax: they are not sent with another site's POST."""
    session = person.session
    person.http.cookies.delete(f"mtas_session_{world.slug}")
    response = await person.http.post(
        person.path("logout") + query,
        data={"id_token_hint": world.id_token(), "post_logout_redirect_uri": BYE},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert response.status_code == 303
    person.http.cookies.set(f"mtas_session_{world.slug}", session or "")
    assert (await person.http.get(response.headers["location"])).headers["location"] == BYE
    assert not await is_signed_in(person)


async def test_signing_out_by_oneself(world: World, person: Person) -> None:
    page = await person.submit(await person.http.get(person.path("account")))
    assert "You are signed out" in page.text
    assert not await is_signed_in(person)
    # a second time, from another tab, does no harm
    assert [kind for kind, _, _ in await world.events()].count("session.ended") == 1


async def test_a_repeated_parameter_is_a_page(person: Person) -> None:
    response = await person.http.get(logout(person, state="a") + "&state=b")
    assert response.status_code == 400
    assert await is_signed_in(person)
