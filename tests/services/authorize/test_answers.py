"""The authorization response (RFC 6749 §4.1.2, RFC 9207, Form Post Response Mode), by GET and POST."""

import pytest

from shared.oauth.types import ClientType
from tests.services.authorize.conftest import PASSWORD, REDIRECT_URI, World, answer

GOOD = {"email": "ada@example.com", "password": PASSWORD}


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
