"""How much anyone gets: sizes, rates per address, time, connections."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from gateway.render import Bucket, Limits, Timeouts
from tests.gateway.conftest import Start
from tests.gateway.process import Gateway
from tests.gateway.wire import read_answer

KIB = 1024
SMALL = ["/t/acme/token", "/t/acme/introspect", "/t/acme/login", "/t/acme/signup", "/dashboard/sign-in"]
LARGE = ["/api/v1/apps", "/dashboard/apps"]


@pytest.mark.parametrize(("paths", "limit"), [(SMALL, 64 * KIB), (LARGE, 1024 * KIB)])
async def test_a_body_over_the_limit_is_413_and_reaches_nobody(
    gateway: Gateway, paths: list[str], limit: int
) -> None:
    for path in paths:
        assert (await gateway.ask("POST", path, body=b"a" * limit)).status == 200
        gateway.forget()
        assert (await gateway.ask("POST", path, body=b"a" * (limit + 1))).status == 413
        assert not gateway.seen()


async def test_a_chunked_body_counts_too_and_arrives_with_its_length(gateway: Gateway) -> None:
    start = b"POST /t/acme/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"a" * 4 * KIB + b"\r\n"
    assert (await gateway.send(start + chunk * 16 + b"0\r\n\r\n")).status == 200
    assert gateway.services["token"].last.all("content-length") == [str(64 * KIB)]
    gateway.forget()
    assert (await gateway.send(start + chunk * 17)).status == 413
    assert not gateway.seen()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("cookie", "a" * 33 * KIB)], id="one large cookie"),
        pytest.param([(f"x-{i}", "a" * 600) for i in range(60)], id="many large headers"),
        pytest.param([(f"x-{i}", "a") for i in range(80)], id="too many headers"),
    ],
)
async def test_headers_over_the_limit_are_431(gateway: Gateway, headers: list[tuple[str, str]]) -> None:
    assert (await gateway.ask("GET", "/t/acme/login", headers)).status == 431
    assert not gateway.seen()


async def test_a_long_address_is_431(gateway: Gateway) -> None:
    assert (await gateway.ask("GET", "/t/acme/authorize?state=" + "a" * 64 * KIB)).status == 431
    assert (await gateway.ask("GET", "/t/acme/authorize?state=" + "a" * 8 * KIB)).status == 200


FEW = Limits(password=Bucket(burst=3, per_minute=1), token=Bucket(burst=5, per_minute=60))


async def test_password_paths_are_limited_per_address_across_tenants(start: Start) -> None:
    gateway = await start(limits=FEW)
    tries = [f"/t/{tenant}/{page}" for tenant in ("one", "two") for page in ("login", "signup", "login")]
    answers = await asyncio.gather(*(gateway.ask("POST", path, body=b"a=b") for path in tries))
    assert sorted(answer.status for answer in answers) == [200] * 3 + [429] * 3
    assert len(gateway.seen()) == 3
    # Only tries count: the page itself is served.
    assert (await gateway.ask("GET", "/t/one/login")).status == 200
    refused = await gateway.ask("POST", "/t/one/login")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["content-type"] == "text/html; charset=utf-8"
    assert refused.headers["cache-control"] == "no-store"
    assert "style-src 'sha256-" in refused.headers["content-security-policy"]


async def test_dashboard_sign_in_has_a_limit_of_its_own(start: Start) -> None:
    gateway = await start(limits=FEW)
    for status in (200, 200, 200, 429):
        assert (await gateway.ask("POST", "/dashboard/sign-in")).status == status
    assert (await gateway.ask("POST", "/t/one/login")).status == 200


async def test_token_paths_answer_429_in_json(start: Start) -> None:
    gateway = await start(limits=FEW)
    statuses = [(await gateway.ask("POST", "/t/acme/token")).status for _ in range(5)]
    refused = await gateway.ask("POST", "/t/other/token")
    assert statuses == [200] * 5
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert refused.json["error"] == "temporarily_unavailable"
    assert refused.headers["content-type"] == "application/json"
    await asyncio.sleep(1.1)
    assert (await gateway.ask("POST", "/t/acme/token")).status == 200


async def test_a_spoofed_address_does_not_change_the_key(start: Start) -> None:
    gateway = await start(limits=FEW)
    headers = [
        [("X-Forwarded-For", f"203.0.113.{i}"), ("Forwarded", f"for={i}"), ("X-Real-IP", f"10.0.0.{i}")]
        for i in range(6)
    ]
    answers = [await gateway.ask("POST", "/t/acme/login", one) for one in headers]
    assert [answer.status for answer in answers] == [200] * 3 + [429] * 3


@pytest.mark.parametrize(
    ("addresses", "statuses"),
    [
        ([f"2001:db8:0:1:{i:x}::{i}" for i in range(1, 5)], [200, 200, 200, 429]),
        ([f"2001:db8:0:{i:x}::1" for i in range(1, 5)], [200] * 4),
        ([f"198.51.100.{i}" for i in range(1, 5)], [200] * 4),
    ],
    ids=["one IPv6 /64", "four IPv6 /64", "four IPv4 addresses"],
)
async def test_addresses_count_as_ipv4_32_and_ipv6_64(
    start: Start, addresses: list[str], statuses: list[int]
) -> None:
    gateway = await start(limits=FEW, trusted_proxies=1)
    answers = [await gateway.ask("POST", "/t/acme/login", [("X-Forwarded-For", one)]) for one in addresses]
    assert [answer.status for answer in answers] == statuses


async def test_the_default_limits_leave_a_busy_client_backend_alone(start: Start) -> None:
    gateway = await start()
    async with gateway.connection() as (reader, writer):
        for _ in range(300):
            writer.write(b"POST /t/acme/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" * 10)
            for _ in range(10):
                assert (await read_answer(reader)).status == 200


HEAD = b"POST /t/acme/token HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("data", "timeouts"),
    [
        pytest.param(HEAD + b"X-A: ", Timeouts(headers_s=0.5), id="headers"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n", Timeouts(request_s=0.5), id="body"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", Timeouts(request_s=0.5), id="chunks"
        ),
        pytest.param(b"", Timeouts(idle_s=0.5), id="nothing"),
    ],
)
async def test_slow_clients_are_closed_while_others_are_served(
    start: Start, data: bytes, timeouts: Timeouts
) -> None:
    gateway = await start(timeouts=timeouts)
    ended = asyncio.gather(*(_trickle(gateway, data) for _ in range(20)))
    while not ended.done():
        assert (await gateway.ask("POST", "/t/acme/revoke", timeout_s=0.5)).status == 200
        await asyncio.sleep(0.02)
    assert set(await ended) <= {b"", b"HTTP/1.1 408"}
    assert {seen.target for seen in gateway.seen()} == {"/t/acme/revoke"}


async def _trickle(gateway: Gateway, data: bytes) -> bytes:
    """A byte every 100 ms until the gateway has had enough; what it said."""
    async with gateway.connection() as (reader, writer):
        answer = asyncio.ensure_future(reader.read())
        writer.write(data)
        began = time.monotonic()
        while not answer.done():
            assert time.monotonic() - began < 5, "still open"
            await asyncio.wait({answer}, timeout=0.1)
            if data:
                writer.write(b"a")
        return b"" if answer.exception() else answer.result()[:12]


async def test_connections_beyond_the_limit_are_closed(start: Start) -> None:
    gateway = await start(limits=Limits(connections=5))
    async with AsyncExitStack() as stack:
        for _ in range(8):
            await stack.enter_async_context(gateway.connection())
            await asyncio.sleep(0.05)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await gateway.ask("POST", "/t/acme/token")
    await asyncio.sleep(0.1)
    assert (await gateway.ask("POST", "/t/acme/token")).status == 200
