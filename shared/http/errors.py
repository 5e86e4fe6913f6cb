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
from shared.http.answer import Answer, encode, to_response
from shared.http.context import request_id
from shared.http.headers import NO_STORE
from shared.oauth.errors import OAuthError
from shared.unavailable import Unavailable as Unavailable

log = structlog.get_logger()

RETRY_AFTER_S: Final = 2


UNAVAILABLE: Final = (Unavailable, *db.UNAVAILABLE, *valkey.UNAVAILABLE)


def answer_to(error: Exception, identity: str) -> Answer:
    """The answer to a request that ended in `error`; `identity` is the request's."""
    if isinstance(error, OAuthError):
        return _refusal(error)
    if isinstance(error, HTTPException):
        return _http_error(error)
    if isinstance(error, UNAVAILABLE):
        log.warning("unavailable", cause=type(error).__name__)
        return _refusal(OAuthError("temporarily_unavailable", "a part of the service is away; try again"))
    log.error("unexpected error", exc_info=error)
    return _answer(500, "server_error", f"internal error, request {identity}")


def _refusal(error: OAuthError) -> Answer:
    """RFC 6749 §5.2; a 401 names the scheme to use."""
    log.info("refused", error=error.code, reason=error.reason)
    headers = {}
    if error.code == "invalid_client":
        headers["WWW-Authenticate"] = 'Basic realm="mtas"'
    elif error.code in ("invalid_token", "insufficient_scope"):  # RFC 6750 §3
        headers["WWW-Authenticate"] = f'Bearer error="{error.code}", error_description="{error.description}"'
    if error.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return _answer(error.status, error.code, error.description, headers)


def _http_error(error: HTTPException) -> Answer:
    if error.status_code >= 500:
        return _answer(error.status_code, "server_error", "internal error", error.headers)
    return _answer(error.status_code, "invalid_request", error.detail, error.headers)


def _answer(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> Answer:
    body = encode({"error": code, "error_description": description})
    return Answer(status, body, {**(headers or {}), **NO_STORE})


def _handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return to_response(answer_to(error, request_id(request.scope)))


def json_exception_handlers() -> ExceptionHandlersMap:
    """For services whose every answer is JSON. Services with pages render their own."""
    return dict.fromkeys((OAuthError, HTTPException, *UNAVAILABLE, Exception), _handle)
