"""The access log: what operators need, and nothing that opens a door."""

from tests.gateway.process import Gateway

SECRETS = {
    "query": "code=CANARY-query",
    "authorization": "Basic CANARY-authorization",
    "cookie": "mtas_session_acme=CANARY-cookie",
    "referer": "https://app.example/cb?code=CANARY-referer",
    "body": "client_secret=CANARY-body",
}


async def test_a_line_says_what_happened(gateway: Gateway) -> None:
    answer = await gateway.ask("POST", "/t/acme/token", [("User-Agent", 'sdk/1 "x"')], b"a=b")
    line = await gateway.log(answer.headers["x-request-id"])
    expected = {
        "event": "request",
        "method": "POST",
        "path": "/t/acme/token",
        "route": "token",
        "status": 200,
        "service": "token",
        "upstream": f"127.0.0.1:{gateway.services['token'].port}",
        "client": "127.0.0.1",
        "user_agent": 'sdk/1 "x"',
        "protocol": "HTTP/1.1",
        "bytes_in": 3,
        "bytes_out": len(answer.body),
    }
    assert expected.items() <= line.items()
    assert set(line) - set(expected) == {"time", "request_id", "duration_ms", "details", "flags"}


async def test_no_query_credential_cookie_referer_or_body_is_logged(gateway: Gateway) -> None:
    headers = [(name, SECRETS[name]) for name in ("authorization", "cookie", "referer")]
    for path in ("/t/acme/token", "/nothing", "/t/acme%2Ftoken", "/t/acme/login"):
        target = f"{path}?{SECRETS['query']}"
        answer = await gateway.ask("POST", target, headers, SECRETS["body"].encode())
        line = await gateway.log(answer.headers["x-request-id"])
        assert "CANARY" not in str(line)
        assert "?" not in str(line["path"])


async def test_a_hostile_path_or_user_agent_stays_one_short_line(gateway: Gateway) -> None:
    answer = await gateway.ask("GET", "/" + '"\\u0000' * 500, [("User-Agent", '\\"}{"status":200' * 100)])
    line = await gateway.log(answer.headers["x-request-id"])
    assert line["status"] in (400, 404)
    assert len(line["path"]) <= 256
    assert len(line["user_agent"]) <= 200
