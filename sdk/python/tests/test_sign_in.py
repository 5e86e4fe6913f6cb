"""From /login to /me and /logout, the same in every framework."""

from urllib.parse import parse_qs, urlsplit

import pytest

from mtas import fastapi
from mtas.testing import FakeIssuer
from sdk.python.tests.support.browser import Browser
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import SITES, Site, asgi_sender, bff


async def test_a_user_signs_in_and_out(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    assert (await browser.get("/")).json == {"user": None}
    back = await browser.sign_in(issuer, "/auth/login?returnTo=/private?page%3D2", email="grace@example.com")
    assert (back.status, back.location) == (303, "/private?page=2")
    assert not [name for name in browser.cookies if "_tx_" in name]
    private = await browser.get("/private")
    assert (private.status, private.json["email"]) == (200, "grace@example.com")
    me = await browser.fetch("/auth/me")
    assert (me.status, me.json["user"]["sub"]) == (200, "user-1")
    assert me.header("cache-control") == "no-store"
    out = await browser.request(
        "POST", "/auth/logout", {"sec-fetch-mode": "navigate", "sec-fetch-site": "same-origin"}
    )
    assert out.status == 303
    assert out.location.startswith(f"{issuer.issuer}/logout?id_token_hint=")
    sent = parse_qs(urlsplit(out.location).query)
    assert sent["post_logout_redirect_uri"] == ["http://localhost:8000/"]
    assert sent["client_id"] == ["app"]
    assert browser.cookies == {}
    assert [family.revoked for family in issuer.families.values()] == [True]
    assert (await browser.get("/")).json == {"user": None}


async def test_an_authorization_request_has_all_that_protects_it(site: Site, issuer: FakeIssuer) -> None:
    begun = await site.browser().get("/auth/login?prompt=create&login_hint=a%40b.c&client_id=evil&scope=x")
    asked = parse_qs(urlsplit(begun.location).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["client_id"] == ["app"]
    assert asked["scope"] == ["openid profile email"]
    assert asked["redirect_uri"] == ["http://localhost:8000/auth/callback"]
    assert (asked["prompt"], asked["login_hint"]) == (["create"], ["a@b.c"])
    assert all(len(asked[name][0]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert begun.header("cache-control") == "no-store"


async def test_fetch_can_sign_out(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    await browser.sign_in(issuer)
    out = await browser.fetch("/auth/logout", "POST")
    assert (out.status, out.json["redirect_to"].partition("?")[0]) == (200, f"{issuer.issuer}/logout")
    assert browser.cookies == {}


async def test_signing_out_works_while_the_server_is_away(
    site: Site, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    browser = site.browser()
    await browser.sign_in(issuer)
    issuer.away = True
    out = await browser.fetch("/auth/logout", "POST")
    assert (out.status, browser.cookies) == (200, {})
    assert "could not be revoked" in caplog.text
    assert (await browser.get("/")).json == {"user": None}


async def test_unauthenticated_page_loads_go_to_the_login(site: Site, issuer: FakeIssuer) -> None:
    reply = await site.browser().get("/private?a=1&b=%2F")
    assert reply.status == 303
    assert reply.location == "/auth/login?returnTo=/private%3Fa%3D1%26b%3D%252F"
    assert reply.header("cache-control") == "no-store"
    browser = site.browser()
    back = await browser.sign_in(issuer, reply.location)
    assert back.location == "/private?a=1&b=%2F"


async def test_unauthenticated_fetches_get_a_problem(site: Site) -> None:
    reply = await site.browser().fetch("/private")
    assert (reply.status, reply.code) == (401, "login_required")
    assert reply.json == {
        "type": "urn:mtas:error:login_required",
        "title": "Sign in to go on",
        "status": 401,
        "code": "login_required",
        "detail": "Send the browser to login_url.",
        "login_url": "/auth/login",
    }
    me = await site.browser().get("/auth/me")
    assert (me.status, me.code) == (401, "login_required")


@pytest.mark.parametrize("framework", ["flask", "django"])
async def test_an_asynchronous_view_is_protected_too(
    framework: str, issuer: FakeIssuer, clock: Clock
) -> None:
    site = SITES[framework](issuer.config, clock)
    browser = site.browser()
    assert (await browser.get("/later")).location == "/auth/login?returnTo=/later"
    assert (await browser.fetch("/later")).code == "login_required"
    await browser.sign_in(issuer)
    assert (await browser.get("/later")).json == {"sub": "user-1"}


async def test_wrong_methods_are_refused(site: Site) -> None:
    for method, target in (("GET", "/auth/logout"), ("POST", "/auth/login"), ("POST", "/auth/callback")):
        reply = await site.browser().fetch(target, method)
        assert reply.status == 405
        assert reply.header("allow") == ("POST" if target == "/auth/logout" else "GET")


async def test_prefetching_the_login_begins_nothing(site: Site) -> None:
    reply = await site.browser().get("/auth/login", sec_purpose="prefetch;prerender")
    assert (reply.status, reply.all("set-cookie")) == (204, [])


async def test_other_pages_cannot_act_for_the_user(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    await browser.sign_in(issuer)
    cross = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "https://evil.example"}
    for target in ("/private", "/auth/logout"):
        reply = await browser.request("POST", target, cross)
        assert (reply.status, reply.code) == (403, "csrf")
    assert not any(family.revoked for family in issuer.families.values())
    for allowed in ({"sec-fetch-site": "same-origin"}, {"x-mtas-csrf": "1"}, {"origin": issuer.app_url}):
        assert (await browser.request("POST", "/private", allowed)).status == 200


async def test_without_a_session_csrf_is_the_apps_own_business(site: Site) -> None:
    reply = await site.browser().request("POST", "/private", {"sec-fetch-site": "cross-site"})
    assert (reply.status, reply.code) == (401, "login_required")


async def test_an_api_takes_bearer_tokens(site: Site, issuer: FakeIssuer) -> None:
    async def call(authorization: str | None) -> tuple[int, str | None]:
        headers = {"authorization": authorization} if authorization else {}
        reply = await site.browser().request("GET", "/api", headers)
        return reply.status, reply.header("www-authenticate")

    assert await call(None) == (401, "Bearer")
    assert await call("Basic x") == (401, "Bearer")
    assert await call("Bearer nonsense") == (401, 'Bearer error="invalid_token"')
    assert await call(f"Bearer {issuer.access_token('openid')}") == (
        403,
        'Bearer error="insufficient_scope", scope="read"',
    )
    assert await call(f"bearer {issuer.access_token('openid read')}") == (200, None)
    foreign = issuer.access_token("read", iss="https://auth.test/t/other")
    assert (await call(f"Bearer {foreign}"))[0] == 401


async def test_a_mounted_fastapi_app_leads_to_the_login_too(issuer: FakeIssuer, clock: Clock) -> None:
    from fastapi import FastAPI

    auth, app, mounted = fastapi.MtasAuth(bff(issuer.config, clock)), FastAPI(), FastAPI()

    @mounted.get("/private")
    async def private(user: fastapi.CurrentUser) -> str:
        return user.sub

    app.mount("/more", mounted)
    for each in (app, mounted):
        each.add_middleware(auth.middleware)
    browser = Browser(asgi_sender(app))
    reply = await browser.get("/more/private")
    assert (reply.status, reply.location) == (303, "/auth/login?returnTo=/more/private")
    await browser.sign_in(issuer)
    clock.advance(600)
    assert (await browser.get("/more/private")).json == "user-1"
    assert len([cookie for cookie in browser.cookies if cookie.startswith("mtas_app.")]) == 1


async def test_an_apps_own_error_stays_its_own(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser = site.browser()
    await browser.sign_in(issuer)
    clock.advance(590)
    try:
        reply = await browser.get("/boom")
    except ZeroDivisionError:
        return  # frameworks differ in who answers it
    assert reply.status == 500
