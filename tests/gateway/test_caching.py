"""Discovery and JWKS: what the service says about caching arrives as it was said (ADR 0002)."""

import pytest

from tests.gateway.process import Gateway
from tests.gateway.service import Request
from tests.gateway.wire import reply

PATHS = [
    "/t/acme/jwks.json",
    "/t/acme/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/acme",
]
SAID = [
    ("cache-control", "public, max-age=300, stale-while-revalidate=60"),
    ("etag", '"v1"'),
    ("vary", "Origin"),
    ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_caching_headers_pass_untouched(gateway: Gateway, path: str, method: str) -> None:
    async def answer(_: Request) -> bytes | None:
        return reply(200, b"{}" if method == "GET" else b"", SAID)

    gateway.services["jwks"].behaviour = answer
    got = await gateway.ask(method, path)
    assert got.status == 200
    assert dict(SAID).items() <= got.headers.items()
    assert "age" not in got.headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_conditional_request_is_the_services_to_answer(gateway: Gateway, path: str) -> None:
    """RFC 9110 §13.1.2, §15.4.5."""

    async def not_modified(_: Request) -> bytes | None:
        return (
            b'HTTP/1.1 304 Not Modified\r\netag: "v1"\r\nvary: Origin\r\ncache-control: max-age=300\r\n\r\n'
        )

    gateway.services["jwks"].behaviour = not_modified
    got = await gateway.ask("GET", path, [("if-none-match", '"v1"'), ("origin", "https://app.example")])
    seen = gateway.services["jwks"].last
    assert (got.status, got.headers["etag"], got.headers["vary"]) == (304, '"v1"', "Origin")
    assert (seen.all("if-none-match"), seen.all("origin")) == (['"v1"'], ["https://app.example"])


async def test_nothing_is_kept_here(gateway: Gateway) -> None:
    """One tenant's keys, one origin's CORS headers: never another's, and a rotation is seen at once."""
    jwks = gateway.services["jwks"]

    async def by_origin(request: Request) -> bytes | None:
        origin = (request.all("origin") or ["none"])[0]
        return reply(200, f"{origin} {len(jwks.requests)}".encode(), SAID)

    jwks.behaviour = by_origin
    origins = ["https://a.example", "https://b.example", "https://a.example", "https://a.example"]
    bodies = [(await gateway.ask("GET", PATHS[0], [("origin", one)])).body.decode() for one in origins]
    assert bodies == [f"{origin} {number}" for number, origin in enumerate(origins, 1)]
