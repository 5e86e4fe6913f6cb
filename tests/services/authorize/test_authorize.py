"""The authorization endpoint (RFC 6749 §3.1, §4.1.1; OpenID Connect Core §3.1.2): every outcome."""

from urllib.parse import urlencode

import pytest

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


@pytest.mark.parametrize("name", ["state", "scope", "nonce", "code_challenge", "prompt", "unknown"])
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
