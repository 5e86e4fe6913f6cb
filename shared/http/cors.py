"""CORS for the endpoints a browser app calls (Fetch standard §3.2), by tenant.

An origin is allowed when a live client of the tenant has registered it as a frontend origin.
Cookies are never allowed: these endpoints know only bearer tokens and client credentials.
"""

from contextlib import suppress
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from shared.db import UNAVAILABLE
from shared.directory import Directory
from shared.oauth.types import Tenant

PREFLIGHT_MAX_AGE_S: Final = 600


async def allow_origin(request: Request[Any, Any, Any], directory: Directory, tenant: Tenant) -> None:
    """Decide for this request; `add_cors_headers` sends the decision with whatever the answer is."""
    origin = request.headers.get("origin")
    allowed = False
    if origin:
        # With the database away we cannot tell, and then the answer is no; it is not an outage.
        with suppress(*UNAVAILABLE):
            allowed = origin in await directory.frontend_origins(tenant.tenant_id)
    request.scope["state"]["cors_origin"] = origin if allowed else None


async def add_cors_headers(message: Message, scope: Scope) -> None:
    """Litestar's `before_send`: headers on answers and on errors alike."""
    if message["type"] != "http.response.start" or "cors_origin" not in scope["state"]:
        return
    headers = MutableScopeHeaders.from_message(message)
    headers.add("Vary", "Origin")
    if (origin := scope["state"]["cors_origin"]) is not None:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, X-Request-Id, Retry-After"


def preflight(request: Request[Any, Any, Any], methods: str) -> Response[None]:
    """The answer to OPTIONS, after `allow_origin`: what an allowed origin may send."""
    headers = {}
    if request.scope["state"].get("cors_origin") is not None:
        headers = {
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
        }
    return Response(content=None, status_code=204, headers=headers)
