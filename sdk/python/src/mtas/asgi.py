"""Any ASGI app: `app = create_mtas_auth().wrap(app)`. The Litestar and FastAPI adapters stand on this one.

The visit of a request is in `scope["mtas"]`; `visit_of(scope)` reads it.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from mtas.aio import AsyncAuth
from mtas.core.answers import NO_STORE, Answer
from mtas.core.bff import Bff, Visit
from mtas.core.config import Config, load_config
from mtas.core.errors import MtasError
from mtas.core.requests import WEBSOCKET, Request

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY: Final = "mtas"


class MtasAuth(AsyncAuth):
    def wrap(self, app: ASGIApp, *, require_user: bool = False) -> "Middleware":
        """The app with our routes and sessions; with `require_user`, nothing of it without a login."""
        return Middleware(app, self, require_user=require_user)


def create_mtas_auth(config: Config | Mapping[str, Any] | None = None) -> MtasAuth:
    """Ready to wrap an app. Options go before the environment. Raises: ConfigError."""
    return MtasAuth(Bff(load_config(config)))


def visit_of(scope: Mapping[str, Any]) -> Visit:
    """The visit of this request. Raises: RuntimeError when the app is not wrapped."""
    visit = scope.get(KEY)
    if not isinstance(visit, Visit):
        raise RuntimeError("MTAS has not seen this request: is its middleware or plugin installed?")  # noqa: TRY004
    return visit


class Middleware:
    def __init__(self, app: ASGIApp, auth: AsyncAuth, *, require_user: bool = False) -> None:
        self.app: Final = app
        self._auth = auth
        self._require_user = require_user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._closing(send))
            return
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = read_request(scope)
        visit = await self._auth.visit(request)
        sending = _Sending(send, visit.cookies)
        try:
            if visit.answer is not None:
                await self._answer(scope, visit.answer, send)
                return
            if self._require_user:
                visit.require_user()
            scope[KEY] = visit
            await self.app(scope, receive, sending)
        except MtasError as error:
            if sending.started:
                raise
            await self._answer(scope, self._auth.bff.render(error, request).with_cookies(visit.cookies), send)

    async def _answer(self, scope: Scope, answer: Answer, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
            return
        await send_answer(answer, send)

    def _closing(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._auth.aclose()
            await send(message)

        return closing


class _Sending:
    """Puts our cookies on whatever the app answers, and keeps caches away from them."""

    def __init__(self, send: Send, cookies: tuple[str, ...]) -> None:
        self._send = send
        self._cookies = cookies
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            self.started = True
            if self._cookies:
                message = {**message, "headers": self._with_cookies(message.get("headers", ()))}
        await self._send(message)

    def _with_cookies(self, headers: Any) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in headers if name.lower() != b"cache-control"]
        return [*kept, *_encoded((NO_STORE, *(("Set-Cookie", cookie) for cookie in self._cookies)))]


def read_request(scope: Mapping[str, Any]) -> Request:
    """What the core needs of an ASGI scope."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in headers:
            headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}"
        else:
            headers[name] = value
    path = scope["path"]
    raw_path = scope.get("raw_path")
    target = raw_path.decode("latin-1").partition("?")[0] if raw_path else quote(path)
    query = scope.get("query_string", b"").decode("latin-1")
    method = WEBSOCKET if scope["type"] == "websocket" else scope.get("method", "GET")
    return Request(method, path, f"{target}?{query}" if query else target, headers)


async def send_answer(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": _encoded(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


def _encoded(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
