"""A WebSocket with the session's cookie: opened by our own pages, and by nobody else's (RFC 6455 §10.2)."""

from collections.abc import Mapping
from typing import Any

import pytest

from mtas import asgi
from mtas.testing import FakeIssuer, session_cookie
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import bff

OURS = "http://localhost:8000"


async def opened(issuer: FakeIssuer, clock: Clock, headers: Mapping[str, str], path: str = "/ws") -> Any:
    """Who it was opened for; or the code that it was closed with."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(asgi.visit_of(scope).user)
        await send({"type": "websocket.accept"})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            seen.append(message["code"])

    scope = {
        "type": "websocket",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await asgi.MtasAuth(bff(issuer.config, clock)).wrap(app)(scope, receive, send)
    (only,) = seen
    return only


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        pytest.param({"origin": OURS}, True, id="our page"),
        pytest.param({"origin": OURS, "sec-fetch-site": "cross-site"}, True, id="our page, by wss"),
        pytest.param({"origin": "https://evil.example"}, False, id="another site"),
        pytest.param({"origin": "http://localhost:9000"}, False, id="same site, another origin"),
        pytest.param({"origin": "null"}, False, id="an origin that is hidden"),
        pytest.param({}, False, id="no origin"),
        pytest.param({"sec-fetch-site": "same-origin"}, False, id="no origin, but Fetch Metadata"),
    ],
)
async def test_only_our_own_pages_open_one(
    issuer: FakeIssuer, clock: Clock, headers: dict[str, str], ours: bool
) -> None:
    cookie = session_cookie(issuer.config, sub="ada", now=clock())
    answer = await opened(issuer, clock, {**headers, "cookie": cookie})
    assert (answer.sub if ours else answer) == ("ada" if ours else 1008)


async def test_without_a_session_it_is_the_apps_own_business(issuer: FakeIssuer, clock: Clock) -> None:
    assert await opened(issuer, clock, {"origin": "https://evil.example"}) is None


async def test_our_routes_are_none(issuer: FakeIssuer, clock: Clock) -> None:
    assert await opened(issuer, clock, {"origin": OURS}, "/auth/login") == 1008
