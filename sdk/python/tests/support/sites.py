"""One app in every framework, and a way to send it a request in process.

/          who is here, or nobody      /private   GET and POST: only who is signed in
/boom      an unhandled error          /api       a bearer token with the scope "read"
/later     where views may be either: an asynchronous one, only who is signed in
"""

import asyncio
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote

from mtas import AccessToken, asgi, fastapi, flask, litestar
from mtas.aio import AsyncAuth
from mtas.core.bff import Bff
from mtas.core.config import load_config
from sdk.python.tests.support.browser import Browser, Reply, SendRequest
from sdk.python.tests.support.clock import Clock


@dataclass
class Site:
    send: SendRequest
    auth: Any

    def browser(self) -> Browser:
        return Browser(self.send)

    async def close(self) -> None:
        closed = self.auth.aclose() if isinstance(self.auth, AsyncAuth) else self.auth.close()
        if closed is not None:
            await closed


def bff(config: Mapping[str, Any], clock: Clock) -> Bff:
    return Bff(load_config(config), clock=clock, ticks=clock.ticks)


def asgi_site(config: Mapping[str, Any], clock: Clock) -> Site:
    auth = asgi.MtasAuth(bff(config, clock))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        visit = asgi.visit_of(scope)
        match scope["path"]:
            case "/boom":
                raise ZeroDivisionError
            case "/private":
                content: Any = visit.require_user().claims
            case "/api":
                authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
                content = {"sub": (await auth.verify_access_token(authorization, "read")).sub}
            case _:
                content = {"user": visit.user.email if visit.user else None}
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"max-age=60")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    return Site(asgi_sender(auth.wrap(app)), auth)


def litestar_site(config: Mapping[str, Any], clock: Clock) -> Site:
    from litestar import Litestar, Request, get, route
    from litestar.enums import HttpMethod

    auth = litestar.MtasAuth(bff(config, clock))

    @get("/")
    async def index(optional_user: litestar.OptionalUser) -> dict[str, Any]:
        return {"user": optional_user.email if optional_user else None}

    @route("/private", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200)
    async def private(current_user: litestar.CurrentUser) -> dict[str, Any]:
        return dict(current_user.claims)

    @get("/guarded", guards=[litestar.require_user])
    async def guarded(request: Request[Any, Any, Any]) -> str:
        return str(request.user.sub)

    @get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError

    @get("/api")
    async def api(request: Request[Any, Any, Any]) -> dict[str, str]:
        return {"sub": (await auth.access_token(request, "read")).sub}

    app = Litestar([index, private, guarded, boom, api], plugins=[auth.plugin], openapi_config=None)
    return Site(asgi_sender(app), auth)


def fastapi_site(config: Mapping[str, Any], clock: Clock) -> Site:
    from fastapi import Depends, FastAPI

    auth = fastapi.MtasAuth(bff(config, clock))
    app = FastAPI()
    app.include_router(auth.router)
    app.add_middleware(auth.middleware)

    @app.get("/")
    async def index(user: fastapi.OptionalUser) -> dict[str, Any]:
        return {"user": user.email if user else None}

    @app.api_route("/private", methods=["GET", "POST"])
    async def private(user: fastapi.CurrentUser) -> dict[str, Any]:
        return dict(user.claims)

    @app.get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError

    @app.get("/api")
    async def api(token: Annotated[AccessToken, Depends(auth.access_token("read"))]) -> dict[str, str]:
        return {"sub": token.sub}

    return Site(asgi_sender(app), auth)


def flask_site(config: Mapping[str, Any], clock: Clock) -> Site:
    from flask import Flask

    auth = flask.MtasAuth(bff(config, clock))
    app = Flask(__name__)
    auth.init_app(app)

    @app.get("/")
    def index() -> dict[str, Any]:
        user = flask.current_user()
        return {"user": user.email if user else None}

    @app.route("/private", methods=["GET", "POST"])
    @flask.require_user
    def private() -> dict[str, Any]:
        user = flask.current_user()
        assert user is not None
        return dict(user.claims)

    @app.get("/later")
    @flask.require_user
    async def later() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"sub": flask.visit().require_user().sub}

    @app.get("/boom")
    def boom() -> str:
        raise ZeroDivisionError

    @app.get("/api")
    def api() -> dict[str, str]:
        return {"sub": auth.access_token("read").sub}

    return Site(wsgi_sender(app), auth)


def django_site(config: Mapping[str, Any], clock: Clock) -> Site:
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    from mtas import django as adapter

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="django's own, which is not ours",
            ROOT_URLCONF="sdk.python.tests.support.django_urls",
            MIDDLEWARE=["mtas.django.MtasMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
        )
        django.setup()
    settings.MTAS = dict(config)
    handler = WSGIHandler()
    middleware = _find(handler._middleware_chain, adapter.MtasMiddleware)
    middleware.auth = adapter.MtasAuth(bff(config, clock))
    return Site(wsgi_sender(handler), middleware.auth)


def _find(chain: Any, kind: type) -> Any:
    """Our middleware in Django's chain of wrapped functions."""
    seen = [chain]
    for each in seen:
        if isinstance(each, kind):
            return each
        seen += [cell.cell_contents for cell in getattr(each, "__closure__", None) or ()]
    raise AssertionError("the middleware is not installed")


SITES: dict[str, Callable[[Mapping[str, Any], Clock], Site]] = {
    "asgi": asgi_site,
    "litestar": litestar_site,
    "fastapi": fastapi_site,
    "flask": flask_site,
    "django": django_site,
}


def asgi_sender(app: Any) -> SendRequest:
    async def send(method: str, target: str, headers: Mapping[str, str]) -> Reply:
        raw_path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("latin-1"),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 8000),
            "state": {},
        }
        reply = Reply(0, [], b"")

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def taken(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = [(k.decode(), v.decode("latin-1")) for k, v in message["headers"]]
            elif message["type"] == "http.response.body":
                reply.body += message.get("body", b"")

        await app(scope, receive, taken)
        return reply

    return send


def wsgi_sender(app: Any) -> SendRequest:
    def call(method: str, target: str, headers: Mapping[str, str]) -> Reply:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(b""),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()},
        }
        reply = Reply(0, [], b"")

        def start(status: str, sent: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            reply.status = int(status.split()[0])
            reply.headers = [(name, value.strip()) for name, value in sent]  # as on the wire
            return lambda _: None

        answer = app(environ, start)
        reply.body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return reply

    async def send(method: str, target: str, headers: Mapping[str, str]) -> Reply:
        return await asyncio.to_thread(call, method, target, headers)

    return send
