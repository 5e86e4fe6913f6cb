"""The session cookie in the wrong hands: damaged, swapped, cut, too large, of a secret that was rotated."""

import logging
from typing import Any

import pytest

from mtas.testing import FakeIssuer, session_cookies
from sdk.python.tests.support.browser import Browser
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import SITES, Site


async def signed_in(site: Site, issuer: FakeIssuer, **claims: Any) -> tuple[Browser, str]:
    """A browser, and the name of its session cookie."""
    browser = site.browser()
    reply = await browser.sign_in(issuer, **claims)
    assert reply.status == 303, reply.body
    return browser, max(browser.cookies, key=len)


async def test_every_flipped_bit_makes_it_anonymous(
    asgi: Site, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    browser, name = await signed_in(asgi, issuer)
    assert (await browser.get("/")).json == {"user": "ada@example.com"}
    nobody = await asgi.browser().get("/")
    value = browser.cookies[name].encode("ascii")
    caplog.set_level(logging.INFO)
    caplog.clear()
    asked = len(issuer.requests)
    for place in range(len(value)):
        for bit in range(8):
            damaged = bytearray(value)
            damaged[place] ^= 1 << bit
            if chr(damaged[place]) in " \t":  # at the end, a space is no part of the value
                continue
            reply = await Browser(asgi.send, {**browser.cookies, name: damaged.decode("latin-1")}).get("/")
            assert reply == nobody, (place, bit)
    assert caplog.records == []
    assert len(issuer.requests) == asked


async def test_cookies_cannot_be_swapped(asgi: Site, issuer: FakeIssuer) -> None:
    one, first = await signed_in(asgi, issuer, sub="user-1", email="1@example.com")
    two, second = await signed_in(asgi, issuer, sub="user-2", email="2@example.com")
    pointer = "mtas_app"
    for cookies in (
        {**one.cookies, pointer: two.cookies[pointer]},
        {**one.cookies, first: two.cookies[second]},
        {pointer: one.cookies[pointer], first[:-1] + "1": one.cookies[first]},
        {first: one.cookies[first]},
        {pointer: one.cookies[pointer]},
    ):
        assert (await Browser(asgi.send, cookies).get("/")).json == {"user": None}
    assert (await Browser(asgi.send, {**one.cookies, first[:-1] + "7": "x"}).get("/")).json == {
        "user": "1@example.com"
    }, "one that does not open is passed over"


async def test_another_apps_session_is_worth_nothing(asgi: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser, _ = await signed_in(asgi, issuer)
    other = SITES["asgi"]({**issuer.config, "issuer": "https://auth.test/t/other"}, clock)
    assert (await Browser(other.send, browser.cookies).get("/")).json == {"user": None}


async def test_a_rotated_secret_signs_nobody_out(asgi: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser, _ = await signed_in(asgi, issuer)
    old, new = issuer.config["cookie_secrets"], "another-cookie-secret-for-tests-of-rotation"
    both = SITES["asgi"]({**issuer.config, "cookie_secrets": [new, old]}, clock)
    assert (await Browser(both.send, browser.cookies).get("/")).json["user"]
    clock.advance(540)
    browser.send = both.send
    await browser.get("/")  # sealed anew by its refresh
    alone = SITES["asgi"]({**issuer.config, "cookie_secrets": [new]}, clock)
    assert (await Browser(alone.send, browser.cookies).get("/")).json["user"]
    stale = SITES["asgi"]({**issuer.config, "cookie_secrets": [old]}, clock)
    assert (await Browser(stale.send, browser.cookies).get("/")).json == {"user": None}


async def test_a_long_session_is_cut_into_chunks(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser, _ = await signed_in(site, issuer, about="é" * 1500)
    chunks = sorted(name for name in browser.cookies if name.count(".") == 3)
    assert len(chunks) >= 2
    assert all(len(f"{name}={browser.cookies[name]}") <= 3800 for name in chunks)
    assert (await browser.get("/private")).json["about"] == "é" * 1500
    for missing in chunks:
        rest = {name: value for name, value in browser.cookies.items() if name != missing}
        assert (await Browser(site.send, rest).get("/")).json == {"user": None}
    next(iter(issuer.families.values())).user["about"] = "short now"
    clock.advance(540)
    assert (await browser.get("/private")).json["about"] == "short now"
    assert not [name for name in browser.cookies if name.count(".") == 3], "stale chunks are deleted"


async def test_an_endless_id_token_is_no_login(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    begun = await browser.get("/auth/login")
    reply = await browser.follow(issuer.approve(begun.location, about="x" * 5000, more="y" * 20000))
    assert (reply.status, b"id_token_invalid" in reply.body) == (400, True), "longer than a token may be"
    assert browser.cookies == {}


async def test_a_session_beyond_five_chunks_is_refused(asgi: Site, issuer: FakeIssuer) -> None:
    from mtas.core.effects import Fetch, Fetched

    def long_refresh_token(request: Fetch) -> Fetched | None:
        if not request.url.endswith("/token"):
            return None
        answer = issuer.respond(request)
        long = answer.body.replace(b'"refresh_token": "', b'"refresh_token": "' + b"r" * 20000)
        return Fetched(200, answer.headers, long)

    issuer.on_request = long_refresh_token
    browser = asgi.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    reply = await browser.follow(url)
    assert (reply.status, b"session_too_large" in reply.body) == (500, True)
    assert browser.cookies == {}


async def test_on_https_the_cookies_are_pinned_to_the_host(issuer: FakeIssuer, clock: Clock) -> None:
    issuer.app_url = "https://app.example"
    site = SITES["asgi"](issuer.config, clock)
    browser = site.browser()
    begun = await browser.get("/auth/login")
    back = await browser.follow(issuer.approve(begun.location))
    lines = begun.all("set-cookie") + back.all("set-cookie")
    assert len(lines) == 4
    assert all(line.startswith("__Host-mtas_") and "; Secure" in line for line in lines)
    assert not any("domain" in line.lower() for line in lines)


async def test_sessions_for_tests_need_no_login(site: Site, issuer: FakeIssuer) -> None:
    cookies = session_cookies(issuer.config, sub="user-9", email="nine@example.com", now=1_800_000_000)
    assert (await Browser(site.send, cookies).get("/private")).json["email"] == "nine@example.com"
    assert issuer.requests == []
