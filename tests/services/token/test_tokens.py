"""What is minted, and what the service says of it: RFC 9068, OIDC Core, RFC 7662, RFC 7009."""

import asyncio
from typing import Any

import jwt
import pytest

from shared.oauth.types import ClientType
from tests.services.token.conftest import CACHE_TTL_S, World, seed_key


def unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


async def test_access_token_is_an_rfc_9068_jwt(world: World) -> None:
    tokens = await world.sign_in()
    header, claims = unverified(tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert claims.keys() >= {
        "iss",
        "aud",
        "sub",
        "client_id",
        "jti",
        "iat",
        "exp",
        "scope",
        "sid",
        "auth_time",
    }
    assert claims["iss"] == f"http://localhost/t/{world.slug}"
    assert claims["aud"] == world.slug
    assert claims["sub"] == str(world.user_id)
    assert claims["exp"] - claims["iat"] == 600


async def test_id_token_carries_nonce_and_the_scopes_claims(world: World) -> None:
    _, claims = unverified((await world.sign_in())["id_token"])
    assert claims["nonce"] == "n-0S6"
    assert claims["aud"] == world.client_id
    assert claims["email"] == "ada@example.com"
    assert "name" not in claims
    assert claims.keys() >= {"sub", "at_hash", "auth_time", "sid", "iat", "exp"}


async def test_a_tenant_may_choose_es256(world: World) -> None:
    await world.seed.execute(
        "update admin.tenants set signing_alg = 'ES256' where tenant_id = $1", world.tenant_id
    )
    kid = await seed_key(world.seed, world.sealer, world.tenant_id, "ES256")
    tokens = await world.sign_in()
    header, _ = unverified(tokens["access_token"])
    assert (header["alg"], header["kid"]) == ("ES256", kid)
    assert await world.is_active(tokens["access_token"])


async def test_a_registered_resource_becomes_the_audience(world: World) -> None:
    tokens = await world.sign_in(resource="https://api.example")
    assert unverified(tokens["access_token"])[1]["aud"] == "https://api.example"
    refreshed = await world.refresh(tokens["refresh_token"], {"resource": "https://other.example"})
    assert refreshed.json()["error"] == "invalid_target"


async def test_client_credentials_speak_for_the_client(world: World) -> None:
    tokens = (await world.post("token", {"grant_type": "client_credentials"})).json()
    _, claims = unverified(tokens["access_token"])
    assert claims["sub"] == claims["client_id"] == world.client_id
    assert "sid" not in claims
    assert "refresh_token" not in tokens
    assert await world.is_active(tokens["access_token"])


async def test_userinfo_answers_get_and_post(world: World) -> None:
    token = (await world.sign_in(scope=("openid", "email", "profile")))["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    url = f"/t/{world.slug}/userinfo"
    got = await world.http.get(url, headers=bearer)
    assert got.json()["sub"] == str(world.user_id)
    assert got.json()["email"] == "ada@example.com"
    assert (await world.http.post(url, headers=bearer)).json() == got.json()
    assert (await world.http.post(url, data={"access_token": token})).json() == got.json()
    assert (await world.http.post(url, data={"access_token": token}, headers=bearer)).status_code == 400


async def test_userinfo_refuses_in_the_form_of_rfc_6750(world: World) -> None:
    url = f"/t/{world.slug}/userinfo"
    nothing = await world.http.get(url)
    assert (nothing.status_code, nothing.headers["www-authenticate"]) == (401, "Bearer")
    bad = await world.http.get(url, headers={"Authorization": "Bearer x"})
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    own = (await world.post("token", {"grant_type": "client_credentials"})).json()["access_token"]
    poor = await world.http.get(url, headers={"Authorization": f"Bearer {own}"})
    assert (poor.status_code, poor.json()["error"]) == (403, "insufficient_scope")


async def test_userinfo_ends_with_the_family_and_the_user(world: World) -> None:
    tokens = await world.sign_in()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    await world.post("revoke", {"token": tokens["refresh_token"]})
    assert (await world.http.get(f"/t/{world.slug}/userinfo", headers=bearer)).status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoking_either_token_ends_the_family(world: World, kind: str) -> None:
    tokens = await world.sign_in()
    assert (await world.post("revoke", {"token": tokens[kind]})).status_code == 200
    assert not await world.is_active(tokens["access_token"])
    assert not await world.is_active(tokens["refresh_token"])
    (event,) = await world.events()
    assert "revoked_by_client" in event["data"]


async def test_anothers_own_token_is_answered_as_an_unknown_one(world: World) -> None:
    """RFC 7009 §2.1: that it stands for no grant is told to its own client alone."""
    other = f"{world.slug}-two"
    secret = await world.seed.client(world.tenant_id, other)
    assert secret is not None
    token = (await world.post("token", {"grant_type": "client_credentials"})).json()["access_token"]
    assert (await world.post("revoke", {"token": token}, auth=(other, secret))).status_code == 200
    refused = await world.post("revoke", {"token": token})
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")


async def test_revoking_nonsense_or_anothers_token_is_200_and_nothing(world: World) -> None:
    other = f"{world.slug}-two"
    secret = await world.seed.client(world.tenant_id, other)
    assert secret is not None
    tokens = await world.sign_in()
    for token in ("nonsense", "mtas_rt_nonsense", tokens["access_token"], tokens["refresh_token"]):
        assert (await world.post("revoke", {"token": token}, auth=(other, secret))).status_code == 200
    assert await world.is_active(tokens["access_token"])
    assert (await world.post("revoke", {})).status_code in (400, 415)


async def test_introspection_needs_a_confidential_client(world: World) -> None:
    token = (await world.sign_in())["access_token"]
    spa = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, spa, ClientType.SPA)
    assert (await world.post("introspect", {"token": token}, auth=None)).status_code == 401
    assert (await world.post("introspect", {"token": token, "client_id": spa}, auth=None)).status_code == 401


async def test_introspection_tells_another_client_nothing(world: World) -> None:
    other = f"{world.slug}-two"
    secret = await world.seed.client(world.tenant_id, other)
    assert secret is not None
    tokens = await world.sign_in()
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "x.y.z"):
        answer = await world.post("introspect", {"token": token}, auth=(other, secret))
        assert answer.json() == {"active": False}


