"""From /login to /me and /logout, the same in every framework."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from mtas import fastapi
from mtas.core.effects import Fetch, Fetched
from mtas.testing import FakeIssuer
from sdk.python.tests.support.browser import Browser
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import Site, asgi_sender, bff


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
        "detail": "Sign in to go on.",
        "login_url": "/auth/login",
    }
    me = await site.browser().get("/auth/me")
    assert (me.status, me.code) == (401, "login_required")


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


class TestCallback:
    async def test_iss_is_checked_first(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        for wrong in ("", "iss=https%3A%2F%2Fevil.example", "iss=" + issuer.issuer + "%2F"):
            head, _, _ = url.partition("iss=")
            reply = await browser.fetch(_path(head + wrong + "&code=x"))
            assert (reply.status, reply.code) == (400, "issuer_mismatch")
        reply = await browser.fetch(_path(f"{url}&iss={issuer.issuer}"))
        assert reply.code == "issuer_mismatch"
        assert (await browser.follow(url)).status == 303

    async def test_state_of_another_browser(self, site: Site, issuer: FakeIssuer) -> None:
        url = issuer.approve((await site.browser().get("/auth/login")).location)
        stranger = site.browser()
        page = await stranger.follow(url)
        assert page.status == 400
        assert page.header("content-type") == "text/html; charset=utf-8"
        assert b"state_missing" in page.body
        assert b'<a href="/auth/login">Try again</a>' in page.body
        assert (await stranger.fetch(_path(url))).code == "state_missing"
        assert stranger.cookies == {}

    async def test_a_state_that_does_not_fit(self, site: Site, issuer: FakeIssuer) -> None:
        """Missing, another, twice; the login's cookie damaged, or another login's."""
        browser, other = site.browser(), site.browser()
        url = _path(issuer.approve((await browser.get("/auth/login")).location))
        await other.get("/auth/login")
        (name, value), (foreign_name, foreign) = *browser.cookies.items(), *other.cookies.items()
        without, _, rest = url.partition("state=")
        for target, cookies, code in (
            (without + rest.partition("&")[2], browser.cookies, "state_invalid"),
            (url + "&state=another", browser.cookies, "state_invalid"),
            (f"{without}state=another&{rest.partition('&')[2]}", browser.cookies, "state_missing"),
            (url, {name: value[:-2] + "AA"}, "state_missing"),
            (url, {name: foreign}, "state_invalid"),
            (url, {foreign_name: value}, "state_missing"),
        ):
            reply = await Browser(site.send, dict(cookies)).fetch(target)
            assert (reply.status, reply.code) == (400, code)
            assert reply.all("set-cookie") == []
        assert [request for request in issuer.requests if request.url.endswith("/token")] == []
        assert (await browser.get(url)).status == 303

    async def test_state_is_used_once(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        assert (await browser.follow(url)).status == 303
        asked = len(issuer.requests)
        again = await browser.follow(url)  # the back button
        assert (again.status, again.location) == (303, "/")
        assert len(issuer.requests) == asked
        browser.cookies.clear()
        assert (await browser.fetch(_path(url))).code == "state_missing"

    async def test_each_tab_has_its_own_login(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        first = (await browser.get("/auth/login?returnTo=/one")).location
        second = (await browser.get("/auth/login?returnTo=/two")).location
        assert (await browser.follow(issuer.approve(second))).location == "/two"
        assert (await browser.follow(issuer.approve(first))).location == "/one"

    async def test_logins_that_nobody_finishes_do_not_pile_up(
        self, site: Site, issuer: FakeIssuer, clock: Clock
    ) -> None:
        browser = site.browser()
        begun = []
        for _ in range(9):
            begun.append((await browser.get("/auth/login")).location)
            clock.advance(1)
        assert len([name for name in browser.cookies if "_tx_" in name]) == 5
        assert (await browser.fetch(_path(issuer.approve(begun[3])))).code == "state_missing"
        assert (await browser.follow(issuer.approve(begun[4]))).status == 303

    async def test_logins_with_long_ways_back_do_not_pile_up_either(
        self, site: Site, issuer: FakeIssuer, clock: Clock
    ) -> None:
        browser = site.browser()
        for _ in range(6):
            clock.advance(1)
            begun = await browser.get(f"/auth/login?returnTo=/{'a' * 2047}")
            assert len(browser.cookie_header["cookie"]) < 8000
        assert len(browser.cookies) == 2
        assert (await browser.follow(issuer.approve(begun.location))).location == f"/{'a' * 2047}"

    async def test_a_cookie_that_is_named_like_a_login_stops_none(
        self, site: Site, issuer: FakeIssuer
    ) -> None:
        browser = site.browser()
        browser.cookies = {"mtas_tx_app.(": "x", "mtas_tx_app.[]{}@,?/<>": "x", "mtas_app.(": "x"}
        await browser.sign_in(issuer)
        assert (await browser.get("/private")).status == 200

    async def test_a_login_lasts_ten_minutes(self, site: Site, issuer: FakeIssuer, clock: Clock) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        clock.advance(600)
        assert (await browser.fetch(_path(url))).code == "state_missing"

    async def test_a_refusal_is_told(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        asked = _asked((await browser.get("/auth/login")).location)
        told = await browser.fetch(_path(issuer.callback(asked, error="access_denied")))
        assert (told.status, told.code) == (403, "authorization_refused")
        assert told.json["detail"] == "The auth server said: access_denied."
        assert browser.cookies == {}
        asked = _asked((await browser.get("/auth/login")).location)
        page = await browser.follow(issuer.callback(asked, error="<script>alert(1)</script>"))
        assert page.status == 403
        assert b"script" not in page.body
        assert "default-src 'none'" in str(page.header("content-security-policy"))

    async def test_codes_that_the_server_rejects(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        reply = await browser.fetch(_path(url.replace("code=", "code=x")))
        assert (reply.status, reply.code) == (400, "code_rejected")

    async def test_the_apps_own_credentials_are_wrong(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        issuer.app_secret = "rotated"
        reply = await browser.fetch(_path(url))
        assert (reply.status, reply.code) == (500, "client_rejected")

    async def test_a_server_that_is_away_costs_no_login(self, site: Site, issuer: FakeIssuer) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        issuer.away = True
        reply = await browser.fetch(_path(url))
        assert (reply.status, reply.code, reply.header("retry-after")) == (503, "server_unavailable", "2")
        issuer.away = False
        assert (await browser.follow(url)).status == 303

    @pytest.mark.parametrize("change", ["nonce", "sub", "aud", "iss", "at_hash", "signature"])
    async def test_an_id_token_that_does_not_fit(self, asgi: Site, issuer: FakeIssuer, change: str) -> None:
        browser = asgi.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)

        def forge(request: Fetch) -> Fetched | None:
            if not request.url.endswith("/token"):
                return None
            good = issuer.respond(request)
            return _with_id_token(issuer, good, change)

        issuer.on_request = forge
        reply = await browser.fetch(_path(url))
        assert (reply.status, reply.code) == (400, "id_token_invalid")
        assert browser.cookies == {}

    @pytest.mark.parametrize(
        ("off_s", "said"),
        [(-95, "95 seconds behind"), (700, "700 seconds ahead of")],
        ids=["behind", "ahead"],
    )
    async def test_a_wrong_clock_is_named(
        self, site: Site, issuer: FakeIssuer, clock: Clock, off_s: int, said: str
    ) -> None:
        browser = site.browser()
        url = issuer.approve((await browser.get("/auth/login")).location)
        issuer.clock = Clock(clock.now - off_s)
        reply = await browser.fetch(_path(url))
        assert (reply.status, reply.code) == (500, "clock_skew")
        assert reply.json["detail"] == f"This machine's clock is {said} the auth server's."


def _asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _with_id_token(issuer: FakeIssuer, good: Fetched, change: str) -> Fetched:
    tokens = json.loads(good.body)
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if change == "signature":
        tokens["id_token"] = tokens["id_token"][:-6] + "AAAAAA"
    elif change == "sub":
        tokens["id_token"] = issuer.sign("JWT", claims | {"sub": ""})
    else:
        tokens["id_token"] = issuer.sign("JWT", claims | {change: "another"})
    return issuer.json(200, tokens)
