"""From exceptions to answers, at the edge only.

`OAuthError` becomes the JSON of RFC 6749 §5.2; a store that is away becomes 503 with
Retry-After; anything else becomes 500 with a request id and nothing of the cause.
"""

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from shared import db, valkey
from shared.http.context import request_id
from shared.http.headers import NO_STORE
from shared.oauth.errors import OAuthError
from shared.unavailable import Unavailable as Unavailable

log = structlog.get_logger()

RETRY_AFTER_S: Final = 2


UNAVAILABLE: Final = (Unavailable, *db.UNAVAILABLE, *valkey.UNAVAILABLE)


def oauth_error_response(error: OAuthError) -> Response[dict[str, str]]:
    """RFC 6749 §5.2; a 401 names the scheme to use."""
    log.info("refused", error=error.code, reason=error.reason)
    headers = dict(NO_STORE)
    if error.code == "invalid_client":
        headers["WWW-Authenticate"] = 'Basic realm="mtas"'
    elif error.code in ("invalid_token", "insufficient_scope"):  # RFC 6750 §3
        headers["WWW-Authenticate"] = f'Bearer error="{error.code}", error_description="{error.description}"'
    if error.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return Response(
        content={"error": error.code, "error_description": error.description},
        status_code=error.status,
        headers=headers,
        media_type="application/json",
    )


def _refused(_request: Request[Any, Any, Any], error: OAuthError) -> Response[dict[str, str]]:
    return oauth_error_response(error)


def _unavailable(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    log.warning("unavailable", cause=type(error).__name__)
    return oauth_error_response(
        OAuthError("temporarily_unavailable", "a part of the service is away; try again")
    )


def _http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, str]]:
    code = "server_error" if error.status_code >= 500 else "invalid_request"
    return Response(
        content={
            "error": code,
            "error_description": error.detail if error.status_code < 500 else "internal error",
        },
        status_code=error.status_code,
        headers={**(error.headers or {}), **NO_STORE},
        media_type="application/json",
    )


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    log.error("unexpected error", exc_info=error)
    return Response(
        content={
            "error": "server_error",
            "error_description": f"internal error, request {request_id(request.scope)}",
        },
        status_code=500,
        headers=dict(NO_STORE),
        media_type="application/json",
    )


def json_exception_handlers() -> ExceptionHandlersMap:
    """For services whose every answer is JSON. Services with pages render their own."""
    return {
        OAuthError: _refused,
        HTTPException: _http_error,
        **dict.fromkeys(UNAVAILABLE, _unavailable),
        Exception: _unexpected,
    }
