"""An app's own logo and accent, among the assets of its pages (both set at the dashboard)."""

from typing import Annotated, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter

from services.authorize import store
from services.authorize.flows.context import Context
from shared.oauth.types import Tenant
from shared.pages.colour import accent_of

Version = Annotated[str | None, QueryParameter(name="v")]
_KEPT: Final = "public, max-age=31536000, immutable"
_AS_IT_IS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_STYLE: Final = """\
:root {{ --accent: {0.light}; --on-accent: {0.on_light}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --accent: {0.dark}; --on-accent: {0.on_dark}; }} }}
"""


def logo_url(tenant: Tenant) -> str:
    return f"/t/{tenant.slug}/assets/logo?v={tenant.logo}"


def accent_url(tenant: Tenant) -> str:
    """Of a stylesheet: the policy of our pages lets no style stand in them."""
    return f"/t/{tenant.slug}/assets/accent.css?v={(tenant.accent or '')[1:]}"


@get("/t/{slug:str}/assets/logo")
async def logo(
    context: NamedDependency[Context], tenant: NamedDependency[Tenant], version: Version = None
) -> Response[bytes]:
    found = None
    if tenant.logo is not None:
        async with context.database.tenant(tenant.tenant_id) as connection:
            found = await store.get_logo(connection, tenant.tenant_id, tenant.logo)
    if found is None:
        raise NotFoundException(detail="no logo")
    media_type, content = found
    return Response(content, media_type=media_type, headers=_headers(version == tenant.logo))


@get("/t/{slug:str}/assets/accent.css", sync_to_thread=False)
def accent(tenant: NamedDependency[Tenant], version: Version = None) -> Response[bytes]:
    if tenant.accent is None:
        raise NotFoundException(detail="no accent")
    style = _STYLE.format(accent_of(tenant.accent)).encode("ascii")
    return Response(style, media_type="text/css", headers=_headers(version == tenant.accent[1:]))


def _headers(is_kept: bool) -> dict[str, str]:
    return {**_AS_IT_IS, "Cache-Control": _KEPT if is_kept else "no-store"}
