"""Who is in front of us: the tenant of the path, and the browser of the cookies."""

import re
from collections.abc import Iterator
from typing import Final

from litestar.di import NamedDependency
from litestar.params import FromPath

from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.tenants import find_tenant
from services.authorize.routes.pages import Pages
from services.authorize.routes.web import AnyRequest, Web
from shared.http.context import client_address
from shared.oauth.types import Tenant
from shared.secret import b64url

MAX_USER_AGENT: Final = 400
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{22,200}")


async def resolve_tenant(
    slug: FromPath[str], request: AnyRequest, context: NamedDependency[Context]
) -> Tenant:
    """The tenant that the path names. Raises: NoSuchTenant, TenantDisabled."""
    tenant = await find_tenant(context, slug)
    request.scope["state"]["tenant"] = tenant  # for the page that says what went wrong
    return tenant


def read_visitor(request: AnyRequest, web: NamedDependency[Web], tenant: NamedDependency[Tenant]) -> Visitor:
    """A browser without our cookie gets a new one's value; `pages` sends it where it is needed."""
    cookies = _Cookies(request)
    browser = cookies.get(web.browser_cookie)
    request.scope["state"]["is_new_browser"] = browser is None
    return Visitor(
        browser=browser or b64url(web.entropy(32)),
        session_token=cookies.get(web.session_cookie(tenant)),
        device=cookies.get(web.device_cookie(tenant), _DEVICE),
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


class _Cookies:
    """The request's cookies. Anything not of our own form, or two of a name, is none.

    Not Litestar's parser, whose cache would keep what it has parsed, sessions included, in memory.
    """

    def __init__(self, request: AnyRequest) -> None:
        self._pairs = list(_pairs(request.headers.getall("cookie", [])))

    def get(self, name: str, form: re.Pattern[str] = _TOKEN) -> str | None:
        values = [value for key, value in self._pairs if key == name]
        return values[0] if len(values) == 1 and form.fullmatch(values[0]) else None


def _pairs(headers: list[str]) -> Iterator[tuple[str, str]]:
    for header in headers:
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            yield name, value
