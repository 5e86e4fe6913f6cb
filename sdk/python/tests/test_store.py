"""Several processes with a store in common: one refresh; and none the worse when the store is away."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from mtas.core.config import ConfigError
from mtas.testing import FakeIssuer
from sdk.python.tests.support.browser import NAVIGATE, Browser, Reply
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import SITES, Site
from sdk.python.tests.support.valkey import running_valkey


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(params=["asgi", "flask"])
async def sites(
    request: pytest.FixtureRequest, issuer: FakeIssuer, clock: Clock, redis_url: str
) -> AsyncIterator[list[Site]]:
    """Two processes, as far as the SDK can tell: nothing is shared but the configuration."""
    config = {**issuer.config, "redis_url": redis_url}
    sites = [SITES[request.param](config, clock) for _ in range(2)]
    yield sites
    for site in sites:
        await site.close()


def rotations(issuer: FakeIssuer) -> int:
    return sum(b"grant_type=refresh_token" in request.body for request in issuer.requests)


async def due(site: Site, issuer: FakeIssuer, clock: Clock) -> Browser:
    browser = site.browser()
    await browser.sign_in(issuer)
    clock.advance(600)
    return browser


async def race(sites: list[Site], browser: Browser, count: int = 25) -> list[Reply]:
    sent = {**NAVIGATE, **browser.cookie_header}
    return list(
        await asyncio.gather(*(site.send("GET", "/private", sent) for site in sites for _ in range(count)))
    )


async def test_fifty_requests_in_two_processes_are_one_rotation(
    sites: list[Site], issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await due(sites[0], issuer, clock)
    replies = await race(sites, browser)
    assert {(reply.status, reply.json["sub"]) for reply in replies} == {(200, "user-1")}
    assert rotations(issuer) == 1


async def test_a_callback_that_comes_to_both_at_once_is_one_sign_in(
    sites: list[Site], issuer: FakeIssuer
) -> None:
    browser = sites[0].browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    copies = [Browser(site.send, dict(browser.cookies)) for site in sites for _ in range(4)]
    replies = await asyncio.gather(*(each.follow(url) for each in copies))
    assert {reply.status for reply in replies} == {303}
    assert sum(b"grant_type=authorization_code" in request.body for request in issuer.requests) == 1
    assert {(await each.get("/private")).status for each in copies} == {200}


async def test_who_signed_out_at_one_is_not_brought_back_by_a_late_callback_at_the_other(
    sites: list[Site], issuer: FakeIssuer
) -> None:
    browser = sites[0].browser()
    url = issuer.approve((await browser.get("/auth/login")).location)
    late = Browser(sites[1].send, dict(browser.cookies))
    assert (await browser.follow(url)).status == 303
    assert (await browser.fetch("/auth/logout", "POST")).status == 200
    assert (await late.follow(url)).status == 400
    assert late.cookies == {}


async def test_a_session_that_ended_in_one_process_is_over_in_the_other(
    sites: list[Site], issuer: FakeIssuer, clock: Clock
) -> None:
    browser = await due(sites[0], issuer, clock)
    next(iter(issuer.families.values())).revoked = True
    replies = await race(sites, browser, 5)
    assert {reply.status for reply in replies} == {303}
    assert rotations(issuer) == 1


async def test_what_lies_in_the_store_is_sealed(
    sites: list[Site], issuer: FakeIssuer, clock: Clock, redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as store:
        store.flushall()
    browser = await due(sites[0], issuer, clock)
    await race(sites[:1], browser, 1)
    with redis.Redis.from_url(redis_url) as store:
        (key,) = [key for key in store.keys("mtas:app:refresh:*") if store.pttl(key) > 9000]
        value = store.get(key)
        assert isinstance(value, bytes)
        assert value.count(b".") == 4
        assert not list(store.keys("*:lock"))
        store.set(key, "forged")
    replies = await race(sites[1:], browser, 1)
    assert replies[0].status == 200, "what does not open is as if it were not there"
    assert rotations(issuer) == 2


@pytest.mark.parametrize("framework", ["asgi", "flask"])
def test_a_store_whose_client_is_missing_is_said_at_the_start(
    framework: str, issuer: FakeIssuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigError, match=r"MTAS_REDIS_URL .* pip install 'mtas\[redis\]'"):
        SITES[framework]({**issuer.config, "redis_url": "redis://localhost"}, clock)


@pytest.mark.parametrize("framework", ["asgi", "flask"])
async def test_a_store_that_is_away_costs_nobody_a_session(
    issuer: FakeIssuer, clock: Clock, framework: str
) -> None:
    site = SITES[framework]({**issuer.config, "redis_url": "redis://127.0.0.1:1/0"}, clock)
    browser = await due(site, issuer, clock)
    assert {reply.status for reply in await race([site], browser, 5)} == {200}
    assert rotations(issuer) == 1
    await site.close()
