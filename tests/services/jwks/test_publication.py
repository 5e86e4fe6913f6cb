"""Keys are made by themselves and published; discovery says where everything is."""

import asyncio
from typing import Any

import httpx2
import pytest

from deploy.local.stack import Stack
from services.jwks.flows.publication import render
from shared.oauth.types import ClientType
from tests.support.seed import Seed, some_slug

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


async def published(jwks: httpx2.AsyncClient, slug: str) -> httpx2.Response:
    """The JWKS, once the tenant's first key has been made."""
    for _ in range(100):
        response = await jwks.get(f"/t/{slug}/jwks.json")
        if response.status_code == 200:
            return response
        assert response.status_code == 503
        assert "retry-after" in response.headers
        await asyncio.sleep(0.1)
    raise AssertionError("no key was made within ten seconds")


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
async def test_a_new_tenant_gets_its_key_without_any_event(
    jwks: httpx2.AsyncClient, seed: Seed, alg: str
) -> None:
    slug = some_slug()
    tenant_id = await seed.tenant(slug, signing_alg=alg)
    response = await published(jwks, slug)
    assert response.headers["content-type"].startswith("application/jwk-set+json")
    (key,) = response.json()["keys"]
    assert (key["alg"], key["use"]) == (alg, "sig")
    assert not PRIVATE_MEMBERS & key.keys()
    (row,) = await seed.fetch("select * from jwks.signing_keys where tenant_id = $1", tenant_id)
    assert row["state"] == "active"


async def test_two_tenants_have_different_keys(jwks: httpx2.AsyncClient, seed: Seed) -> None:
    kids = []
    for _ in range(2):
        slug = some_slug()
        await seed.tenant(slug)
        kids += [key["kid"] for key in (await published(jwks, slug)).json()["keys"]]
    assert len(set(kids)) == 2


async def test_the_jwks_may_be_kept_and_revalidated(jwks: httpx2.AsyncClient, seed: Seed) -> None:
    slug = some_slug()
    await seed.tenant(slug)
    response = await published(jwks, slug)
    assert response.headers["cache-control"] == "public, max-age=300"
    again = await jwks.get(f"/t/{slug}/jwks.json", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await jwks.head(f"/t/{slug}/jwks.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == response.headers["etag"]


async def test_discovery_answers_both_forms_alike(jwks: httpx2.AsyncClient, seed: Seed) -> None:
    slug = some_slug()
    await seed.tenant(slug)
    oidc = await jwks.get(f"/t/{slug}/.well-known/openid-configuration")
    rfc8414 = await jwks.get(f"/.well-known/oauth-authorization-server/t/{slug}")
    assert oidc.status_code == 200
    assert oidc.json() == rfc8414.json()
    document: dict[str, Any] = oidc.json()
    assert document["issuer"] == f"http://localhost/t/{slug}"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert all(
        document[name].startswith(document["issuer"] + "/") for name in document if name.endswith("_endpoint")
    )


async def test_an_unknown_tenant_is_not_found_and_not_cached(jwks: httpx2.AsyncClient) -> None:
    for path in ("/t/nobody-here/jwks.json", "/t/nobody-here/.well-known/openid-configuration"):
        response = await jwks.get(path)
        assert response.status_code == 404
        assert response.headers["cache-control"] == "no-store"


async def test_only_registered_origins_may_read(jwks: httpx2.AsyncClient, seed: Seed) -> None:
    slug = some_slug()
    tenant_id = await seed.tenant(slug)
    await seed.client(tenant_id, slug, ClientType.SPA, frontend_origins=["https://spa.example"])
    await published(jwks, slug)
    for origin, allowed in (("https://spa.example", "https://spa.example"), ("https://evil.example", None)):
        response = await jwks.get(f"/t/{slug}/jwks.json", headers={"Origin": origin})
        assert response.headers.get("access-control-allow-origin") == allowed
        assert response.headers["vary"] == "Origin"


async def test_jwks_keeps_serving_while_postgres_is_down(
    jwks: httpx2.AsyncClient, stores: Stack, seed: Seed
) -> None:
    slug = some_slug()
    await seed.tenant(slug)
    await published(jwks, slug)
    await asyncio.sleep(0.5)  # who made the key forgets what was kept before it, just after the commit
    before = (await published(jwks, slug)).content
    stores.kill("postgres")
    try:
        await asyncio.sleep(0.3)  # past the cache's TTL here
        during = await jwks.get(f"/t/{slug}/jwks.json")
        assert (during.status_code, during.content) == (200, before)
        assert (await jwks.get("/livez")).status_code == 200
        assert (await jwks.get("/readyz")).status_code == 503
        unknown = await jwks.get("/t/never-seen/jwks.json")
        assert unknown.status_code == 503
        assert "retry-after" in unknown.headers
    finally:
        await asyncio.to_thread(stores.restart, "postgres")
    for _ in range(100):
        if (await jwks.get("/readyz")).status_code == 200:
            break
        await asyncio.sleep(0.1)
    assert (await jwks.get("/t/never-seen/jwks.json")).status_code == 404


def test_whatever_a_record_holds_only_public_members_are_published() -> None:
    """RFC 7518 §6.2.2, §6.3.2: the database refuses the others as well."""
    private = dict.fromkeys((*PRIVATE_MEMBERS, "x5u", "key_ops"), "canary")
    document = render(({"kty": "RSA", "kid": "one", "alg": "RS256", "n": "AQAB", "e": "AQAB"} | private,))
    assert b"canary" not in document.body
    assert document.kids == ("one",)
