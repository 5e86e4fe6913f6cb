"""Registering an app: tenant, first client, secret and events, all or nothing."""

import asyncio
from typing import Any

import pytest

from services.admin.flows.app_id import RESERVED
from shared.oauth.client_secret import CLIENT_SECRET_PREFIX, hash_secret, is_well_formed
from tests.services.admin.conftest import CALLBACK, PUBLIC_URL, World
from tests.support.seed import some_slug


async def rows(world: World, app_id: str) -> int:
    return len(await world.seed.fetch("select from admin.tenants where slug = $1", app_id))


def pointers(problem: dict[str, Any]) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in problem.get("errors", ())}


async def test_it_makes_tenant_client_secret_and_events(world: World) -> None:
    app_id = some_slug()
    answer = await world.register(
        app_id,
        name="Acme",
        post_logout_redirect_uris=["https://app.example/"],
        frontend_origins=["https://app.example"],
    )
    assert answer["app"]["issuer"] == f"{PUBLIC_URL}/t/{app_id}"
    assert answer["app"]["discovery_url"] == f"{PUBLIC_URL}/t/{app_id}/.well-known/openid-configuration"
    assert answer["client"] | {"created_at": "", "updated_at": ""} == {
        "client_id": app_id,
        "type": "web",
        "name": "Acme",
        "is_confidential": True,
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": ["https://app.example/"],
        "frontend_origins": ["https://app.example"],
        "resources": [],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "allowed_scope": ["openid", "profile", "email", "offline_access"],
        "pkce_required": True,
        "refresh_by_default": True,
        "refresh_grace_s": 10,
        "id_token_on_refresh": False,
        "is_third_party": False,
        "disabled": False,
        "created_at": "",
        "updated_at": "",
    }
    secret = answer["client_secret"]
    assert is_well_formed(secret, CLIENT_SECRET_PREFIX)
    [stored] = await world.seed.fetch("select * from admin.client_secrets where client_id = $1", app_id)
    assert (bytes(stored["secret_hash"]), stored["expires_at"]) == (hash_secret(secret), None)
    events = await world.events(app_id)
    assert [event["type"] for event in events] == ["tenant.created", "client.created"]
    assert events[0]["source"] == "mtas_admin"


async def test_whoever_registers_it_owns_it(world: World) -> None:
    person, email = await world.developer()
    app_id = some_slug()
    await person.fill("/dashboard/register-app", {"name": "Mine", "app_id": app_id})
    [member] = await world.seed.fetch(
        "select role, email from admin.members join admin.developers using (developer_id)"
        " join admin.tenants using (tenant_id) where slug = $1",
        app_id,
    )
    assert (member["role"], member["email"]) == ("owner", email)
    assert (await world.api("GET", f"/apps/{app_id}")).json()["signing_alg"] == "RS256"


async def test_32_at_once_claim_one_app_id(world: World) -> None:
    app_id = some_slug()
    body = {"app_id": app_id, "name": "Race"}
    answers = await asyncio.gather(*(world.api("POST", "/apps", json=body) for _ in range(32)))
    assert sorted({answer.status_code for answer in answers}) == [201, 409]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert await rows(world, app_id) == 1
    secrets = await world.seed.fetch("select from admin.client_secrets where client_id = $1", app_id)
    assert len(secrets) == 1
    assert len(await world.events(app_id)) == 2


