"""What the user is asked: prompts, ages, hints, interactions, consent (OpenID Connect Core §3.1.2)."""

from typing import Any

import pytest
from joserfc.jwk import RSAKey

from tests.services.authorize.conftest import PASSWORD, World, answer

GOOD = {"email": "ada@example.com", "password": PASSWORD}


# Prompts, age and hints -----------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "59"}], ids=str)
async def test_a_new_sign_in_is_asked_for_once(world: World, changes: dict[str, str]) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(60)
    page = await person.get(world.authorize(**changes))
    assert "<h1>Sign in</h1>" in page.text
    world.clock.advance(5)
    got = answer(await person.submit(page, GOOD))
    assert (await world.grant(got["code"])).auth_time == world.clock()


async def test_a_session_young_enough_is_enough(world: World) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(60)
    assert "code" in answer(await person.http.get(world.authorize(max_age="60")))


async def test_going_round_the_sign_in_does_not_satisfy_it(world: World) -> None:
    """prompt=login with an old session: coming back without signing in asks again."""
    person = world.person()
    await person.sign_in()
    world.clock.advance(60)
    page = await person.get(world.authorize(prompt="login"))
    back = str(page.url).replace("/login?", "/authorize?")
    assert "<h1>Sign in</h1>" in (await person.get(back)).text


async def test_none_refuses_a_session_that_is_too_old(world: World) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(60)
    got = answer(await person.http.get(world.authorize(prompt="none", max_age="30")))
    assert got["error"] == "login_required"


async def test_login_hint_fills_the_form(world: World) -> None:
    page = await world.person().get(world.authorize(login_hint='"><b>ada@example.com'))
    assert 'value="&#34;&gt;&lt;b&gt;ada@example.com"' in page.text


async def test_a_hint_of_the_signed_in_user_passes(world: World) -> None:
    person = world.person()
    await person.sign_in()
    assert "code" in answer(
        await person.http.get(world.authorize(prompt="none", id_token_hint=world.id_token()))
    )


async def test_a_hint_of_somebody_else_asks_to_sign_in_anew(world: World) -> None:
    person = world.person()
    await person.sign_in()
    grace = await world.add_user("grace@example.com")
    hint = world.id_token(sub=str(grace))
    got = answer(await person.http.get(world.authorize(prompt="none", id_token_hint=hint)))
    assert got["error"] == "login_required"
    world.clock.advance(5)
    page = await person.get(world.authorize(id_token_hint=hint))
    assert "<h1>Sign in</h1>" in page.text
    as_grace = await person.submit(page, {"email": "grace@example.com", "password": PASSWORD})
    assert (await world.grant(answer(as_grace)["code"])).user_id == grace


async def test_signing_in_as_another_than_the_hint_says_ends_in_an_error(world: World) -> None:
    person = world.person()
    grace = await world.add_user("grace@example.com")
    page = await person.get(world.authorize(id_token_hint=world.id_token(sub=str(grace))))
    assert answer(await person.submit(page, GOOD))["error"] == "login_required"


async def bad_hints(world: World, other: World) -> dict[str, str]:
    forged = RSAKey.generate_key(2048, parameters={"kid": str(world.signing_key.kid)})
    good = world.id_token()
    return {
        "forged under our kid": world.id_token(forged),
        "another tenant's": other.id_token(iss=world.issuer, aud=world.slug),
        "another issuer": world.id_token(iss="https://evil.example"),
        "another audience": world.id_token(aud="another-client"),
        "an access token": world.id_token(header={"typ": "at+jwt"}),
        "embedded key": world.id_token(header={"jwk": {"kty": "RSA"}}),
        "subject that is no user id": world.id_token(sub="ada"),
        "alg none": "eyJhbGciOiJub25lIiwia2lkIjoiYSJ9." + good.split(".")[1] + ".",
        "cut": good[:-4],
    }


async def test_only_our_own_id_tokens_are_hints(world: World, other: World) -> None:
    person = world.person()
    await person.sign_in()
    for name, hint in (await bad_hints(world, other)).items():
        got = answer(await person.http.get(world.authorize(prompt="none", id_token_hint=hint)))
        assert got["error"] == "invalid_request", name


# Interactions ---------------------------------------------------------------------------------


async def test_an_interaction_belongs_to_one_browser(world: World) -> None:
    mine, yours = world.person(), world.person()
    page = await mine.get(world.authorize())
    await yours.sign_in()
    for path in (str(page.url), str(page.url).replace("/login?", "/authorize?")):
        assert (await yours.http.get(path)).status_code == 400
    form = await yours.http.get(yours.path("login"), follow_redirects=False)
    assert form.status_code == 303  # signed in already


async def test_an_interaction_belongs_to_one_tenant(world: World, other: World) -> None:
    person = world.person()
    page = await person.get(world.authorize())
    assert (await person.http.get(str(page.url).replace(world.slug, other.slug))).status_code == 400


async def test_an_interaction_ends_with_its_answer(world: World) -> None:
    person = world.person()
    page = await person.get(world.authorize())
    assert "code" in answer(await person.submit(page, GOOD))
    again = str(page.url).replace("/login?", "/authorize?")
    response = await person.http.get(again)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert (await person.send(page, GOOD)).status_code == 400


@pytest.mark.parametrize("interaction", ["x", "a" * 43, "../../code", "%00"])
async def test_an_interaction_that_is_none_is_a_page(world: World, interaction: str) -> None:
    person = world.person()
    for name in ("authorize", "login", "signup", "consent"):
        response = await person.http.get(person.path(name) + "?interaction=" + interaction)
        assert response.status_code == 400, name


