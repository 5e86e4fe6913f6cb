"""Public documents, cacheable, readable from registered frontend origins."""

from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response, get, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from services.jwks.flows.context import Context
from services.jwks.flows.discovery import metadata
from services.jwks.flows.fetches import client_name
from shared.http.cors import allow_origin, preflight
from shared.http.errors import Unavailable
from shared.oauth.types import Tenant

AnyRequest: TypeAlias = Request[Any, Any, Any]
InContext: TypeAlias = NamedDependency[Context]
OfTenant: TypeAlias = NamedDependency[Tenant]

JWKS_PATH: Final = "/t/{slug:str}/jwks.json"
METADATA_PATHS: Final = [
    "/t/{slug:str}/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/{slug:str}",  # RFC 8414 §3.1 inserts before the path
]


async def resolve_tenant(slug: FromPath[str], request: AnyRequest, context: InContext) -> Tenant:
    tenant = await context.directory.tenant_by_slug(slug)
    if tenant is None:
        raise NotFoundException(detail="no such tenant")
    await allow_origin(request, context.directory, tenant)
    return tenant


@get(JWKS_PATH)
async def jwks(request: AnyRequest, context: InContext, tenant: OfTenant) -> Response[bytes]:
    document = await context.published.document(tenant.tenant_id)
    if document is None:
        raise Unavailable
    client = client_name(request.headers.get("x-mtas-client"), request.headers.get("user-agent"))
    context.fetches.note(tenant.tenant_id, document, client, context.clock())
    return _cacheable(request, context, document.body, document.etag, "application/jwk-set+json")


@get(METADATA_PATHS)
async def discovery(request: AnyRequest, context: InContext, tenant: OfTenant) -> Response[bytes]:
    algs = await context.published.algs(tenant.tenant_id)
    return _cacheable(request, context, msgspec.json.encode(metadata(tenant, algs)), None, "application/json")


@route([JWKS_PATH, *METADATA_PATHS], http_method=HttpMethod.OPTIONS)
async def options(request: AnyRequest, tenant: OfTenant) -> Response[None]:
    return preflight(request, "GET")


def _cacheable(
    request: AnyRequest, context: Context, body: bytes, etag: str | None, media_type: str
) -> Response[bytes]:
    headers = {"Cache-Control": f"public, max-age={context.jwks_max_age_s}"}
    if etag is not None:
        headers["ETag"] = etag
        if etag in request.headers.get("if-none-match", ""):
            return Response(content=b"", status_code=304, headers=headers)
    return Response(content=body, media_type=media_type, headers=headers)


# OPTIONS first: Litestar makes its own for a path whose first handler is another.
ROUTES: Final = [options, jwks, discovery]
