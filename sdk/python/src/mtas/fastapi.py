"""FastAPI and Starlette: `app.include_router(auth.router); app.add_middleware(auth.middleware)`.

Endpoints take `user: CurrentUser` or `user: OptionalUser`. Starlette alone needs the middleware only, and
`visit_of(request.scope)`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request, Response

from mtas.aio import AsyncAuth
from mtas.asgi import ASGIApp, Middleware, visit_of
from mtas.core.bff import Bff, Visit
from mtas.core.config import Config, load_config
from mtas.core.user import AccessToken, User


class MtasAuth(AsyncAuth):
    @property
    def router(self) -> APIRouter:
        """The four routes, for the app's OpenAPI document; the middleware answers them."""
        router = APIRouter(prefix=self.config.prefix, tags=["auth"])
        for name, method, summary in (
            ("login", "GET", "Begin a sign-in"),
            ("callback", "GET", "Where the auth server sends the browser back"),
            ("logout", "POST", "Sign out"),
            ("me", "GET", "The signed-in user"),
        ):
            router.add_api_route(
                f"/{name}", _answered_before, methods=[method], summary=summary, name=f"mtas_{name}"
            )
        return router

    def middleware(self, app: ASGIApp) -> Middleware:
        """For `app.add_middleware(auth.middleware)`."""
        return Middleware(app, self)

    def access_token(self, *scopes: str) -> Callable[[Request], Awaitable[AccessToken]]:
        """A dependency for an API: `token: Annotated[AccessToken, Depends(auth.access_token("read"))]`."""

        async def access_token(request: Request) -> AccessToken:
            return await self.verify_access_token(request.headers.get("authorization"), *scopes)

        return access_token


def create_mtas_auth(config: Config | Mapping[str, Any] | None = None) -> MtasAuth:
    """Router and middleware. Options go before the environment. Raises: ConfigError."""
    return MtasAuth(Bff(load_config(config)))


def visit(request: Request) -> Visit:
    """All that is known of this request, the access token for other APIs among it."""
    return visit_of(request.scope)


async def current_user(request: Request) -> User:
    """Raises: MtasError, which the middleware answers."""
    return visit(request).require_user()


async def optional_user(request: Request) -> User | None:
    return visit(request).user


CurrentUser: TypeAlias = Annotated[User, Depends(current_user)]
OptionalUser: TypeAlias = Annotated[User | None, Depends(optional_user)]


async def _answered_before() -> Response:
    raise RuntimeError("MTAS's routes need its middleware: app.add_middleware(auth.middleware)")
