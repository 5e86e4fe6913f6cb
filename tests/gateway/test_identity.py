"""What a service is told about a request: by the gateway, never by the sender."""

import re

import pytest

from tests.gateway.conftest import Start
from tests.gateway.process import Gateway
from tests.gateway.wire import request

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
OUTSIDE_TRACE = "0af7651916cd43dd8448eb211c80319c"

SPOOFS = [
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-For", "203.0.113.10, 203.0.113.11"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "1"),
    ("X-Forwarded-Prefix", "/internal"),
    ("X-Forwarded-Server", "evil.example"),
    ("Forwarded", "for=203.0.113.9;host=evil.example;proto=gopher"),
    ("X-Real-IP", "203.0.113.9"),
    ("X-Client-IP", "203.0.113.9"),
    ("True-Client-IP", "203.0.113.9"),
    ("CF-Connecting-IP", "203.0.113.9"),
    ("X-Original-URL", "/internal"),
    ("X-Rewrite-URL", "/internal"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Envoy-Original-Path", "/internal"),
    ("X-Envoy-Internal", "true"),
    ("X-Envoy-External-Address", "203.0.113.9"),
    ("X-Envoy-Retry-On", "5xx"),
    ("X-Envoy-Upstream-Rq-Timeout-Ms", "1"),
    ("X-Envoy-Decorator-Operation", "evil"),
    ("X-Envoy-Force-Trace", "true"),
    ("X-Forwarded-Client-Cert", "Subject=evil"),
    ("X_Forwarded_For", "203.0.113.9"),
    ("X_Request_Id", "evil"),
    ("X-Request-Id", "evil"),
    ("Traceparent", f"00-{OUTSIDE_TRACE}-b7ad6b7169203331-01"),
    ("Tracestate", "evil=1"),
    ("Baggage", "evil=1"),
    ("X-Client-Trace-Id", "evil"),
]


async def test_spoofed_headers_do_not_reach_a_service(gateway: Gateway) -> None:
    await gateway.ask("POST", "/t/acme/token", SPOOFS)
    seen = gateway.services["token"].last
    assert not [h for h in seen.headers if h[0].startswith("x-envoy") or "_" in h[0]]
    assert not [
        h for h in seen.headers if any(bad in h[1] for bad in ("evil", "203.0.113", "internal", "gopher"))
    ]
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("x-forwarded-proto") == ["http"]
    assert {name for name, _ in seen.headers} == {
        "host",
        "content-length",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-id",
    }


@pytest.mark.parametrize("name", [name for name, _ in SPOOFS])
async def test_no_header_can_be_removed_by_naming_it_hop_by_hop(gateway: Gateway, name: str) -> None:
    """RFC 9110 §7.6.1 lets a sender name headers to drop; not the ones that we add."""
    answer = await gateway.ask("POST", "/t/acme/token", [("Connection", f"close, {name}")])
    for seen in gateway.seen():
        assert seen.all("x-forwarded-for") == ["127.0.0.1"]
        assert len(seen.all("x-request-id")) == 1
    assert answer.status in (200, 400)


@pytest.mark.parametrize("host", ["evil.example", "auth.example.test:99", "127.0.0.2", "EVIL.example:80"])
async def test_services_see_the_configured_host_only(gateway: Gateway, host: str) -> None:
    data = f"GET /t/acme/login HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    assert (await gateway.send(data)).status == 200
    seen = gateway.services["authorize"].last
    assert seen.all("host") == ["auth.example.test"]
    assert host not in str(seen.headers).replace("auth.example.test", "")


@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "evil.example")],
        [("Host", "auth.example.test")],
        [("Authorization", "Basic YTpi"), ("Authorization", "Basic Yjpj")],
        [("Authorization", "Basic YTpi,Basic Yjpj")],
    ],
    ids=str,
)
async def test_a_repeated_host_or_authorization_is_refused(
    gateway: Gateway, headers: list[tuple[str, str]]
) -> None:
    """RFC 9112 §3.2: more than one Host is 400. Two sets of credentials are somebody's trick."""
    answer = await gateway.ask("POST", "/t/acme/token", headers)
    assert answer.status == 400
    assert not gateway.seen()


