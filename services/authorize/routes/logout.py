"""`/logout` (OpenID Connect RP-Initiated Logout 1.0) and `/signed-out`."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.logout import Confirm, Return, find_return, logout
from services.authorize.flows.outcome import with_query
from services.authorize.flows.sessions import end_session
from services.authorize.routes.forms import read_form, read_params
from services.authorize.routes.pages import Pages
from services.authorize.routes.web import Web
from shared.http.browser import AnyRequest
from shared.oauth.params import Params
from shared.oauth.types import Tenant


@get("/t/{slug:str}/logout")
async def logout_get(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    params = Params.parse(request.scope["query_string"])
    outcome = await logout(context, tenant, visitor, params)
    if isinstance(outcome, Confirm):
        return _confirm_page(pages, outcome)
    return _signed_out(pages, web, tenant, outcome.back)


@post("/t/{slug:str}/logout", status_code=303)
async def logout_post(request: AnyRequest, pages: NamedDependency[Pages]) -> Response[Any]:
    """A client's form. Over to GET: the session's SameSite=Lax cookie comes with that alone."""
    params = await read_params(request)
    params.refuse_repeated()
    return pages.see_other(with_query(pages.path("logout"), params.as_dict()))


@get("/t/{slug:str}/signed-out")
async def signed_out_page(pages: NamedDependency[Pages]) -> Response[Any]:
    return pages.page("signed_out.html")


@post("/t/{slug:str}/signed-out", status_code=303)
async def sign_out(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    """The user signs out: from their account page, or having been asked."""
    form = await read_form(request, web, tenant, visitor)
    await end_session(context, tenant, visitor.session_token)
    back = await find_return(context, tenant, form.get("client_id"), form)
    return _signed_out(pages, web, tenant, back)


def _signed_out(pages: Pages, web: Web, tenant: Tenant, back: Return | None) -> Response[Any]:
    location = back.location if back else pages.path("signed-out")
    return pages.see_other(location, web.drop_session(tenant))


def _confirm_page(pages: Pages, confirm: Confirm) -> Response[Any]:
    back = confirm.back
    return pages.page(
        "logout.html",
        form_leads_to=(back.post_logout_redirect_uri, *back.client.frontend_origins) if back else (),
        session=confirm.session,
        back=back,
    )
