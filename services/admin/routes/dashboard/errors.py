"""Refusals as pages: what happened, what to do, and the id of the request."""

from typing import Any

import structlog
from litestar import Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.response import Template
from litestar.types import ExceptionHandlersMap

from services.admin.flows.refused import Refused
from services.admin.routes.dashboard.pages import see_other
from services.admin.routes.dashboard.visits import SignInNeeded, Visit
from shared.http.browser import AnyRequest
from shared.http.context import request_id
from shared.http.errors import RETRY_AFTER_S, UNAVAILABLE
from shared.http.headers import PAGE_HEADERS
from shared.limits import TooManyTries

log = structlog.get_logger()

_WORDS = {
    400: ("That request cannot be read", "Go back, reload the page and try again."),
    403: ("That is not possible", "Go back, reload the page and try again."),
    404: ("Page not found", "The address may be mistyped, or what it showed is not yours to see."),
    405: ("That is not possible here", "Go back to the dashboard and try from there."),
    413: ("That is too much at once", "Send less in one go."),
    415: ("That request cannot be read", "This address takes forms."),
}


def error_page(
    request: AnyRequest, status: int, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response[Any]:
    """Needs nothing but itself: the stores may be what is missing."""
    return Template(
        "error.html",
        context={"title": title, "detail": detail, "request_id": request_id(request.scope)},
        status_code=status,
        media_type="text/html",
        headers=PAGE_HEADERS | (headers or {}),
        cookies=_cookies(request),
    )


def _cookies(request: AnyRequest) -> list[Cookie]:
    """Whoever has just confirmed who they are has a new session, also when what they wanted failed."""
    visit: Visit | None = request.scope["state"].get("visit")
    return visit.cookies if visit is not None and visit.principal is not None else []


def _sign_in_needed(request: AnyRequest, error: SignInNeeded) -> Response[Any]:
    return see_other(request.scope["state"]["visit"], error.location)


def refused(request: AnyRequest, error: Refused) -> Response[Any]:
    log.info("refused", status=error.status, reason=error.title)
    # There is no form here whose fields could name what is wrong with them.
    detail = error.errors[0].message if error.errors else error.detail
    return error_page(request, error.status, error.title, detail)


def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    if error.status_code >= 500:
        return unexpected(request, error)
    title, detail = _WORDS.get(error.status_code, _WORDS[400])
    if error.status_code == 403 and error.detail:
        detail = error.detail
    return error_page(request, error.status_code, title, detail, error.headers)


def too_many(request: AnyRequest, error: TooManyTries) -> Response[Any]:
    headers = {"Retry-After": str(error.retry_after_s)}
    return error_page(request, 429, "Too many tries", "Wait a little before you try again.", headers)


def unavailable(request: AnyRequest, error: Exception) -> Response[Any]:
    log.warning("unavailable", cause=type(error).__name__)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    detail = "A part of MTAS is away at the moment. Nothing was changed; try again in a few seconds."
    return error_page(request, 503, "Temporarily unavailable", detail, headers)


def unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("unexpected error", exc_info=error)
    return error_page(
        request, 500, "Something went wrong", "It is not your fault. The request id helps to find out why."
    )


def exception_handlers() -> ExceptionHandlersMap:
    return {
        SignInNeeded: _sign_in_needed,
        Refused: refused,
        TooManyTries: too_many,
        HTTPException: http_error,
        **dict.fromkeys(UNAVAILABLE, unavailable),
        Exception: unexpected,
    }
