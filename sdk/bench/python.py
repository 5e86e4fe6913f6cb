"""The Python SDK's part, run where it and its peer are installed: medians in microseconds, as JSON.

The same app three times in one process, called as a server calls it, without a network between: asking
nobody, with `mtas`, and with `auth0-fastapi`, which keeps its session in an encrypted cookie too and is given
the same tokens. The variants take turns, so that all meet the same machine.
"""

import asyncio
import json
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request, Response
from litestar import Litestar, get

from mtas import asgi, fastapi, litestar
from mtas.core.config import load_config
from mtas.core.cookie_jar import CookieJar
from mtas.core.names import parse_cookies
from mtas.core.session import Session
from mtas.testing import FakeIssuer

ROUNDS: Final = 40
REQUESTS: Final = 100
WARM_UP: Final = 3
Send = Callable[[str, str], Awaitable[tuple[int, list[tuple[str, str]]]]]


async def main() -> None:
    with FakeIssuer() as issuer:
        cookie, session = await sign_in(issuer)
        rows = {
            "FastAPI": await compare(
                {"plain": plain_fastapi(), "ours": our_fastapi(issuer)}
                | ({"peer": peer} if (peer := peer_fastapi(issuer)) else {}),
                {"plain": cookie, "ours": cookie}
                | ({"peer": await peer_cookie(peer, session)} if peer else {}),
            ),
            "Litestar": await compare(
                {"plain": plain_litestar(), "ours": our_litestar(issuer)}, {"plain": cookie, "ours": cookie}
            ),
        }
        rows["FastAPI"]["opening"] = opening(issuer, cookie)
    print(json.dumps(rows))


async def compare(apps: dict[str, Any], cookies: dict[str, str]) -> dict[str, Any]:
    """Median and 99th percentile of a request to each, and the size of its cookies."""
    senders = {name: sender(app) for name, app in apps.items()}
    took: dict[str, list[float]] = {name: [] for name in apps}
    for turn in range(-WARM_UP, ROUNDS):
        for name, send in senders.items():
            for _ in range(REQUESTS):
                begun = time.perf_counter()
                status, _headers = await send("/", cookies[name])
                if turn >= 0:
                    took[name].append((time.perf_counter() - begun) * 1e6)
                assert status == 200, (name, status)
    return {
        name: {
            "median": statistics.median(times),
            "p99": statistics.quantiles(times, n=100)[98],
            "cookies": len(cookies[name]),
        }
        for name, times in took.items()
    }


def sender(app: Any) -> Send:
    async def send(target: str, cookie: str) -> tuple[int, list[tuple[str, str]]]:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (b"host", b"localhost:8000"),
                (b"accept", b"application/json"),
                (b"sec-fetch-mode", b"cors"),
                (b"cookie", cookie.encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 8000),
            "state": {},
        }
        answer: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def sent(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.update(message)

        await app(scope, receive, sent)
        return answer["status"], [(name.decode(), value.decode()) for name, value in answer["headers"]]

    return send


async def sign_in(issuer: FakeIssuer) -> tuple[str, Session]:
    """Through the routes, so that the session is a real one."""

    async def nobody(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    send = sender(asgi.create_mtas_auth(issuer.config).wrap(nobody))
    cookies: dict[str, str] = {}
    _, begun = await send("/auth/login", "")
    cookies |= _set(begun)
    # Tokens of this issuer are signed with ES256: this makes up for the longer signatures of RS256.
    picture = "https://cdn.example/" + "x" * 300
    callback = urlsplit(issuer.approve(dict(begun)["location"], picture=picture))
    _, done = await send(f"{callback.path}?{callback.query}", _header(cookies))
    cookies = {name: value for name, value in (cookies | _set(done)).items() if value}
    session = CookieJar(load_config(issuer.config), secrets.token_bytes).read(cookies, time.time())
    assert session is not None
    return _header(cookies), session


def _set(headers: list[tuple[str, str]]) -> dict[str, str]:
    pairs = (
        value.partition(";")[0].partition("=") for name, value in headers if name.lower() == "set-cookie"
    )
    return {name: value for name, _, value in pairs}


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def opening(issuer: FakeIssuer, cookie: str) -> float:
    """The session's cookie alone: found, opened, read."""
    jar = CookieJar(load_config(issuer.config), secrets.token_bytes)
    times = []
    for _ in range(2000):
        begun = time.perf_counter()
        assert jar.read(parse_cookies(cookie), time.time()) is not None
        times.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(times)


def plain_fastapi() -> Any:
    app = FastAPI()

    @app.get("/")
    async def index() -> dict[str, str]:
        return {"sub": "user-1"}

    return app


def our_fastapi(issuer: FakeIssuer) -> Any:
    auth = fastapi.create_mtas_auth(issuer.config)
    app = FastAPI()
    app.include_router(auth.router)
    app.add_middleware(auth.middleware)

    @app.get("/")
    async def index(user: fastapi.CurrentUser) -> dict[str, str]:
        return {"sub": user.sub}

    return app


def peer_fastapi(issuer: FakeIssuer) -> Any:
    """None where the peer is not installed."""
    try:
        from auth0_fastapi.auth.auth_client import AuthClient
        from auth0_fastapi.config import Auth0Config
    except ImportError:
        return None
    config = Auth0Config(
        domain="auth.test",
        client_id=issuer.app_id,
        client_secret=issuer.app_secret,
        app_base_url=issuer.app_url,
        secret=issuer.config["cookie_secrets"],
    )
    auth, app = AuthClient(config), FastAPI()

    @app.get("/")
    async def index(session: dict[str, Any] = Depends(auth.require_session)) -> dict[str, str]:  # noqa: B008
        return {"sub": session["user"]["sub"]}

    @app.get("/keep")
    async def keep(request: Request, response: Response) -> None:
        state = json.loads(request.headers["x-state"])
        await auth.client._state_store.set(
            auth.client._state_identifier, state, options={"response": response}
        )

    return app


async def peer_cookie(app: Any, session: Session) -> str:
    """The same sign-in, as the peer would keep it."""
    from auth0_server_python.auth_types import StateData

    state = StateData(
        user={"sub": session.sub, **session.user},
        id_token=session.id_token,
        refresh_token=session.refresh_token,
        token_sets=[
            {
                "audience": "default",
                "access_token": session.access_token,
                "scope": session.scope,
                "expires_at": session.access_token_exp,
            }
        ],
        domain="auth.test",
        internal={"sid": session.sid, "created_at": session.iat},
    )

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["headers"].append((b"x-state", json.dumps(state.model_dump()).encode()))
        await app(scope, receive, send)

    _, headers = await sender(with_state)("/keep", "")
    return _header(_set(headers))


def plain_litestar() -> Any:
    @get("/")
    async def index() -> dict[str, str]:
        return {"sub": "user-1"}

    return Litestar([index], openapi_config=None)


def our_litestar(issuer: FakeIssuer) -> Any:
    auth = litestar.create_mtas_auth(issuer.config)

    @get("/")
    async def index(current_user: litestar.CurrentUser) -> dict[str, str]:
        return {"sub": current_user.sub}

    return Litestar([index], plugins=[auth.plugin], openapi_config=None)


if __name__ == "__main__":
    asyncio.run(main())
