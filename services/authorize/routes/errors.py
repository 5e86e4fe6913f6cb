"""From exceptions to answers: a page for a person, a problem document for `/internal`.

A page says what happened, what to do about it, and the request's id; nothing of the cause, which
is in the log under that id.
"""

import re
from typing import Any, Final

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from services.authorize.flows.interaction import InteractionGone
from services.authorize.flows.mailing import MailOff
from services.authorize.flows.outcome import Unproven
from services.authorize.flows.sign_up import SignUpClosed
from services.authorize.flows.tenants import NoSuchTenant, TenantDisabled
from services.authorize.routes.here import SignInFirst
from services.authorize.routes.internal import PREFIX
from services.authorize.routes.pages import language_of, page_headers, see_other
from services.authorize.routes.views import Views
from services.authorize.routes.words import duration
from shared.http.browser import AnyRequest
from shared.http.context import request_id
from shared.http.errors import RETRY_AFTER_S, UNAVAILABLE
from shared.http.internal import problem
from shared.limits import TooManyTries
from shared.oauth.errors import OAuthError
from shared.text import Text
from shared.texts import Language

log = structlog.get_logger()

_SLUG: Final = re.compile(r"/t/([a-z0-9-]{1,40})/")


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What an error page says; `detail` is for the app's developer."""

    status: int
    title: Text
    advice: Text
    detail: str | None = None


_BACK_TO_APP: Final = Text("Go back to the app that you came from, and start again.")
_BY_STATUS: Final = {
    403: Trouble(
        status=403,
        title=Text("We could not tell that this came from you"),
        advice=Text(
            "Go back, reload the page and try again. If that does not help, allow cookies for this site."
        ),
    ),
    404: Trouble(
        status=404,
        title=Text("There is no such page"),
        advice=Text("Check the address, or go back to the app that you came from."),
    ),
    503: Trouble(
        status=503,
        title=Text("We cannot do this right now"),
        advice=Text("A part of the service is away for a moment. Wait a few seconds, then reload this page."),
    ),
    500: Trouble(
        status=500,
        title=Text("Something went wrong on our side"),
        advice=Text(
            "Try again in a moment. If it happens again, tell the people who run this service "
            "the request id below."
        ),
    ),
}


def exception_handlers() -> ExceptionHandlersMap:
    return {
        Unproven: _unproven,
        InteractionGone: _interaction_gone,
        OAuthError: _refused,
        NoSuchTenant: _not_found,
        TenantDisabled: _tenant_disabled,
        SignUpClosed: _not_found,
        MailOff: _not_found,
        SignInFirst: _sign_in_first,
        TooManyTries: _too_many,
        HTTPException: _http_error,
        **dict.fromkeys(UNAVAILABLE, _unavailable),
        Exception: _unexpected,
    }


def _sign_in_first(_request: AnyRequest, error: SignInFirst) -> Response[Any]:
    return see_other(error.login)


def _unproven(request: AnyRequest, error: Unproven) -> Response[Any]:
    log.info("refused", error="unproven", reason=error.description)
    return _page(
        request,
        Trouble(
            status=400,
            title=Text("This sign-in link does not work"),
            advice=Text(
                "The app that sent you here asked in a way that we cannot accept. Go back to it; "
                "if it happens again, tell the people who run the app."
            ),
            detail=error.description,
        ),
    )


def _tenant_disabled(request: AnyRequest, _error: TenantDisabled) -> Response[Any]:
    return _page(
        request,
        Trouble(
            status=400,
            title=Text("This app is switched off"),
            advice=Text(
                "The people who run it have disabled it. Nobody can sign in until they enable it again."
            ),
        ),
    )


def _interaction_gone(request: AnyRequest, _error: InteractionGone) -> Response[Any]:
    return _page(
        request,
        Trouble(
            status=400,
            title=Text("This sign-in is over"),
            advice=Text(
                "It was finished already, took longer than half an hour, or was begun in another browser. "
                "Go back to the app that you came from, and start again."
            ),
        ),
    )


def _refused(request: AnyRequest, error: OAuthError) -> Response[Any]:
    log.info("refused", error=error.code, reason=error.reason)
    return _page(
        request,
        Trouble(
            status=error.status,
            title=Text("We could not read this request"),
            advice=_BACK_TO_APP,
            detail=error.description,
        ),
    )


def _too_many(request: AnyRequest, error: TooManyTries) -> Response[Any]:
    log.info("refused", error="too many", retry_after_s=error.retry_after_s)
    wait = duration(_language(request), error.retry_after_s)
    return _page(
        request,
        Trouble(
            status=429,
            title=Text("That was a bit much at once"),
            advice=Text(
                "Too many sign-ins were begun here. Wait %(duration)s, then reload this page.", duration=wait
            ),
        ),
        headers={"Retry-After": str(error.retry_after_s)},
    )


def _not_found(request: AnyRequest, _error: Exception) -> Response[Any]:
    return _page(request, _BY_STATUS[404])


def _http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    if error.status_code >= 500:
        return _unexpected(request, error)
    known = _BY_STATUS.get(error.status_code)
    trouble = known or Trouble(
        status=error.status_code,
        title=Text("We could not read this request"),
        advice=_BACK_TO_APP,
        detail=error.detail,
    )
    return _page(request, trouble, detail=error.detail, headers=error.headers)


def _unavailable(request: AnyRequest, error: Exception) -> Response[Any]:
    log.warning("unavailable", cause=type(error).__name__)
    return _page(request, _BY_STATUS[503], headers={"Retry-After": str(RETRY_AFTER_S)})


def _unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("unexpected error", exc_info=error)
    return _page(request, _BY_STATUS[500])


def _page(
    request: AnyRequest, trouble: Trouble, *, detail: str | None = None, headers: dict[str, str] | None = None
) -> Response[Any]:
    path = request.scope["path"]
    if path.startswith(PREFIX):
        return problem(trouble.status, str(trouble.title), detail or trouble.detail, headers=headers)
    slug = _SLUG.match(path)
    return Response(
        _views(request).render(
            "error.html",
            _language(request),
            tenant=request.scope["state"].get("tenant"),
            slug=slug.group(1) if slug else None,
            trouble=trouble,
            request_id=request_id(request.scope),
        ),
        status_code=trouble.status,
        media_type="text/html",
        headers=page_headers("'none'") | (headers or {}),
    )


def _views(request: AnyRequest) -> Views:
    views: Views = request.app.state["views"]
    return views


def _language(request: AnyRequest) -> Language:
    known: Language | None = request.scope["state"].get("language")
    return known or language_of(request, _views(request).texts)[0]
