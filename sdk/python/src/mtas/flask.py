"""Flask: `auth = create_mtas_auth(); auth.init_app(app)`, then `@require_user` and `current_user()`."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final, ParamSpec, TypeVar, cast

from flask import Flask, Response, g, request

from mtas._wsgi import read_request
from mtas.core.answers import NO_STORE, Answer
from mtas.core.bff import Bff, Visit
from mtas.core.config import Config, load_config
from mtas.core.errors import MtasError
from mtas.core.user import AccessToken, User
from mtas.sync import SyncAuth

P = ParamSpec("P")
R = TypeVar("R")
_KEY: Final = "mtas_visit"


class MtasAuth(SyncAuth):
    def init_app(self, app: Flask) -> None:
        """Routes, sessions and errors; before all that runs before a view, so that it knows the user."""
        app.before_request_funcs.setdefault(None, []).insert(0, self._before)
        app.after_request(self._after)
        app.register_error_handler(MtasError, self._render)
        for name, method in (("login", "GET"), ("callback", "GET"), ("logout", "POST"), ("me", "GET")):
            app.add_url_rule(
                f"{self.config.prefix}/{name}", f"mtas_{name}", _answered_before, methods=[method]
            )

    def access_token(self, *scopes: str) -> AccessToken:
        """The verified bearer token of this API call. Raises: MtasError token_…, insufficient_scope."""
        return self.verify_access_token(request.headers.get("Authorization"), *scopes)

    def _before(self) -> Response | None:
        visited = self.visit(read_request(request.environ))
        setattr(g, _KEY, visited)
        return _response(visited.answer) if visited.answer is not None else None

    def _after(self, response: Response) -> Response:
        cookies = g.get(_KEY).cookies if _KEY in g else ()
        for cookie in cookies:
            response.headers.add("Set-Cookie", cookie)
        if cookies:
            response.headers.set(*NO_STORE)
        return response

    def _render(self, error: MtasError) -> Response:
        return _response(self.bff.render(error, visit().request))


def create_mtas_auth(config: Config | Mapping[str, Any] | None = None) -> MtasAuth:
    """Ready for `init_app`. Options go before the environment. Raises: ConfigError."""
    return MtasAuth(Bff(load_config(config)))


def visit() -> Visit:
    """All that is known of this request, the access token for other APIs among it."""
    visited = g.get(_KEY)
    if not isinstance(visited, Visit):
        raise RuntimeError("MTAS has not seen this request: was auth.init_app(app) called?")  # noqa: TRY004
    return visited


def current_user() -> User | None:
    return visit().user


def require_user(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator: only who is signed in. The view may be asynchronous (flask[async])."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def protected_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            visit().require_user()
            return await view(*args, **kwargs)

        return cast(Callable[P, R], protected_async)

    @wraps(view)
    def protected(*args: P.args, **kwargs: P.kwargs) -> R:
        visit().require_user()
        return view(*args, **kwargs)

    return protected


def _response(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status)
    response.headers.clear()
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


def _answered_before() -> Response:
    raise RuntimeError("answered before any view")