async def test_a_client_disabled_meanwhile_gets_no_code(world: World, authorize_apart: Any) -> None:
    async with authorize_apart() as url:  # caches nothing
        person = world.person()
        person.http.base_url = url
        page = await person.get(world.authorize())
        await world.seed.execute(
            "update admin.clients set disabled_at = now() where tenant_id = $1", world.tenant_id
        )
        response = await person.submit(page, GOOD)
        assert response.status_code == 400
        assert "location" not in response.headers


async def test_a_uri_unregistered_meanwhile_gets_no_code(world: World, authorize_apart: Any) -> None:
    async with authorize_apart() as url:
        person = world.person()
        person.http.base_url = url
        page = await person.get(world.authorize())
        await world.seed.execute(
            "update admin.clients set redirect_uris = '{}' where tenant_id = $1", world.tenant_id
        )
        response = await person.submit(page, GOOD)
        assert response.status_code == 400
        assert "location" not in response.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param("pkce_required = true", "invalid_request", id="PKCE required"),
        pytest.param("grant_types = '{refresh_token}'", "unauthorized_client", id="grant taken away"),
        pytest.param("resources = '{}'", "invalid_target", id="resource withdrawn"),
    ],
)
async def test_what_would_be_refused_at_the_token_endpoint_gets_no_code(
    world: World, authorize_apart: Any, change: str, error: str
) -> None:
    """RFC 7636 §4.4.1: who signs in for nothing is told at once, and so is their app."""
    api = "https://one.example/api"
    await world.seed.execute(
        "update admin.clients set pkce_required = false, resources = $2 where tenant_id = $1",
        world.tenant_id,
        [api],
    )
    async with authorize_apart() as url:
        person = world.person()
        person.http.base_url = url
        without = {"code_challenge": None, "code_challenge_method": None}
        page = await person.get(world.authorize(resource=api, **without))
        await world.seed.execute(
            f"update admin.clients set {change} where tenant_id = $1",
            world.tenant_id,
        )
        response = await person.submit(page, GOOD)
        assert answer(response)["error"] == error
        again = str(page.url).replace("/login?", "/authorize?")
        assert (await person.http.get(again)).status_code == 400


# Consent and choice of account ----------------------------------------------------------------


async def test_consent_is_asked_and_given(world: World) -> None:
    person = world.person()
    page = await person.get(world.authorize(prompt="consent"))
    consent = await person.submit(page, GOOD)
    assert "Allow" in consent.text
    assert "See your email address" in consent.text
    assert "ada@example.com" in consent.text
    assert "code" in answer(await person.submit(consent, {"answer": "allow"}))


async def test_consent_is_denied(world: World) -> None:
    person = world.person()
    await person.sign_in()
    consent = await person.get(world.authorize(prompt="consent"))
    got = answer(await person.submit(consent, {"answer": "deny"}))
    assert got["error"] == "access_denied"
    assert got["iss"] == world.issuer
    assert (await person.send(consent, {"answer": "allow"})).status_code == 400


async def test_consent_is_given_once(world: World) -> None:
    person = world.person()
    await person.sign_in()
    consent = await person.get(world.authorize(prompt="consent"))
    assert "code" in answer(await person.submit(consent, {"answer": "allow"}))
    assert (await person.send(consent, {"answer": "allow"})).status_code == 400


async def test_what_is_neither_allow_nor_deny_grants_nothing(world: World) -> None:
    person = world.person()
    await person.sign_in()
    consent = await person.get(world.authorize(prompt="consent"))
    for values in ({}, {"answer": "yes"}, {"interaction": ""}):
        assert (await person.send(consent, values)).status_code == 400


async def test_consent_is_the_signed_in_users_own(world: World) -> None:
    """Given as one user, it does not hold for another who signs in after."""
    person = world.person()
    await world.add_user("grace@example.com")
    await person.sign_in()
    consent = await person.get(world.authorize(prompt="consent"))
    await person.send(consent, {"answer": "allow"})
    login = await person.get(str(consent.url).replace("/consent?", "/login?"))
    world.clock.advance(5)
    after = await person.submit(login, {"email": "grace@example.com", "password": PASSWORD})
    assert after.status_code == 200
    assert "grace@example.com" in after.text
    assert "Allow" in after.text


async def test_the_signed_in_account_is_chosen(world: World) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="select_account"))
    assert "Continue as ada@example.com" in page.text
    assert "code" in answer(await person.submit(page, {"answer": "this"}))


async def test_another_account_is_chosen(world: World) -> None:
    person = world.person()
    grace = await world.add_user("grace@example.com")
    await person.sign_in()
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="select_account"))
    login = await person.submit(page, {"answer": "another"})
    got = answer(await person.submit(login, {"email": "grace@example.com", "password": PASSWORD}))
    assert (await world.grant(got["code"])).user_id == grace


async def test_a_choice_of_account_is_for_that_session(world: World) -> None:
    """Made as one user, it does not hold for another whose session the browser has meanwhile."""
    await world.add_user("grace@example.com")
    grace, person = world.person(), world.person()
    await grace.sign_in("grace@example.com")
    await person.sign_in()
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="select_account consent"))
    consent = await person.submit(page, {"answer": "this"})
    assert "Allow" in consent.text
    for cookie in person.http.cookies.jar:
        if cookie.value == person.session:
            cookie.value = grace.session
    again = await person.get(str(consent.url).replace("/consent?", "/authorize?"))
    assert "Continue as grace@example.com" in again.text


async def test_choice_and_consent_are_both_asked(world: World) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="select_account consent"))
    consent = await person.submit(page, {"answer": "this"})
    assert "Allow" in consent.text
    assert "code" in answer(await person.submit(consent, {"answer": "allow"}))
