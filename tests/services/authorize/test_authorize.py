"""The authorization endpoint (RFC 6749 §3.1, §4.1.1; OpenID Connect Core §3.1.2): every outcome."""

from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey

from shared.oauth.types import ClientType
from tests.services.authorize.conftest import PASSWORD, REDIRECT_URI, World, answer

GOOD = {"email": "ada@example.com", "password": PASSWORD}


async def test_a_user_signs_in_and_the_client_gets_a_code(world: World) -> None:
    person = world.person()
    page = await person.get(world.authorize())
    assert page.status_code == 200
    got = answer(await person.submit(page, GOOD))
    assert got.keys() == {"code", "state", "iss"}
    assert got["state"] == "s-1"
    assert got["iss"] == world.issuer
    grant = await world.grant(got["code"])
    assert grant.client_id == world.slug
    assert grant.redirect_uri == REDIRECT_URI
    assert grant.scope == ("openid", "email")
    assert grant.nonce == "n-1"
    assert grant.user_id == world.user_id
    assert grant.auth_time == world.clock()


async def test_a_code_lives_as_long_as_the_tenant_says(world: World) -> None:
    person = world.person()
    await person.sign_in()
    got = answer(await person.get(world.authorize()))
    assert (await world.grant(got["code"])).expires_at.timestamp() == world.clock().timestamp() + 60


async def test_who_is_signed_in_passes_straight_through(world: World) -> None:
    person = world.person()
    await person.sign_in()
    first = answer(await person.http.get(world.authorize()))
    second = answer(await person.http.get(world.authorize(state="s-2")))
    assert first["code"] != second["code"]
    assert second["state"] == "s-2"


async def test_the_session_of_one_client_serves_another(world: World) -> None:
    person = world.person()
    await person.sign_in()
    await world.seed.client(world.tenant_id, f"{world.slug}-spa", ClientType.SPA)
    assert "code" in answer(await person.http.get(world.authorize(client_id=f"{world.slug}-spa")))


# P0: nobody is proven, so nobody is answered (RFC 6749 §4.1.2.1) -----------------------------

UNPROVEN = {
    "no client": {"client_id": None},
    "unknown client": {"client_id": "nobody"},
    "client in other letters": {"client_id": "UPPER"},
    "no redirect_uri": {"redirect_uri": None},
    "unregistered redirect_uri": {"redirect_uri": "https://evil.example/"},
    "state too long": {"state": "x" * 2049},
    "state of 64 KB": {"state": "x" * 60_000},
    "CRLF in state": {"state": "s\r\nSet-Cookie: a=b"},
    "NUL in state": {"state": "s\x00"},
}


