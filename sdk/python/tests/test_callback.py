"""/callback: what is checked, and what each failure says."""

import asyncio
import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from mtas.core.effects import Fetch, Fetched
from mtas.core.errors import KINDS
from mtas.testing import FakeIssuer
from sdk.python.tests.support.browser import Browser
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import Site


async def test_iss_is_checked_first(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    for wrong in ("", "iss=https%3A%2F%2Fevil.example", "iss=" + issuer.issuer + "%2F"):
        head, _, _ = url.partition("iss=")
        reply = await browser.fetch(_path(head + wrong + "&code=x"))
        assert (reply.status, reply.code) == (400, "issuer_mismatch")
    reply = await browser.fetch(_path(f"{url}&iss={issuer.issuer}"))
    assert reply.code == "issuer_mismatch"
    assert (await browser.follow(url)).status == 303


async def test_state_of_another_browser(site: Site, issuer: FakeIssuer) -> None:
    url = issuer.approve((await site.browser().get("/auth/login")).location)
    stranger = site.browser()
    page = await stranger.follow(url)
    assert page.status == 400
    assert page.header("content-type") == "text/html; charset=utf-8"
    assert b"state_missing" in page.body
    assert b'<a href="/auth/login">Try again</a>' in page.body
    assert (await stranger.fetch(_path(url))).code == "state_missing"
    assert stranger.cookies == {}


async def test_a_state_that_does_not_fit(site: Site, issuer: FakeIssuer) -> None:
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


async def test_state_is_used_once(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    assert (await browser.follow(url)).status == 303
    asked = len(issuer.requests)
    again = await browser.follow(url)  # the back button
    assert (again.status, again.location) == (303, "/")
    assert len(issuer.requests) == asked
    browser.cookies.clear()
    assert (await browser.fetch(_path(url))).code == "state_missing"


async def test_a_callback_that_comes_twice_at_once_is_one_sign_in(site: Site, issuer: FakeIssuer) -> None:
    """A click too many: whichever answer the browser takes, it is signed in, and stays so."""
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login?returnTo=/private")).location)
    copies = [Browser(site.send, dict(browser.cookies)) for _ in range(8)]
    replies = await asyncio.gather(*(each.follow(url) for each in copies))
    late = Browser(site.send, dict(browser.cookies))  # sent before an answer had come
    replies.append(await late.follow(url))
    assert {(reply.status, reply.location) for reply in replies} == {(303, "/private")}
    assert redemptions(issuer) == 1
    for each in (*copies, late):
        assert (await each.get("/private")).status == 200
        assert not [name for name in each.cookies if "_tx_" in name]
    assert not [family for family in issuer.families.values() if family.revoked]


async def test_a_callback_that_is_late_brings_back_nobody_who_has_signed_out(
    site: Site, issuer: FakeIssuer
) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    late = Browser(site.send, dict(browser.cookies))
    assert (await browser.follow(url)).status == 303
    assert (await browser.fetch("/auth/logout", "POST")).status == 200
    reply = await late.fetch(_path(url))
    assert (reply.status, reply.code) == (400, "code_rejected")
    assert late.cookies == {}
    await browser.sign_in(issuer)  # another login is another one
    assert (await browser.get("/private")).status == 200


async def test_what_a_code_gave_is_for_its_own_login_alone(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    """The same code with another login's cookie, or none, or too late: as before."""
    browser, other = site.browser(), site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    begun = dict(browser.cookies)
    foreign = _asked((await other.get("/auth/login")).location)["state"]
    assert (await browser.follow(url)).status == 303
    assert (await site.browser().fetch(_path(url))).code == "state_missing"
    injected = url.replace(_asked(url)["state"], foreign)
    assert (await other.fetch(_path(injected))).code == "code_rejected"
    assert redemptions(issuer) == 2
    clock.advance(10)
    assert (await Browser(site.send, begun).fetch(_path(url))).code == "code_rejected"


def redemptions(issuer: FakeIssuer) -> int:
    return sum(b"grant_type=authorization_code" in request.body for request in issuer.requests)


async def test_each_tab_has_its_own_login(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    first = (await browser.get("/auth/login?returnTo=/one")).location
    second = (await browser.get("/auth/login?returnTo=/two")).location
    assert (await browser.follow(issuer.approve(second))).location == "/two"
    assert (await browser.follow(issuer.approve(first))).location == "/one"


async def test_logins_that_nobody_finishes_do_not_pile_up(
    site: Site, issuer: FakeIssuer, clock: Clock
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
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    browser = site.browser()
    for _ in range(6):
        clock.advance(1)
        begun = await browser.get(f"/auth/login?returnTo=/{'a' * 2047}")
        assert len(browser.cookie_header["cookie"]) < 8000
    assert len(browser.cookies) == 2
    assert (await browser.follow(issuer.approve(begun.location))).location == f"/{'a' * 2047}"


async def test_a_cookie_that_is_named_like_a_login_stops_none(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    browser.cookies = {"mtas_tx_app.(": "x", "mtas_tx_app.[]{}@,?/<>": "x", "mtas_app.(": "x"}
    await browser.sign_in(issuer)
    assert (await browser.get("/private")).status == 200


async def test_a_login_lasts_ten_minutes(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    clock.advance(600)
    assert (await browser.fetch(_path(url))).code == "state_missing"


async def test_a_refusal_is_told(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    asked = _asked((await browser.get("/auth/login")).location)
    told = await browser.fetch(_path(issuer.callback(asked, error="access_denied")))
    assert (told.status, told.code) == (403, "authorization_refused")
    assert told.json["detail"] == "You, or the server, declined."
    assert browser.cookies == {}
    asked = _asked((await browser.get("/auth/login")).location)
    page = await browser.follow(issuer.callback(asked, error="<script>alert(1)</script>"))
    assert page.status == 403
    assert b"script" not in page.body
    assert "default-src 'none'" in str(page.header("content-security-policy"))


async def test_a_refusal_says_what_to_do(site: Site, issuer: FakeIssuer) -> None:
    """In the words of the Express SDK, and not its title once more."""
    browser = site.browser()
    url = _path(issuer.approve((await browser.get("/auth/login")).location))
    refused = {
        url.replace("iss=", "iss=x"): "The answer does not name MTAS_ISSUER as its issuer. Begin again.",
        url.replace("state=", "state=x"): "Begin again, in this browser, and keep cookies for this site.",
        url.replace("state=", "other="): "The answer must have one state. Begin again.",
        url.replace("code=", "code=x"): (
            "The code was refused: it is too old, or was used before. Sign in again."
        ),
    }
    for target, detail in refused.items():
        assert (await browser.fetch(target)).json["detail"] == detail
    url = _path(issuer.approve((await browser.get("/auth/login")).location))
    issuer.app_secret = "rotated"
    assert (await browser.fetch(url)).json["detail"] == (
        "The server answered invalid_client. Check MTAS_APP_ID and MTAS_APP_SECRET, and this app's settings."
    )
    for kind in KINDS.values():
        assert not kind.detail.startswith(kind.title)


async def test_who_tries_again_gets_to_where_they_wanted_to(site: Site, issuer: FakeIssuer) -> None:
    browser, again = site.browser(), b'<a href="/auth/login?returnTo=/private%3Fa%3D1%26b">Try again</a>'
    login = "/auth/login?returnTo=%2Fprivate%3Fa%3D1%26b"
    asked = _asked((await browser.get(login)).location)
    assert again in (await browser.follow(issuer.callback(asked, error="access_denied"))).body
    url = issuer.approve((await browser.get(login)).location)
    issuer.away = True
    assert again in (await browser.follow(url)).body
    elsewhere = site.browser()
    page = await elsewhere.get(login.replace("%2Fprivate", "//evil.example"))
    assert page.status in (303, 503)
    assert b"evil" not in page.body
    issuer.away = False
    assert (await browser.follow(url)).location == "/private?a=1&b"


async def test_a_login_that_cannot_begin_is_tried_again_for_the_same_place(
    site: Site, issuer: FakeIssuer
) -> None:
    issuer.away = True
    page = await site.browser().get("/auth/login?returnTo=/private")
    assert page.status == 503
    assert b'<a href="/auth/login?returnTo=/private">Try again</a>' in page.body


async def test_codes_that_the_server_rejects(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    reply = await browser.fetch(_path(url.replace("code=", "code=x")))
    assert (reply.status, reply.code) == (400, "code_rejected")


async def test_the_apps_own_credentials_are_wrong(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    issuer.app_secret = "rotated"
    reply = await browser.fetch(_path(url))
    assert (reply.status, reply.code) == (500, "client_rejected")


async def test_a_server_that_is_away_costs_no_login(site: Site, issuer: FakeIssuer) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    issuer.away = True
    reply = await browser.fetch(_path(url))
    assert (reply.status, reply.code, reply.header("retry-after")) == (503, "server_unavailable", "2")
    issuer.away = False
    assert (await browser.follow(url)).status == 303


@pytest.mark.parametrize("change", ["nonce", "sub", "aud", "iss", "at_hash", "signature"])
async def test_an_id_token_that_does_not_fit(asgi: Site, issuer: FakeIssuer, change: str) -> None:
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
    site: Site, issuer: FakeIssuer, clock: Clock, off_s: int, said: str
) -> None:
    browser = site.browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    issuer.clock = Clock(clock.now - off_s)
    reply = await browser.fetch(_path(url))
    assert (reply.status, reply.code) == (500, "clock_skew")
    assert reply.json["detail"] == f"This machine's clock is {said} the auth server's. Set it by NTP."


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
