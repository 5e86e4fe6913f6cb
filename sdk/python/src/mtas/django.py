"""Django: `MIDDLEWARE = ["mtas.django.MtasMiddleware", …]`, then `@require_user` and `request.mtas.user`.

The configuration is the environment's, or `settings.MTAS`, a dictionary of options. Django's own
`request.user`, sessions and CSRF protection are left as they are.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from mtas._wsgi import read_request
from mtas.core.answers import NO_STORE, Answer
from mtas.core.bff import Bff, Visit
from mtas.core.config import Config, load_config
from mtas.core.errors import MtasError
from mtas.core.user import AccessToken
from mtas.sync import SyncAuth

P = ParamSpec("P")
R = TypeVar("R")


class MtasAuth(SyncAuth):
    def access_token(self, request: HttpRequest, *scopes: str) -> AccessToken:
        """The verified bearer token of this API call. Raises: MtasError token_…, insufficient_scope."""
        return self.verify_access_token(request.headers.get("Authorization"), *scopes)


def create_mtas_auth(config: Config | Mapping[str, Any] | None = None) -> MtasAuth:
    """What the middleware works with. Raises: ConfigError."""
    return MtasAuth(Bff(load_config(config)))


class MtasMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self.auth = create_mtas_auth(getattr(settings, "MTAS", None))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        visited = self.auth.visit(read_request(request.META))
        request.mtas = visited
        request.mtas_auth = self.auth
        if visited.answer is not None:
            return _response(visited.answer)
        response = self._get_response(request)
        if visited.cookies:
            response.headers[NO_STORE[0]] = NO_STORE[1]
            _add_lines(response, visited.cookies)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A refusal that a view raised."""
        if not isinstance(error, MtasError):
            return None
        return _response(self.auth.bff.render(error, visit(request).request))


def visit(request: HttpRequest) -> Visit:
    """All that is known of this request, the access token for other APIs among it."""
    visited = getattr(request, "mtas", None)
    if not isinstance(visited, Visit):
        raise RuntimeError("MTAS has not seen this request: is mtas.django.MtasMiddleware in MIDDLEWARE?")  # noqa: TRY004
    return visited


def require_user(view: Callable[Concatenate[HttpRequest, P], R]) -> Callable[..., R]:
    """A decorator: only who is signed in. The view may be asynchronous."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def protected_async(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> Any:
            visit(request).require_user()
            return await view(request, *args, **kwargs)

        return cast(Callable[..., R], protected_async)

    @wraps(view)
    def protected(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> R:
        visit(request).require_user()
        return view(request, *args, **kwargs)

    return protected


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        if name != "Set-Cookie":
            response.headers[name] = value
    _add_lines(response, [value for name, value in answer.headers if name == "Set-Cookie"])
    return response


def _add_lines(response: HttpResponseBase, lines: Any) -> None:
    """Set-Cookie lines of ours, in Django's own words: it keeps one cookie a name."""
    for line in lines:
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0]
        response.set_cookie(
            name,
            max_age=int(rest.rpartition("Max-Age=")[2]),
            path="/",
            secure="; Secure" in rest,
            httponly=True,
            samesite="Lax",
        )
        response.cookies[name].set(name, value, value)  # no quotes around nothing
