"""The issuer's documents: rotated, gone, another's."""

import asyncio

import pytest

from mtas import MtasError
from mtas.core.effects import Fetch, Fetched
from mtas.testing import FakeIssuer
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import Site


def fetches(issuer: FakeIssuer, what: str) -> int:
    return sum(request.url.endswith(what) for request in issuer.requests)


async def status(site: Site, token: str) -> int:
    return (await site.browser().request("GET", "/api", {"authorization": f"Bearer {token}"})).status


async def test_many_requests_at_the_start_are_one_fetch_of_each(site: Site, issuer: FakeIssuer) -> None:
    token = issuer.access_token("read")
    assert set(await asyncio.gather(*(status(site, token) for _ in range(20)))) == {200}
    assert (fetches(issuer, "openid-configuration"), fetches(issuer, "jwks.json")) == (1, 1)


async def test_a_rotated_key_is_looked_for_once(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    assert await status(site, issuer.access_token("read")) == 200
    issuer.kid = "k2"
    token = issuer.access_token("read")
    assert set(await asyncio.gather(*(status(site, token) for _ in range(20)))) == {200}
    assert fetches(issuer, "jwks.json") == 2


async def test_unknown_kids_do_not_make_us_ask_again_and_again(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    assert await status(site, issuer.access_token("read")) == 200
    for number in range(10):
        claims = {"sub": "x"}
        assert await status(site, issuer.sign("at+jwt", claims, kid=f"forged-{number}")) == 401
    assert fetches(issuer, "jwks.json") == 2
    clock.advance(30)
    assert await status(site, issuer.sign("at+jwt", {}, kid="forged-more")) == 401
    assert fetches(issuer, "jwks.json") == 3


async def test_keys_are_fetched_again_when_their_max_age_is_over(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    await status(site, issuer.access_token("read"))
    clock.advance(299)
    await status(site, issuer.access_token("read"))
    assert fetches(issuer, "jwks.json") == 1
    clock.advance(1)
    await status(site, issuer.access_token("read"))
    assert fetches(issuer, "jwks.json") == 2


@pytest.mark.parametrize(("max_age", "kept_s"), [("0", 60), ("1", 60), ("999999999", 86400)])
async def test_a_max_age_out_of_bounds_is_moved_into_them(
    asgi: Site, issuer: FakeIssuer, clock: Clock, max_age: str, kept_s: int
) -> None:
    def aged(request: Fetch) -> Fetched:
        answer = issuer.respond(request)
        return Fetched(200, {**answer.headers, "cache-control": f"public, max-age={max_age}"}, answer.body)

    issuer.on_request = aged
    await status(asgi, issuer.access_token("read"))
    clock.advance(kept_s - 1)
    await status(asgi, issuer.access_token("read"))
    assert fetches(issuer, "jwks.json") == 1
    clock.advance(1)
    await status(asgi, issuer.access_token("read"))
    assert fetches(issuer, "jwks.json") == 2


async def test_stale_keys_serve_while_the_server_is_away_and_then_no_more(
    site: Site, issuer: FakeIssuer, clock: Clock
) -> None:
    assert await status(site, issuer.access_token("read")) == 200
    issuer.away = True
    clock.advance(300)
    asked = len(issuer.requests)
    for _ in range(5):
        assert await status(site, issuer.access_token("read")) == 200
    assert len(issuer.requests) <= asked + 2, "nobody waits for a server that is known to be away"
    clock.advance(86_399)
    assert await status(site, issuer.access_token("read")) == 200
    clock.advance(1)
    assert await status(site, issuer.access_token("read")) == 503
    issuer.away = False
    clock.advance(30)
    assert await status(site, issuer.access_token("read")) == 200


async def test_a_server_that_is_away_from_the_start(site: Site, issuer: FakeIssuer, clock: Clock) -> None:
    issuer.away = True
    assert await status(site, issuer.access_token("read")) == 503
    page = await site.browser().get("/auth/login")
    assert (page.status, page.header("retry-after")) == (503, "2")
    assert b"server_unavailable" in page.body
    issuer.away = False
    clock.advance(2)
    assert await status(site, issuer.access_token("read")) == 200


async def test_another_issuers_discovery_is_refused(site: Site, issuer: FakeIssuer) -> None:
    def other(request: Fetch) -> Fetched | None:
        if not request.url.endswith("openid-configuration"):
            return None
        answer = issuer.respond(request)
        return Fetched(200, answer.headers, answer.body.replace(b"/t/app", b"/t/other"))

    issuer.on_request = other
    reply = await site.browser().fetch("/auth/login")
    assert (reply.status, reply.code) == (500, "discovery_mismatch")
    assert await status(site, issuer.access_token("read")) == 500


async def test_a_private_key_in_the_set_is_not_used(site: Site, issuer: FakeIssuer) -> None:
    def leaking(request: Fetch) -> Fetched | None:
        if not request.url.endswith("jwks.json"):
            return None
        answer = issuer.respond(request)
        return Fetched(200, answer.headers, answer.body.replace(b'"kty"', b'"d": "AA", "kty"'))

    issuer.on_request = leaking
    assert await status(site, issuer.access_token("read")) == 401


async def test_errors_say_nothing_of_the_token(asgi: Site, issuer: FakeIssuer) -> None:
    token = issuer.access_token("read", iss="https://other.example")
    with pytest.raises(MtasError) as refused:
        await asgi.auth.verify_access_token(f"Bearer {token}")
    assert str(refused.value) == "token_invalid: The access token is refused: it is another issuer's."