async def test_a_taken_app_id_is_never_given_again(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    await world.api("POST", f"/apps/{app_id}/disable")
    answer = await world.api("POST", "/apps", json={"app_id": app_id, "name": "Again"})
    assert answer.status_code == 409
    assert "taken" in pointers(answer.json())["#/app_id"]


@pytest.mark.parametrize(
    ("app_id", "words"),
    [
        ("", "Enter an app ID"),
        ("ab", "3 to 40"),
        ("a" * 41, "3 to 40"),
        ("Acme", "lower-case"),
        ("1acme", "Begin with a letter"),
        ("-acme", "Begin with a letter"),
        ("éclair", "Begin with a letter"),
        ("acme-", "End with a letter or a digit"),
        ("ac--me", "single hyphens"),
        ("ac_me", "letters a to z"),
        ("ac.me", "letters a to z"),
        ("ac me", "letters a to z"),
        ("acmé", "letters a to z"),
        ("acme\x00", "letters a to z"),
        ("acme\n", "letters a to z"),
        ("../acme", "Begin with a letter"),
        ("mtas-shop", "reserved"),
        *((word, "reserved") for word in ("admin", "dashboard", "api", "www", "login", "well-known", "mtas")),
    ],
)
async def test_an_app_id_that_cannot_be_is_refused_in_its_own_words(
    world: World, app_id: str, words: str
) -> None:
    answer = await world.api("POST", "/apps", json={"app_id": app_id, "name": "Acme"})
    assert answer.status_code == 422
    assert words in pointers(answer.json())["#/app_id"]
    if "\x00" not in app_id:
        assert await rows(world, app_id) == 0


def test_routes_and_product_words_are_reserved() -> None:
    words = {"admin", "api", "auth", "login", "www", "dashboard", "mtas", "token", "authorize", "jwks"}
    assert words <= RESERVED


REFUSED_URIS = [
    pytest.param("https://app.example/cb#fragment", "fragment", id="fragment"),
    pytest.param("https://app.example/cb#", "fragment", id="empty-fragment"),
    pytest.param("https://*.example/cb", "wildcards", id="wildcard-host"),
    pytest.param("https://app.example/*", "wildcards", id="wildcard-path"),
    pytest.param("^https://app\\.example/.*$", "backslash", id="regex"),
    pytest.param("http://app.example/cb", "must be https", id="plain-http"),
    pytest.param("http://10.0.0.1/cb", "must be https", id="private-http"),
    pytest.param("http://localhost.evil.example/cb", "must be https", id="localhost-suffix"),
    pytest.param("javascript:alert(1)", "must be https", id="javascript"),
    pytest.param("JavaScript:alert(1)", "lower-case scheme", id="JavaScript"),
    pytest.param("JAVASCRIPT://app.example/%0aalert(1)", "control character", id="JAVASCRIPT"),
    pytest.param("data:text/html,x", "must be https", id="data"),
    pytest.param("DATA:text/html,x", "lower-case scheme", id="DATA"),
    pytest.param("vbscript:x", "must be https", id="vbscript"),
    pytest.param("file:///etc/passwd", "must be https", id="file"),
    pytest.param("com.example.app:/cb", "must be https", id="private-scheme-for-web"),
    pytest.param("https://user@app.example/cb", "user name", id="user-info"),
    pytest.param("https://app.example/a/../cb", "in its path", id="dot-dot"),
    pytest.param("https://app.example/%2e%2E/cb", "in its path", id="encoded-dot-dot"),
    pytest.param("https://app.example\\@evil.example", "backslash", id="backslash"),
    pytest.param("https://app.example/\r\nX: y", "character", id="crlf"),
    pytest.param("https://app.example/\x00", "character", id="nul"),
    pytest.param("https://éxample.org/cb", "beyond ASCII", id="idn"),
    pytest.param("https://APP.example/cb", "lower case", id="upper-case-host"),
    pytest.param("https:/app.example/cb", "://", id="one-slash"),
    pytest.param("//app.example/cb", "scheme", id="no-scheme"),
    pytest.param("/cb", "scheme", id="relative"),
    pytest.param("", "empty", id="empty"),
    pytest.param("https://good.example/cb", "twice", id="twice"),
    pytest.param("https://app.example/" + "a" * 2000, "longer", id="too-long"),
]


@pytest.mark.parametrize(("uri", "words"), REFUSED_URIS)
@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris"])
async def test_a_redirect_uri_that_cannot_be_is_refused_with_its_place(
    world: World, field: str, uri: str, words: str
) -> None:
    app_id = some_slug()
    body = {"app_id": app_id, "name": "Acme", field: ["https://good.example/cb", uri]}
    answer = await world.api("POST", "/apps", json=body)
    assert answer.status_code == 422
    assert words in pointers(answer.json())[f"#/{field}/1"]
    assert await rows(world, app_id) == 0


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://app.example:443",
        "http://app.example",
        "*",
        "null",
        "https://*.example",
    ],
)
async def test_a_frontend_origin_that_is_none_is_refused(world: World, origin: str) -> None:
    app_id = some_slug()
    body = {"app_id": app_id, "name": "Acme", "frontend_origins": [origin]}
    answer = await world.api("POST", "/apps", json=body)
    assert answer.status_code == 422
    assert list(pointers(answer.json())) == ["#/frontend_origins/0"]
    assert await rows(world, app_id) == 0


async def test_everything_wrong_is_said_at_once_and_the_form_names_the_line(world: World) -> None:
    person, _ = await world.developer()
    answer = await person.fill(
        "/dashboard/register-app",
        {
            "name": "",
            "app_id": "Acme",
            "redirect_uris": "https://good.example/cb\r\n\r\nhttp://evil.example/cb",
            "frontend_origins": "https://good.example/x",
        },
    )
    assert answer.status_code == 422
    assert "<title>Error: Register app" in answer.text
    for words in (
        "Enter a name.",
        "Use lower-case letters only.",
        "Line 2: http://evil.example/cb",
        "Line 1: ",
    ):
        assert words in answer.text
    assert 'value="Acme"' in answer.text
    assert "http://evil.example/cb</textarea>" in answer.text


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 81, "a\nb", "a\x00b", "evil\u202egpj.exe", "a\u2028b"], ids=repr
)
async def test_a_name_that_would_not_read_as_one_is_refused(world: World, name: str) -> None:
    answer = await world.api("POST", "/apps", json={"app_id": some_slug(), "name": name})
    assert answer.status_code == 422
    assert "#/name" in pointers(answer.json())


async def test_the_answer_has_the_key_when_it_is_there_in_time(world: World) -> None:
    answer = await world.register(signing_alg="RS256")
    assert answer["app"]["key"] is None  # nobody makes keys here, and the wait is nought
    app_id = answer["app"]["app_id"]
    await world.seed.execute(
        "insert into jwks.signing_keys (tenant_id, kid, alg, state, public_jwk, sealed_private_key, kek_id,"
        " created_at, activates_at) values ($1, 'k1', 'RS256', 'active', '{}', ''::bytea, 'x', now(), now())",
        await world.tenant_id(app_id),
    )
    shown = (await world.api("GET", f"/apps/{app_id}")).json()
    assert (shown["key"]["kid"], shown["key"]["state"]) == ("k1", "active")
