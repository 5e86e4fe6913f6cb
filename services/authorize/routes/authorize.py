"""`/t/{tenant}/authorize` (RFC 6749 §3.1): GET and POST, and the way back to it from our own pages."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows.authorize import authorize, resume
from services.authorize.flows.context import Context, Visitor
from services.authorize.routes.forms import is_cross_site, read_params
from services.authorize.routes.pages import Pages
from services.authorize.routes.web import Web
from shared.http.browser import AnyRequest
from shared.oauth.params import Params
from shared.oauth.types import Tenant


@get("/t/{slug:str}/authorize")
async def authorize_get(
    request: AnyRequest,
    context: NamedDependency[Context],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    """A client's request, or a browser that comes back to one (`interaction`, which no client sends)."""
    params = Params.parse(request.scope["query_string"])
    interaction_id = params.get("interaction")
    if interaction_id is not None and params.get("client_id") is None:
        return pages.outcome(await resume(context, tenant, visitor, interaction_id))
    return pages.outcome(await authorize(context, tenant, visitor, params, cross_site_post=False))


@post("/t/{slug:str}/authorize", status_code=303)
async def authorize_post(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    """The same, its parameters in the body (OpenID Connect Core §3.1.2.1).

    Clients send it, so it carries no form token: it changes nothing but an interaction of its own.
    """
    params = await read_params(request)
    start_over = visitor.session_token is None and is_cross_site(request, web)
    return pages.outcome(await authorize(context, tenant, visitor, params, cross_site_post=start_over))
