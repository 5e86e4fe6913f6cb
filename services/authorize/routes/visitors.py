"""Who is in front of us: the tenant of the path, and the browser of the cookies."""

from typing import Final

from litestar.di import NamedDependency
from litestar.params import FromPath

from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.tenants import find_tenant
from services.authorize.routes.pages import Pages
from services.authorize.routes.web import Web
from shared.http.browser import DEVICE, AnyRequest, Cookies
from shared.http.context import client_address
from shared.oauth.types import Tenant

MAX_USER_AGENT: Final = 400


async def resolve_tenant(
    slug: FromPath[str], request: AnyRequest, context: NamedDependency[Context]
) -> Tenant:
    """The tenant that the path names. Raises: NoSuchTenant, TenantDisabled."""
    tenant = await find_tenant(context, slug)
    request.scope["state"]["tenant"] = tenant  # for the page that says what went wrong
    return tenant


def read_visitor(request: AnyRequest, web: NamedDependency[Web], tenant: NamedDependency[Tenant]) -> Visitor:
    """A browser without our cookie gets a new one's value; `pages` sends it where it is needed."""
    cookies = Cookies(request)
    browser = cookies.get(web.browser_cookie)
    request.scope["state"]["is_new_browser"] = browser is None
    return Visitor(
        browser=browser or web.new_browser(),
        session_token=cookies.get(web.session_cookie(tenant)),
        device=cookies.get(web.device_cookie(tenant), DEVICE),
        address=client_address(request.scope),
        user_agent=request.headers.get("user-agent", "")[:MAX_USER_AGENT],
    )


def pages_for(
    request: AnyRequest,
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
) -> Pages:
    """What a handler answers this visitor with."""
    return Pages(request, web, tenant, visitor)
