"""`/internal`: what one service asks of another, on a service's own port; the gateway routes none of it.

JSON in and out; errors as `application/problem+json` (RFC 9457).
"""

import hmac
from typing import Any

import msgspec
from litestar import Response
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from shared.http.headers import NO_STORE
from shared.secret import Secret


def bearer_guard(token: Secret) -> Guard:
    """Only who presents the token, compared in constant time."""
    expected = f"Bearer {token.reveal()}".encode()

    def require_token(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        presented = connection.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(presented, expected):
            raise NotAuthorizedException(
                detail="a bearer token is needed", headers={"WWW-Authenticate": "Bearer"}
            )

    return require_token


def problem(
    status: int, title: str, detail: str | None = None, *, headers: dict[str, str] | None = None, **more: Any
) -> Response[bytes]:
    """RFC 9457. `detail` never repeats what was sent."""
    content = {"type": "about:blank", "title": title, "status": status, **more}
    if detail is not None:
        content["detail"] = detail
    response = json_response(status, content, "application/problem+json")
    response.headers.update(headers or {})
    return response


def json_response(status: int, content: object, media_type: str = "application/json") -> Response[bytes]:
    return Response(
        content=msgspec.json.encode(content),
        status_code=status,
        media_type=media_type,
        headers=dict(NO_STORE),
    )
