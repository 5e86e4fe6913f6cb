"""Litestar: `Litestar([…], plugins=[create_mtas_auth().plugin])`.

Handlers take `current_user: CurrentUser` or `optional_user: OptionalUser`; `guards=[require_user]` protects
without naming the user. `request.user` and `request.auth` are there too.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from litestar import Request, Response, asgi
from litestar.config.app import AppConfig
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.plugins import InitPlugin
from litestar.types import ASGIApp, Receive, Scope, Send

from mtas.aio import AsyncAuth
from mtas.asgi import Middleware, visit_of
from mtas.core.answers import NO_STORE
from mtas.core.bff import Bff, Visit
from mtas.core.config import Config, load_config
from mtas.core.errors import MtasError
from mtas.core.user import AccessToken, User

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
CurrentUser: TypeAlias = NamedDependency[User]
OptionalUser: TypeAlias = NamedDependency[User | None]


class MtasAuth(AsyncAuth):
    @property
    def plugin(self) -> "MtasPlugin":
        return MtasPlugin(self)

    async def access_token(self, connection: AnyConnection, *scopes: str) -> AccessToken:
        """The verified bearer token of an API call. Raises: MtasError token_…, insufficient_scope."""
        return await self.verify_access_token(connection.headers.get("authorization"), *scopes)


def create_mtas_auth(config: Config | Mapping[str, Any] | None = None) -> MtasAuth:
    """Ready to plug in. Options go before the environment. Raises: ConfigError."""
    return MtasAuth(Bff(load_config(config)))


def visit(connection: AnyConnection) -> Visit:
    """All that is known of this request, the access token for other APIs among it."""
    return visit_of(connection.scope)


def require_user(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard: only who is signed in. Raises: MtasError."""
    visit(connection).require_user()


def provide_current_user(request: Request[Any, Any, Any]) -> User:
    return visit(request).require_user()


def provide_optional_user(request: Request[Any, Any, Any]) -> User | None:
    return visit(request).user


class MtasPlugin(InitPlugin):
    def __init__(self, auth: AsyncAuth) -> None:
        self._auth = auth

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.middleware.insert(0, DefineMiddleware(_LitestarMiddleware, auth=self._auth))
        app_config.route_handlers.append(self._routes())
        app_config.dependencies = {
            "current_user": Provide(provide_current_user, sync_to_thread=False),
            "optional_user": Provide(provide_optional_user, sync_to_thread=False),
            **app_config.dependencies,
        }
        app_config.exception_handlers = {MtasError: self._render, **app_config.exception_handlers}
        app_config.on_shutdown.append(self._auth.aclose)
        return app_config

    def _routes(self) -> ASGIRouteHandler:
        """Litestar's middleware runs on known paths only: this makes ours known. They are answered there."""

        prefix = self._auth.config.prefix

        @asgi([f"{prefix}/{name}" for name in ("login", "callback", "logout", "me")], copy_scope=True)
        async def mtas_routes(scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError("answered by the middleware")

        return mtas_routes

    def _render(self, request: Request[Any, Any, Any], error: MtasError) -> Response[bytes]:
        known = visit(request)
        answer = self._auth.bff.render(error, known.request)
        headers = {name: value for name, value in answer.headers if name != "Content-Length"}
        media_type = headers.pop("Content-Type", "text/plain")
        return Response(
            answer.body, status_code=answer.status, headers=dict((NO_STORE,)) | headers, media_type=media_type
        )


class _LitestarMiddleware:
    """The ASGI middleware, and what Litestar's own `request.user` and `request.auth` read."""

    def __init__(self, app: ASGIApp, auth: AsyncAuth) -> None:
        async def inner(scope: Any, receive: Any, send: Any) -> None:
            known = visit_of(scope)
            scope["user"], scope["auth"] = known.user, known
            await app(scope, receive, send)

        self._middleware = Middleware(inner, auth)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._middleware(scope, receive, send)  # type: ignore[arg-type]
