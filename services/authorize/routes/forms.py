"""Read a form that was sent to this browser by us, and by nobody else (`shared.http.browser`)."""

from litestar.exceptions import HTTPException, PermissionDeniedException

from services.authorize.flows.context import Visitor
from services.authorize.routes.web import Web
from shared.http.browser import FORM_TYPE, TOKEN_FIELD, AnyRequest, is_form, is_token
from shared.oauth.params import Params
from shared.oauth.types import Tenant


async def read_form(request: AnyRequest, web: Web, tenant: Tenant, visitor: Visitor) -> Params:
    """The form's fields, each at most once.

    Raises: PermissionDeniedException for a form that is not ours, OAuthError for one that cannot be read.
    """
    if not web.may_have_sent(request):
        raise PermissionDeniedException(detail="this form was sent from another site")
    form = await read_params(request)
    form.refuse_repeated()
    if not is_token(form.get(TOKEN_FIELD) or "", web.form_token(tenant, visitor)):
        raise PermissionDeniedException(detail="this form was not sent to this browser, or long ago")
    return form


async def read_params(request: AnyRequest) -> Params:
    """A form-encoded body, whoever sent it. Not Litestar's parser: its cache would keep passwords.

    Raises: HTTPException 415, OAuthError.
    """
    if not is_form(request):
        raise HTTPException(status_code=415, detail=f"the body must be {FORM_TYPE}")
    return Params.parse(await request.body())


def is_cross_site(request: AnyRequest, web: Web) -> bool:
    """Does another site's page send this, so that SameSite=Lax cookies stayed behind?"""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "cross-site"
    return request.headers.get("origin") not in (None, web.origin)