async def test_the_request_id_is_made_here_and_answered(gateway: Gateway) -> None:
    ids = set()
    for _ in range(5):
        answer = await gateway.ask("POST", "/t/acme/token", [("x-request-id", "evil")])
        assert gateway.services["token"].last.all("x-request-id") == [answer.headers["x-request-id"]]
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 5
    assert all(UUID.fullmatch(one) for one in ids)


@pytest.mark.parametrize(
    "data",
    [
        request("GET", "/nothing"),
        request("DELETE", "/t/acme/token"),
        request("GET", "/t/acme%2Flogin"),
        request("GET", "/t/acme/login", [("cookie", "a" * 40_000)]),
        request("POST", "/t/acme/token", body=b"a" * 70_000),
        request("POST", "/t/acme/token", [("upgrade", "websocket"), ("connection", "upgrade")]),
        b"GET /t/acme/login HTTP/1.0\r\n\r\n",
        b"GET /t/acme/login HTTP/1.1\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /t/acme/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
    ids=lambda data: data[:40].decode(),
)
async def test_every_refusal_carries_a_request_id_that_the_log_knows(gateway: Gateway, data: bytes) -> None:
    answer = await gateway.send(data)
    assert answer.status >= 400
    assert UUID.fullmatch(answer.headers["x-request-id"])
    assert answer.headers["x-request-id"].encode() in answer.body
    assert (await gateway.log(answer.headers["x-request-id"]))["status"] == answer.status
    assert "server" not in answer.headers
    assert not gateway.seen()


async def test_an_outside_trace_is_not_continued(gateway: Gateway) -> None:
    """W3C Trace Context §6: an outside trace id could link or flood ours."""
    await gateway.ask("GET", "/t/acme/jwks.json", [("traceparent", f"00-{OUTSIDE_TRACE}-{'1' * 16}-01")])
    assert not gateway.services["jwks"].last.all("traceparent")


@pytest.mark.parametrize(
    ("proxies", "chain", "client"),
    [
        (1, ["198.51.100.7"], "198.51.100.7"),
        (1, ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (1, ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (1, ["2001:db8::7"], "2001:db8::7"),
        (1, [], "127.0.0.1"),
        (2, ["203.0.113.9, 198.51.100.7, 10.0.0.1"], "198.51.100.7"),
        (2, ["10.0.0.1"], "127.0.0.1"),
    ],
)
async def test_trusted_proxies_in_front_name_the_client(
    start: Start, proxies: int, chain: list[str], client: str
) -> None:
    """The address that the outermost trusted proxy saw, and no more than that one value."""
    gateway = await start(trusted_proxies=proxies)
    answer = await gateway.ask("POST", "/t/acme/token", [("X-Forwarded-For", hop) for hop in chain])
    assert gateway.services["token"].last.all("x-forwarded-for") == [client]
    assert (await gateway.log(answer.headers["x-request-id"]))["client"] == client


async def test_what_a_service_says_of_itself_stays_inside(gateway: Gateway) -> None:
    async def chatty(_: object) -> bytes:
        return (
            b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\nx-powered-by: python\r\nx-request-id: other\r\n"
            b"x-envoy-immediate-health-check-fail: true\r\ncontent-length: 0\r\n\r\n"
        )

    gateway.services["token"].behaviour = chatty
    answer = await gateway.ask("POST", "/t/acme/token")
    assert not {"server", "x-powered-by", "via"} & set(answer.headers)
    assert not [name for name in answer.headers if name.startswith("x-envoy")]
    assert UUID.fullmatch(answer.headers["x-request-id"])
