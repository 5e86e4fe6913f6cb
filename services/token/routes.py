"""HTTP ⇄ flows. No rules here, no SQL: read the request, call the flow, render the answer.

The token endpoint is in `token_endpoint.py`.
"""

from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath

from services.token.flows import introspection, revocation
from services.token.flows import userinfo as userinfo_flow
from services.token.flows.context import Context
from shared.http.cors import allow_origin, preflight
from shared.http.headers import NO_STORE
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Tenant

_FORM: Final = "application/x-www-form-urlencoded"
AnyRequest: TypeAlias = Request[Any, Any, Any]
InContext: TypeAlias = NamedDependency[Context]
OfTenant: TypeAlias = NamedDependency[Tenant]


async def resolve_tenant(slug: FromPath[str], request: AnyRequest, context: InContext) -> Tenant:
    """The tenant that the path names, and whether the caller's origin may read the answer."""
    tenant = await context.directory.tenant_by_slug(slug)
    if tenant is None:
        raise NotFoundException(detail="no such tenant")
    await allow_origin(request, context.directory, tenant)
    return tenant


@post("/t/{slug:str}/revoke", status_code=200)
async def revoke(request: AnyRequest, context: InContext, tenant: OfTenant) -> Response[bytes]:
    authorization, body = _authorization(request), await _form(request)
    await revocation.revoke(context, tenant, authorization, body)
    return Response(content=b"", media_type="text/plain", headers=NO_STORE)


@post("/t/{slug:str}/introspect", status_code=200)
async def introspect(request: AnyRequest, context: InContext, tenant: OfTenant) -> Response[bytes]:
    authorization, body = _authorization(request), await _form(request)
    return _json(await introspection.introspect(context, tenant, authorization, body))


@get("/t/{slug:str}/userinfo")
async def userinfo(request: AnyRequest, context: InContext, tenant: OfTenant) -> Response[bytes]:
    return await _userinfo(context, tenant, _bearer(request))


@post("/t/{slug:str}/userinfo", status_code=200)
async def userinfo_posted(request: AnyRequest, context: InContext, tenant: OfTenant) -> Response[bytes]:
    """The token in the header, or in a form-encoded body (RFC 6750 §2.2)."""
    in_header = _bearer(request)
    in_body = None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        params = Params.parse(await request.body())
        params.refuse_repeated()  # RFC 6750 §3.1
        in_body = params.get("access_token")
    if in_header and in_body:
        raise OAuthError("invalid_request", "the access token is sent twice")
    return await _userinfo(context, tenant, in_header or in_body)


@route(
    ["/t/{slug:str}/revoke", "/t/{slug:str}/introspect", "/t/{slug:str}/userinfo"],
    http_method=HttpMethod.OPTIONS,
)
async def options(request: AnyRequest, tenant: OfTenant) -> Response[None]:
    return preflight(request, "GET, POST" if request.url.path.endswith("/userinfo") else "POST")


async def _userinfo(context: Context, tenant: Tenant, access_token: str | None) -> Response[bytes]:
    if access_token is None:
        # Without credentials the challenge carries no error code (RFC 6750 §3.1).
        challenge = {**NO_STORE, "WWW-Authenticate": "Bearer"}
        return Response(content=b"", status_code=401, media_type="text/plain", headers=challenge)
    return _json(await userinfo_flow.userinfo(context, tenant, access_token))


async def _form(request: AnyRequest) -> bytes:
    """The body of a form-encoded POST without query parameters (RFC 6749 §3.2)."""
    if request.url.query:
        raise OAuthError("invalid_request", "parameters belong in the body, not in the URL")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(status_code=415, detail=f"the body must be {_FORM}")
    return await request.body()


def _authorization(request: AnyRequest) -> str | None:
    """Raises: OAuthError for a second one: which of them counts is not ours to guess."""
    given = request.headers.getall("authorization", [])
    if len(given) > 1:
        raise OAuthError("invalid_request", "Authorization is sent twice")
    return given[0] if given else None


def _bearer(request: AnyRequest) -> str | None:
    scheme, _, credentials = (_authorization(request) or "").partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None


def _json(content: object) -> Response[bytes]:
    return Response(content=msgspec.json.encode(content), media_type="application/json", headers=NO_STORE)


# OPTIONS first: Litestar makes its own for a path whose first handler is another.
ROUTES: Final = [options, revoke, introspect, userinfo, userinfo_posted]
