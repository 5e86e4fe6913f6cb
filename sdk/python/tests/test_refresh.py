"""Sessions as they grow old: one rotation however many ask, and nothing late brings anything back."""

import asyncio

import pytest

from mtas.core.effects import Fetch, Fetched
from mtas.testing import FakeIssuer
from sdk.python.tests.support.browser import NAVIGATE, Browser, Reply
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import SITES, Site

CONCURRENT = 50


def rotations(issuer: FakeIssuer) -> int:
    """How often a refresh token was presented."""
    return sum(b"grant_type=refresh_token" in request.body for request in issuer.requests)


def generation(issuer: FakeIssuer) -> list[int]:
    return [family.generation for family in issuer.families.values()]


async def signed_in(site: Site, issuer: FakeIssuer, **claims: str) -> Browser:
    browser = site.browser()
    await browser.sign_in(issuer, **claims)
    return browser


async def at_once(browser: Browser, count: int, target: str = "/private") -> list[Reply]:
    """The same cookies many times at once; then the browser takes what came back, in that order."""
    sent = {**NAVIGATE, **browser.cookie_header}
    replies = await asyncio.gather(*(browser.send("GET", target, sent) for _ in range(count)))
    for reply in replies:
        browser.take(reply)
    return list(replies)


async def test_a_session_is_refreshed_before_its_token_ends(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await signed_in(site, issuer)
    before = dict(browser.cookies)
    clock.advance(539)
    assert (await browser.get("/private")).all("set-cookie") == []
    clock.advance(1)
    assert (await browser.get("/private")).status == 200
    assert rotations(issuer) == 1
    changed = set(browser.cookies) ^ set(before)
    assert sorted(name.rpartition(".")[2] for name in changed) == ["0", "1"]
    clock.advance(60)
    assert (await browser.get("/private")).status == 200
    assert rotations(issuer) == 1


async def test_fifty_requests_at_expiry_are_one_rotation(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await signed_in(site, issuer)
    clock.advance(600)
    replies = await at_once(browser, CONCURRENT)
    assert {(reply.status, reply.json["sub"]) for reply in replies} == {(200, "user-1")}
    assert rotations(issuer) == 1
    assert (await browser.get("/private")).status == 200


async def test_nobody_gets_anothers_session(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browsers = [await signed_in(site, issuer, sub=f"user-{n}", email=f"{n}@example.com") for n in range(10)]
    clock.advance(600)
    answers = await asyncio.gather(*(at_once(browser, 5) for browser in browsers))
    for n, replies in enumerate(answers):
        assert {reply.json["email"] for reply in replies} == {f"{n}@example.com"}
    assert rotations(issuer) == 10


async def test_two_processes_without_a_store_rely_on_the_grace(
    issuer: FakeIssuer, clock: Clock, site: Site
) -> None:
    other = SITES["asgi"](issuer.config, clock)
    browser = await signed_in(site, issuer)
    clock.advance(600)
    twin = Browser(other.send, dict(browser.cookies))
    replies = await asyncio.gather(at_once(browser, CONCURRENT // 2), at_once(twin, CONCURRENT // 2))
    assert {reply.status for each in replies for reply in each} == {200}
    assert rotations(issuer) == 2
    assert generation(issuer) == [1]
    clock.advance(600)
    browser.cookies |= twin.cookies
    assert (await browser.get("/private")).status == 200


async def test_a_straggler_is_given_the_same_generation(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser = await signed_in(site, issuer)
    straggler = Browser(browser.send, dict(browser.cookies))
    clock.advance(600)
    await browser.get("/private")
    clock.advance(9)
    assert (await straggler.get("/private")).status == 200
    assert rotations(issuer) == 1
    assert set(straggler.cookies) == set(browser.cookies)


class TestLateAnswers:
    async def late(self, browser: Browser) -> Reply:
        """A refresh whose answer is still on its way."""
        return await browser.send("GET", "/private", {**NAVIGATE, **browser.cookie_header})

    async def test_after_a_logout(self, asgi: Site, issuer: FakeIssuer, clock: Clock) -> None:
        browser = await signed_in(asgi, issuer)
        clock.advance(600)
        reply = await self.late(browser)
        await browser.fetch("/auth/logout", "POST")
        browser.take(reply)
        assert (await browser.get("/")).json == {"user": None}

    async def test_after_another_login(self, asgi: Site, issuer: FakeIssuer, clock: Clock) -> None:
        browser = await signed_in(asgi, issuer)
        clock.advance(600)
        reply = await self.late(browser)
        await browser.sign_in(issuer, sub="user-2", email="second@example.com")
        browser.take(reply)
        assert (await browser.get("/")).json == {"user": "second@example.com"}

    async def test_of_a_session_that_had_ended_after_another_login(
        self, site: Site, issuer: FakeIssuer, clock: Clock
    ) -> None:
        browser = await signed_in(site, issuer)
        clock.advance(600)
        for family in issuer.families.values():
            family.revoked = True
        reply = await self.late(browser)
        await browser.sign_in(issuer, sub="user-2", email="second@example.com")
        browser.take(reply)
        assert (await browser.get("/")).json == {"user": "second@example.com"}

    async def test_after_a_newer_refresh(self, asgi: Site, issuer: FakeIssuer, clock: Clock) -> None:
        browser = await signed_in(asgi, issuer)
        clock.advance(600)
        reply = await self.late(browser)
        browser.take(reply)
        clock.advance(600)
        await browser.get("/private")
        browser.take(reply)
        assert (await browser.get("/private")).status == 200
        assert generation(issuer) == [2]
        assert rotations(issuer) == 2


async def test_a_browser_that_goes_away_does_not_lose_the_rotation(
    asgi: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await signed_in(asgi, issuer)
    clock.advance(600)
    gone = asyncio.ensure_future(browser.send("GET", "/private", {**NAVIGATE, **browser.cookie_header}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (await browser.get("/private")).status == 200
    assert rotations(issuer) == 1


async def test_logout_revokes_when_the_browser_is_gone(asgi: Site, issuer: FakeIssuer) -> None:
    browser = await signed_in(asgi, issuer)
    headers = {"x-mtas-csrf": "1", **browser.cookie_header}
    gone = asyncio.ensure_future(browser.send("POST", "/auth/logout", headers))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    for _ in range(10):
        await asyncio.sleep(0)
    assert [family.revoked for family in issuer.families.values()] == [True]


async def test_a_session_that_the_server_ended_is_over(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser = await signed_in(site, issuer)
    next(iter(issuer.families.values())).revoked = True
    clock.advance(540)
    reply = await browser.fetch("/private")
    assert (reply.status, reply.code) == (401, "login_required")
    assert set(browser.cookies) <= {"mtas_app"}  # a pointer to nothing


async def test_a_server_that_is_away_ends_no_session(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser = await signed_in(site, issuer)
    issuer.away = True
    clock.advance(540)
    for _ in range(5):
        assert (await browser.get("/private")).status == 200
    assert rotations(issuer) == 1, "two seconds pass before the next try"
    clock.advance(2)
    assert (await browser.get("/private")).status == 200
    assert rotations(issuer) == 2
    clock.advance(60)
    reply = await browser.fetch("/private")
    assert (reply.status, reply.code, reply.header("retry-after")) == (503, "server_unavailable", "2")
    me = await browser.fetch("/auth/me")
    assert (me.status, me.code) == (503, "server_unavailable")
    assert (await browser.get("/")).json == {"user": None}, "what needs nobody goes on"
    issuer.away = False
    clock.advance(2)
    assert (await browser.get("/private")).status == 200


async def test_only_a_clear_word_of_the_server_ends_a_session(
    asgi: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await signed_in(asgi, issuer)
    clock.advance(540)
    unclear = [
        issuer.json(500, {"error": "invalid_grant"}),
        issuer.json(429, {}, **{"retry-after": "7"}),
        issuer.json(302, {}, location="https://evil.example/"),
        issuer.json(400, {"error": "invalid_request"}),
        issuer.json(401, {"error": "invalid_client"}),
        issuer.json(404, {}),
        Fetched(200, {}, b"<html>a proxy's page</html>"),
        Fetched(200, {}, b'{"access_token": "x", "token_type": "Bearer"'),
        issuer.json(200, {"access_token": "x", "token_type": "DPoP", "expires_in": 60}),
        issuer.json(200, {"access_token": "x", "token_type": "Bearer", "expires_in": "60"}),
    ]
    for answer in unclear:
        issuer.on_request = lambda request, answer=answer: answer if "/token" in request.url else None
        assert (await browser.get("/private")).status == 200, answer
        clock.advance(2)
    issuer.on_request = None
    assert (await browser.get("/private")).status == 200
    assert generation(issuer) == [1]


async def test_an_id_token_of_another_user_ends_the_session(
    asgi: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await signed_in(asgi, issuer)
    next(iter(issuer.families.values())).user["sub"] = "user-2"
    clock.advance(540)
    reply = await browser.fetch("/private")
    assert (reply.status, reply.code) == (401, "login_required")
    assert set(browser.cookies) <= {"mtas_app"}  # a pointer to nothing


async def test_what_the_user_changed_is_known_after_a_refresh(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await signed_in(site, issuer)
    next(iter(issuer.families.values())).user["email"] = "new@example.com"
    assert (await browser.get("/")).json == {"user": "ada@example.com"}
    clock.advance(540)
    assert (await browser.get("/")).json == {"user": "new@example.com"}


@pytest.mark.parametrize("off_s", [-700, 700], ids=["behind", "ahead"])
async def test_a_wrong_clock_costs_no_session(
    site: Site, issuer: FakeIssuer, clock: Clock, off_s: int
) -> None:
    """What the ID token says cannot be judged; what is known of the user stays."""
    browser = await signed_in(site, issuer)
    next(iter(issuer.families.values())).user["email"] = "new@example.com"
    clock.advance(540)
    issuer.clock = Clock(clock.now - off_s)
    assert (await browser.get("/")).json == {"user": "ada@example.com"}
    assert generation(issuer) == [1]
    assert any(name.endswith(".1") for name in browser.cookies), "the next generation is kept"


async def test_an_unknown_key_costs_no_session(asgi: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser = await signed_in(asgi, issuer)
    old = issuer.respond(Fetch("GET", f"{issuer.issuer}/jwks.json"))
    issuer.kid = "k2"
    issuer.on_request = lambda request: old if request.url.endswith("jwks.json") else None
    next(iter(issuer.families.values())).user["email"] = "new@example.com"
    clock.advance(540)
    assert (await browser.get("/")).json == {"user": "ada@example.com"}
    issuer.on_request = None
    clock.advance(540)
    assert (await browser.get("/")).json == {"user": "new@example.com"}


async def test_without_a_refresh_token_a_session_ends_with_its_access_token(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    def without(request: Fetch) -> Fetched | None:
        if not request.url.endswith("/token"):
            return None
        answer = issuer.respond(request)
        return Fetched(200, answer.headers, answer.body.replace(b'"refresh_token"', b'"not_that_token"'))

    issuer.on_request = without
    browser = await signed_in(site, issuer)
    clock.advance(599)
    assert (await browser.get("/private")).status == 200
    clock.advance(1)
    assert (await browser.fetch("/private")).status == 401
    assert set(browser.cookies) <= {"mtas_app"}  # a pointer to nothing


async def test_a_session_ends_however_often_it_is_refreshed(issuer: FakeIssuer, clock: Clock) -> None:
    site = SITES["asgi"]({**issuer.config, "session_max_age_s": 1000}, clock)
    browser = await signed_in(site, issuer)
    for _ in range(9):
        clock.advance(100)
        assert (await browser.get("/private")).status == 200
    clock.advance(100)
    assert (await browser.fetch("/private")).status == 401
