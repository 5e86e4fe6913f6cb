"""Refusals as `application/problem+json` (RFC 9457), with a JSON pointer for every field."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from services.admin.flows.once import Replayed
from services.admin.flows.refused import FieldError, InsufficientScope, Refused, Unauthenticated
from shared.http.context import request_id
from shared.http.errors import RETRY_AFTER_S, UNAVAILABLE
from shared.limits import TooManyTries

log = structlog.get_logger()

MEDIA_TYPE: Final = "application/problem+json"
AnyRequest = Request[Any, Any, Any]
_PARAMETERS: Final = (
    *("app", "cursor", "after", "limit", "type", "actor", "subject", "since", "until"),
    "Idempotency-Key",
)
"""Fields of a refusal that no body has."""
_INDEX: Final = re.compile(r"\[(\d+)\]")


def problem(
    request: AnyRequest,
    status: int,
    title: str,
    detail: str | None = None,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[dict[str, Any]]:
    """`type` is left out: "about:blank" (RFC 9457 §4.2.1); the title says which problem it is."""
    content: dict[str, Any] = {"title": title, "status": status}
    if detail:
        content["detail"] = detail
    if errors:
        content["errors"] = errors
    content["request_id"] = request_id(request.scope)
    return Response(
        content,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )


def refused(request: AnyRequest, error: Refused) -> Response[dict[str, Any]]:
    log.info("refused", status=error.status, reason=error.title)
    return problem(
        request,
        error.status,
        error.title,
        error.detail,
        errors=[_field_error(field_error) for field_error in error.errors],
        headers=_challenge(error),
    )


def _challenge(error: Refused) -> dict[str, str]:
    """RFC 6750 §3."""
    if isinstance(error, InsufficientScope):
        return {"WWW-Authenticate": f'Bearer realm="mtas", error="insufficient_scope", scope="{error.scope}"'}
    return {"WWW-Authenticate": 'Bearer realm="mtas"'} if isinstance(error, Unauthenticated) else {}


def http_error(request: AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework refused: no such route, another method, a body that is not JSON."""
    if isinstance(error, ValidationException):
        return _invalid(request, error)
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.status_code < 500 and error.detail != phrase else None
    return problem(request, error.status_code, phrase, detail, headers=error.headers)


def unavailable(request: AnyRequest, error: Exception) -> Response[dict[str, Any]]:
    log.warning("unavailable", cause=type(error).__name__)
    return problem(
        request,
        503,
        "Temporarily unavailable",
        "A part of the service is away; try again.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def too_many(request: AnyRequest, error: TooManyTries) -> Response[dict[str, Any]]:
    headers = {"Retry-After": str(error.retry_after_s)}
    return problem(request, 429, "Too many tries", "Wait before you try again.", headers=headers)


def too_deep(request: AnyRequest, _error: RecursionError) -> Response[dict[str, Any]]:
    """A body that is JSON, and nothing but brackets: what reads it goes one step deeper for each."""
    return problem(request, 400, HTTPStatus.BAD_REQUEST.phrase, "The body is nested too deeply.")


def unexpected(request: AnyRequest, error: Exception) -> Response[dict[str, Any]]:
    log.error("unexpected error", exc_info=error)
    return problem(request, 500, "Internal error", "The request id helps whoever looks into it.")


def replayed(_request: AnyRequest, error: Replayed) -> Response[bytes]:
    """What was done with this Idempotency-Key is not done again."""
    return Response(
        error.answer,
        status_code=201,  # every operation that takes a key creates something
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Idempotency-Replayed": "true",
        },
    )


def exception_handlers() -> ExceptionHandlersMap:
    return {
        Refused: refused,
        Replayed: replayed,
        TooManyTries: too_many,
        HTTPException: http_error,
        RecursionError: too_deep,
        **dict.fromkeys(UNAVAILABLE, unavailable),
        Exception: unexpected,
    }


def _field_error(error: FieldError) -> dict[str, str]:
    if error.field in _PARAMETERS:
        return {"parameter": error.field, "detail": error.message}
    line = "" if error.line is None else f"/{error.line}"
    return {"pointer": f"#/{error.field}{line}", "detail": error.message}


def _invalid(request: AnyRequest, error: ValidationException) -> Response[dict[str, Any]]:
    extra = error.extra if isinstance(error.extra, list) else []
    return problem(
        request,
        422,
        "Something needs to be corrected",
        "The request does not fit its schema.",
        errors=[_schema_error(item) for item in extra],
    )


def _schema_error(item: dict[str, str]) -> dict[str, str]:
    """From the framework's `b[1]` in the body to `#/b/1`; the whole body is `data` there."""
    key, detail = item.get("key", ""), item.get("message", "")
    if item.get("source") != "body":
        return {"parameter": key, "detail": detail}
    if key == "data":
        return {"pointer": "#", "detail": "The body is missing." if detail == "'data'" else detail}
    return {"pointer": "#/" + _INDEX.sub(r"/\1", key).replace(".", "/"), "detail": detail}
