"""CORS for the endpoints a browser app calls (Fetch standard §3.2), by tenant.

An origin is allowed when a live client of the tenant has registered it as a frontend origin.
Cookies are never allowed: these endpoints know only bearer tokens and client credentials.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from shared.db import UNAVAILABLE
from shared.directory import Directory
from shared.oauth.types import Tenant

PREFLIGHT_MAX_AGE_S: Final = 600
_REFUSED: Final = {"Vary": "Origin"}


async def cors_headers(origin: str | None, directory: Directory, tenant: Tenant) -> Mapping[str, str]:
    """What to send with whatever the answer is."""
    if not origin:
        return _REFUSED
    # With the database away we cannot tell, and then the answer is no; it is not an outage.
    with suppress(*UNAVAILABLE):
        if origin in await directory.frontend_origins(tenant.tenant_id):
            return {
                "Vary": "Origin",
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Expose-Headers": "WWW-Authenticate, X-Request-Id, Retry-After",
            }
    return _REFUSED


def preflight_headers(decided: Mapping[str, str], methods: str) -> dict[str, str]:
    """On the answer to OPTIONS, an empty 204: what an allowed origin may send."""
    if "Access-Control-Allow-Origin" not in decided:
        return {}
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
    }


async def allow_origin(request: Request[Any, Any, Any], directory: Directory, tenant: Tenant) -> None:
    """Decide for this request; `add_cors_headers` sends the decision with whatever the answer is."""
    origin = request.headers.get("origin")
    request.scope["state"]["cors"] = await cors_headers(origin, directory, tenant)


async def add_cors_headers(message: Message, scope: Scope) -> None:
    """Litestar's `before_send`: headers on answers and on errors alike."""
    if message["type"] == "http.response.start" and "cors" in scope["state"]:
        headers = MutableScopeHeaders.from_message(message)
        for name, value in scope["state"]["cors"].items():
            headers.add(name, value)


def preflight(request: Request[Any, Any, Any], methods: str) -> Response[None]:
    """The answer to OPTIONS, after `allow_origin`."""
    headers = preflight_headers(request.scope["state"]["cors"], methods)
    return Response(content=None, status_code=204, headers=headers)
