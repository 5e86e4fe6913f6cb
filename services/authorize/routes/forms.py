"""Read a form that was sent to this browser by us, and by nobody else.

Two defences, either of which is enough: what the browser says about where the form comes from
(Fetch Metadata, Origin), and a token that only a page of ours could carry. Cookies are
SameSite=Lax besides.
"""

import hmac
from typing import Final

from litestar.exceptions import HTTPException, PermissionDeniedException

from services.authorize.flows.context import Visitor
from services.authorize.routes.web import AnyRequest, Web
from shared.oauth.params import Params
from shared.oauth.types import Tenant

FORM_TYPE: Final = "application/x-www-form-urlencoded"
TOKEN_FIELD: Final = "form_token"


async def read_form(request: AnyRequest, web: Web, tenant: Tenant, visitor: Visitor) -> Params:
    """The form's fields, each at most once.

    Raises: PermissionDeniedException for a form that is not ours, OAuthError for one that cannot be read.
    """
    if not _is_from_us(request, web):
        raise PermissionDeniedException(detail="this form was sent from another site")
    form = await read_params(request)
    form.refuse_repeated()
    token = (form.get(TOKEN_FIELD) or "").encode("utf-8")
    if not hmac.compare_digest(token, web.form_token(tenant, visitor).encode("ascii")):
        raise PermissionDeniedException(detail="this form was not sent to this browser, or long ago")
    return form


async def read_params(request: AnyRequest) -> Params:
    """A form-encoded body, whoever sent it. Not Litestar's parser: its cache would keep passwords.

    Raises: HTTPException 415, OAuthError.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise HTTPException(status_code=415, detail=f"the body must be {FORM_TYPE}")
    return Params.parse(await request.body())


def is_cross_site(request: AnyRequest, web: Web) -> bool:
    """Does another site's page send this, so that SameSite=Lax cookies stayed behind?"""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "cross-site"
    return request.headers.get("origin") not in (None, web.origin)


def _is_from_us(request: AnyRequest, web: Web) -> bool:
    """What neither header speaks against is left to the token.

    `Origin: null` says nothing: our own pages send it too, since they tell nobody their address
    (Referrer-Policy: no-referrer; Fetch standard, "append a request Origin header").
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    return request.headers.get("origin") in (None, "null", web.origin)
