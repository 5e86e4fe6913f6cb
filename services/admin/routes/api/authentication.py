"""Who calls the API: the operator, by a bearer token (RFC 6750 §2.1)."""

import hashlib
import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from services.admin.flows.access import OPERATOR, Principal
from services.admin.flows.refused import Unauthenticated
from shared.secret import Secret

Connection = ASGIConnection[Any, Any, Any, Any]


def bearer_guard(operator_token: Secret) -> Guard:
    """Runs before anything of the request is read. Raises: Unauthenticated.

    Scoped API tokens will be looked up here, by hash, and give their own principal.
    """
    expected = _digest(operator_token.reveal())

    def authenticate(connection: Connection, _handler: BaseRouteHandler) -> None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(token.strip()), expected):
            raise Unauthenticated("Send the API token: Authorization: Bearer mtas_at_…")
        connection.scope["state"]["principal"] = OPERATOR

    return authenticate


def json_only(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A body is JSON and says so. Raises: HTTPException 415."""
    if connection.headers.get("content-length", "0") == "0" and "transfer-encoding" not in connection.headers:
        return
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(status_code=415, detail="Send JSON, with Content-Type: application/json")


async def provide_principal(request: Connection) -> Principal:
    """Who the guard found."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
