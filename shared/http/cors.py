"""CORS for the endpoints a browser app calls (Fetch standard §3.2), by tenant.

An origin is allowed when a live client of the tenant has registered it as a frontend origin.
Cookies are never allowed: these endpoints know only bearer tokens and client credentials.
"""

from typing import Any, Final

from litestar import Request, Response

from shared.directory import Directory
from shared.oauth.types import Tenant

PREFLIGHT_MAX_AGE_S: Final = 600


async def cors_headers(
    request: Request[Any, Any, Any], directory: Directory, tenant: Tenant
) -> dict[str, str]:
    """Headers for the actual request; `Vary: Origin` whether or not the origin is allowed."""
    headers = {"Vary": "Origin"}
    origin = request.headers.get("origin")
    if origin and origin in await directory.frontend_origins(tenant.tenant_id):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, X-Request-Id, Retry-After"
    return headers


async def preflight(
    request: Request[Any, Any, Any], directory: Directory, tenant: Tenant, methods: str
) -> Response[None]:
    """The answer to OPTIONS: what an allowed origin may send."""
    headers = await cors_headers(request, directory, tenant)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
        }
    return Response(content=None, status_code=204, headers=headers)
