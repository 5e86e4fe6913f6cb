"""Who calls the API, by a bearer token (RFC 6750 §2.1), and whether it may do what it asks (§3.1)."""

import hashlib
import hmac
from functools import partial
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from services.admin.flows import api_tokens
from services.admin.flows.access import OPERATOR, Principal, Recognise
from services.admin.flows.context import Context
from services.admin.flows.refused import InsufficientScope, Unauthenticated
from shared.secret import Secret

Connection = ASGIConnection[Any, Any, Any, Any]


def bearer_guard(context: Context, operator_token: Secret) -> Guard:
    """Runs before anything of the request is read. Raises: Unauthenticated, InsufficientScope."""
    expected = _digest(operator_token.reveal())

    async def authenticate(connection: Connection, handler: BaseRouteHandler) -> None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        principal = None
        if scheme.lower() == "bearer":
            principal = await _principal(context, token.strip(), expected)
        if principal is None:
            raise Unauthenticated("Send an API token that is live: Authorization: Bearer mtas_at_…")
        needed = str(handler.opt["scope"])  # the router has seen to it that every handler names one
        if not principal.holds(needed):
            raise InsufficientScope(needed)
        connection.scope["state"] |= {
            "principal": principal,
            "recognise": partial(_principal, context, token.strip(), expected),
        }

    return authenticate


async def _principal(context: Context, token: str, operator: bytes) -> Principal | None:
    if hmac.compare_digest(_digest(token), operator):
        return OPERATOR
    return await api_tokens.get_principal(context, token)


TAKES: Final = "takes"
"""A handler with this option takes bodies of these media types, and not JSON."""


def json_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """A body is JSON, or what the handler takes, and says so. Raises: HTTPException 415."""
    if connection.headers.get("content-length", "0") == "0" and "transfer-encoding" not in connection.headers:
        return
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    taken = handler.opt.get(TAKES, ("application/json",))
    if media_type not in taken:
        raise HTTPException(status_code=415, detail=f"Send it with Content-Type: {' or '.join(taken)}")


async def provide_principal(request: Connection) -> Principal:
    """Who the guard found."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


async def provide_recognise(request: Connection) -> Recognise:
    """For what takes longer than one look: the guard's look once more."""
    recognise: Recognise = request.scope["state"]["recognise"]
    return recognise


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