@pytest.mark.parametrize("changes", UNPROVEN.values(), ids=UNPROVEN.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unproven_is_a_page_and_no_redirect(
    world: World, method: str, changes: dict[str, str | None]
) -> None:
    person = world.person()
    await person.sign_in()
    before = await world.events()
    if method == "GET":
        response = await person.http.get(world.authorize(**changes))
    else:
        response = await person.http.post(person.path("authorize"), data=world.parameters(**changes))
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/html")
    assert "location" not in response.headers
    assert response.headers["x-request-id"] in response.text
    assert await world.events() == before


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_client_and_redirect_uri_come_once(world: World, name: str) -> None:
    person = world.person()
    response = await person.http.get(world.authorize() + "&" + urlencode({name: world.parameters()[name]}))
    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.parametrize("encoded", ["state=%ff", "state=%00", "&".join(f"a{n}=b" for n in range(60))])
async def test_what_cannot_be_read_is_a_page(world: World, encoded: str) -> None:
    person = world.person()
    response = await person.http.get(world.authorize(state=None) + "&" + encoded)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_another_tenants_client_is_unknown(world: World, other: World) -> None:
    person = world.person()
    response = await person.http.get(world.authorize(client_id=other.slug))
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_an_unknown_tenant_has_no_page(world: World) -> None:
    response = await world.person().http.get("/t/nobody-here/authorize?client_id=a")
    assert response.status_code == 404
    assert "no such page" in response.text


async def test_a_disabled_client_is_unproven(world: World) -> None:
    await world.seed.execute(
        "update admin.clients set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    response = await world.person().http.get(world.authorize())
    assert response.status_code == 400


async def test_a_disabled_tenant_answers_nobody(world: World) -> None:
    await world.seed.execute(
        "update admin.tenants set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    person = world.person()
    for path in (
        world.authorize(),
        *(person.path(name) for name in ("login", "signup", "account", "logout")),
    ):
        response = await person.http.get(path)
        assert response.status_code == 400
        assert "This app is switched off" in response.text
        assert "location" not in response.headers


# R: the client is told, and with every answer who tells it (RFC 9207) ------------------------

REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no response_type": ({"response_type": None}, "invalid_request"),
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "hybrid": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "unknown scope": ({"scope": "openid everything"}, "invalid_scope"),
    "malformed scope": ({"scope": 'openid "'}, "invalid_scope"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "no challenge, no method": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "short challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "challenge in other letters": ({"code_challenge": "+" * 43}, "invalid_request"),
    "prompt=none, nobody there": ({"prompt": "none"}, "login_required"),
    "none with another": ({"prompt": "none login"}, "invalid_request"),
    "unknown prompt": ({"prompt": "dance"}, "invalid_request"),
    "max_age not a number": ({"max_age": "-1"}, "invalid_request"),
    "request object": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "request_uri": ({"request_uri": "http://127.0.0.1:1/r"}, "request_uri_not_supported"),
    "registration": ({"registration": "{}"}, "registration_not_supported"),
    "unregistered resource": ({"resource": "https://api.example"}, "invalid_target"),
    "nonce too long": ({"nonce": "n" * 1025}, "invalid_request"),
    "hint that is none": ({"id_token_hint": "a.b.c"}, "invalid_request"),
    "hint of 64 KB": ({"id_token_hint": "a" * 50_000}, "invalid_request"),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_the_client_is_told_what_is_wrong(
    world: World, changes: dict[str, str | None], error: str
) -> None:
    got = answer(await world.person().http.get(world.authorize(**changes)))
    assert got["error"] == error
    assert got["state"] == "s-1"
    assert got["iss"] == world.issuer
    assert "code" not in got


@pytest.mark.parametrize(
    "name", ["state", "scope", "nonce", "code_challenge", "prompt", "resource", "unknown"]
)
async def test_other_parameters_come_once_too(world: World, name: str) -> None:
    person = world.person()
    got = answer(await person.http.get(world.authorize(**{name: "a"}) + f"&{name}=a"))
    assert got["error"] == "invalid_request"
    assert got["iss"] == world.issuer


async def test_the_uri_is_checked_before_the_response_type(world: World) -> None:
    person = world.person()
    response = await person.http.get(
        world.authorize(response_type="token", redirect_uri="https://evil.example/")
    )
    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.parametrize("grants", [["refresh_token"], ["client_credentials"]])
async def test_a_client_without_the_grant_may_not_ask(world: World, grants: list[str]) -> None:
    await world.seed.execute(
        "update admin.clients set grant_types = $2 where tenant_id = $1", world.tenant_id, grants
    )
    assert answer(await world.person().http.get(world.authorize()))["error"] == "unauthorized_client"


async def test_empty_parameters_are_absent(world: World) -> None:
    person = world.person()
    page = await person.get(world.authorize(resource="", prompt="", max_age="", request="", scope="openid"))
    assert page.status_code == 200


async def test_unknown_parameters_are_ignored(world: World) -> None:
    page = await world.person().get(world.authorize(claims="{}", ui_locales="de", acr_values="x", foo="bar"))
    assert page.status_code == 200


async def test_a_confidential_client_may_be_exempted_from_pkce(world: World) -> None:
    await world.seed.execute(
        "update admin.clients set pkce_required = false where tenant_id = $1", world.tenant_id
    )
    person = world.person()
    await person.sign_in()
    got = answer(await person.http.get(world.authorize(code_challenge=None, code_challenge_method=None)))
    assert (await world.grant(got["code"])).code_challenge is None
    # but not from S256
    plain = world.authorize(code_challenge_method="plain")
    assert answer(await person.http.get(plain))["error"] == "invalid_request"


async def test_a_registered_resource_goes_into_the_grant(world: World) -> None:
    await world.seed.execute(
        "update admin.clients set resources = '{https://api.example}' where tenant_id = $1", world.tenant_id
    )
    person = world.person()
    await person.sign_in()
    got = answer(await person.http.get(world.authorize(resource="https://api.example")))
    assert (await world.grant(got["code"])).resource == "https://api.example"


# What goes back, and how ----------------------------------------------------------------------

STATES = ["a b+c&d=e", "<script>alert(1)</script>", "ünïcødé", "%0d%0aSet-Cookie:x=y", "x" * 2048, "'\"#?"]


@pytest.mark.parametrize("state", STATES, ids=["form", "html", "unicode", "escaped CRLF", "longest", "marks"])
@pytest.mark.parametrize("prompt", ["none", None], ids=["error", "code"])
async def test_state_comes_back_as_it_was(world: World, state: str, prompt: str | None) -> None:
    person = world.person()
    if prompt is None:
        await person.sign_in()
    response = await person.http.get(world.authorize(state=state, prompt=prompt))
    assert answer(response)["state"] == state
    assert "set-cookie" not in response.headers
    assert "\n" not in response.headers["location"]


async def test_no_state_none_back(world: World) -> None:
    assert "state" not in answer(await world.person().http.get(world.authorize(state=None, prompt="none")))


async def test_a_query_in_the_registered_uri_stays(world: World) -> None:
    uri = REDIRECT_URI + "?tenant=7"
    await world.seed.execute(
        "update admin.clients set redirect_uris = $2 where tenant_id = $1", world.tenant_id, [uri]
    )
    got = answer(await world.person().http.get(world.authorize(redirect_uri=uri, prompt="none")))
    assert got["tenant"] == "7"
    assert got["error"] == "login_required"


async def test_redirects_keep_the_answer_to_themselves(world: World) -> None:
    response = await world.person().http.get(world.authorize(prompt="none"))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_form_post_is_a_page_that_posts_to_the_client_alone(world: World) -> None:
    person = world.person()
    await person.sign_in()
    response = await person.http.get(world.authorize(response_mode="form_post", state="<b>&\"'"))
    assert response.status_code == 200
    assert f'action="{REDIRECT_URI}"' in response.text
    assert "&lt;b&gt;&amp;&#34;&#39;" in response.text
    assert 'name="code"' in response.text
    assert f'value="{world.issuer}"' in response.text
    policy = response.headers["content-security-policy"]
    assert "form-action https://app.example;" in policy
    assert "'unsafe-inline'" not in policy
    assert response.headers["cache-control"] == "no-store"


async def test_form_post_carries_errors_too(world: World) -> None:
    response = await world.person().http.get(world.authorize(response_mode="form_post", prompt="none"))
    assert response.status_code == 200
    assert 'value="login_required"' in response.text


async def test_a_private_use_scheme_cannot_take_a_form(world: World) -> None:
    uri = "com.example.app:/callback"
    await world.seed.client(world.tenant_id, f"{world.slug}-app", ClientType.NATIVE, redirect_uris=[uri])
    response = await world.person().http.get(
        world.authorize(client_id=f"{world.slug}-app", redirect_uri=uri, response_mode="form_post")
    )
    assert response.headers["location"].startswith(f"{uri}?error=invalid_request")


async def test_a_native_client_listens_on_any_loopback_port(world: World) -> None:
    await world.seed.client(
        world.tenant_id, f"{world.slug}-app", ClientType.NATIVE, redirect_uris=["http://127.0.0.1/cb"]
    )
    response = await world.person().http.get(
        world.authorize(
            client_id=f"{world.slug}-app", redirect_uri="http://127.0.0.1:51004/cb", prompt="none"
        )
    )
    assert response.headers["location"].startswith("http://127.0.0.1:51004/cb?error=login_required")


# POST (OpenID Connect Core §3.1.2.1) ----------------------------------------------------------


async def test_post_is_as_good_as_get(world: World) -> None:
    person = world.person()
    await person.sign_in()
    response = await person.http.post(person.path("authorize"), data=world.parameters())
    assert "code" in answer(response)


async def test_post_reads_its_body_alone(world: World) -> None:
    person = world.person()
    response = await person.http.post(world.authorize(), data={"state": "s"})
    assert response.status_code == 400


async def test_post_of_json_is_refused(world: World) -> None:
    person = world.person()
    response = await person.http.post(person.path("authorize"), json=world.parameters())
    assert response.status_code == 415


async def test_a_post_from_another_site_comes_back_with_its_cookies(world: World) -> None:
    """A browser keeps SameSite=Lax cookies back from it, so it is sent round by GET."""
    person = world.person()
    await person.sign_in()
    session = person.http.cookies.pop(f"mtas_session_{world.slug}")
    response = await person.http.post(
        person.path("authorize"),
        data=world.parameters(prompt="none"),
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"},
    )
    assert response.status_code == 303
    assert response.headers["location"].startswith(person.path("authorize?interaction="))
    person.http.cookies.set(f"mtas_session_{world.slug}", session, domain="127.0.0.1", path="/")
    assert "code" in answer(await person.http.get(response.headers["location"]))


async def test_a_large_body_is_refused(world: World) -> None:
    person = world.person()
    response = await person.http.post(person.path("authorize"), data={"state": "x" * 70_000})
    assert response.status_code == 413


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


async def test_choice_and_consent_are_both_asked(world: World) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="select_account consent"))
    consent = await person.submit(page, {"answer": "this"})
    assert "Allow" in consent.text
    assert "code" in answer(await person.submit(consent, {"answer": "allow"}))