async def test_introspection_says_of_a_refresh_token_what_the_token_endpoint_would(world: World) -> None:
    """RFC 7662 §2.2: the live one, the one before it within its grace, and none older."""
    first = (await world.sign_in())["refresh_token"]
    second = (await world.refresh(first)).json()["refresh_token"]
    third = (await world.refresh(second)).json()["refresh_token"]
    assert [await world.is_active(token) for token in (first, second, third)] == [False, True, True]
    world.clock.advance(10)
    assert [await world.is_active(token) for token in (first, second, third)] == [False, False, True]
    await world.seed.execute("update token.families set generation = 0 where tenant_id = $1", world.tenant_id)
    assert await world.is_active(third), "newer than the row: the database lost its tail"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("idle_expires_at = $2", id="idle"),
        pytest.param("absolute_expires_at = $2", id="absolute"),
        pytest.param("refreshable = $2::timestamptz is null", id="not refreshable"),
    ],
)
async def test_a_refresh_token_that_would_be_refused_is_inactive(world: World, change: str) -> None:
    token = (await world.sign_in())["refresh_token"]
    assert await world.is_active(token)
    await world.seed.execute(
        f"update token.families set {change} where tenant_id = $1", world.tenant_id, world.clock()
    )
    assert not await world.is_active(token)


async def test_asking_for_a_resource_does_not_make_its_server(world: World) -> None:
    api = "https://api.example"
    fellow = f"{world.slug}-two"
    secret = await world.seed.client(world.tenant_id, fellow, resources=[api])
    assert secret is not None
    token = (await world.sign_in(resource=api))["access_token"]
    answer = await world.post("introspect", {"token": token}, auth=(fellow, secret))
    assert answer.json() == {"active": False}


async def test_a_disabled_clients_tokens_are_worth_nothing_where_we_are_asked(world: World) -> None:
    spa = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, spa, ClientType.SPA)
    tokens = (await world.redeem(await world.code(client_id=spa), {"client_id": spa}, auth=None)).json()
    assert await world.is_active(tokens["access_token"])
    await world.seed.execute(
        "update admin.clients set disabled_at = now() where tenant_id = $1 and client_id = $2",
        world.tenant_id,
        spa,
    )
    await asyncio.sleep(CACHE_TTL_S + 0.1)
    assert not await world.is_active(tokens["access_token"])
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.http.get(f"/t/{world.slug}/userinfo", headers=bearer)).status_code == 401


async def test_a_disabled_tenants_tokens_are_worth_nothing_where_we_are_asked(world: World) -> None:
    tokens = await world.sign_in()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.http.get(f"/t/{world.slug}/userinfo", headers=bearer)).status_code == 200
    await world.seed.execute(
        "update admin.tenants set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    await asyncio.sleep(CACHE_TTL_S + 0.1)
    assert (await world.http.get(f"/t/{world.slug}/userinfo", headers=bearer)).status_code == 401
    assert (await world.refresh(tokens["refresh_token"])).json()["error"] == "invalid_client"


@pytest.mark.parametrize("endpoint", ["revoke", "introspect"])
async def test_a_repeated_parameter_does_nothing(world: World, endpoint: str) -> None:
    token = (await world.sign_in())["refresh_token"]
    answer = await world.http.post(
        f"/t/{world.slug}/{endpoint}",
        data={"token": token, "token_type_hint": ["refresh_token", "access_token"]},
        auth=(world.client_id, world.client_secret),
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert await world.is_active(token)


@pytest.mark.parametrize("path", ["/t/%00/token", "/t/..%2f/token", "/t/%C3%A9/token"])
async def test_a_slug_that_is_none_is_not_found(world: World, path: str) -> None:
    assert (await world.http.post(path, data={"grant_type": "client_credentials"})).status_code == 404


async def test_an_expired_access_token_is_inactive(world: World) -> None:
    token = (await world.sign_in())["access_token"]
    world.clock.advance(601)
    assert not await world.is_active(token)


async def test_an_id_token_is_no_access_token(world: World) -> None:
    id_token = (await world.sign_in())["id_token"]
    assert not await world.is_active(id_token)
    bearer = {"Authorization": f"Bearer {id_token}"}
    assert (await world.http.get(f"/t/{world.slug}/userinfo", headers=bearer)).status_code == 401


async def test_cors_only_for_registered_origins(world: World) -> None:
    await world.seed.execute(
        "update admin.clients set frontend_origins = '{https://app.example}' where tenant_id = $1",
        world.tenant_id,
    )
    url = f"/t/{world.slug}/token"
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        preflight = await world.http.options(url, headers={"Origin": origin})
        assert preflight.headers.get("access-control-allow-origin") == allowed
        refused = await world.post("token", {"grant_type": "x"}, headers={"Origin": origin})
        assert refused.status_code == 400
        assert refused.headers.get("access-control-allow-origin") == allowed
        assert refused.headers["vary"] == "Origin"
