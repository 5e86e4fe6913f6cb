"""An app's logo on its hosted pages: set it, take it away. Its accent is one of the app's settings."""

from typing import Any, Final, TypeAlias

from litestar import Request, delete, put
from litestar.di import NamedDependency

from services.admin.flows import branding
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.images import MOST_BYTES
from services.admin.flows.refused import Invalid
from services.admin.routes.api.authentication import TAKES
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal

_LOGO: Final = "/apps/{app_id:str}/logo"
IMAGES: Final = ("image/png", "image/jpeg", "image/webp")
GivenUpload: TypeAlias = NamedDependency[bytes]


async def provide_upload(request: Request[Any, Any, Any]) -> bytes:
    """The body as it came: an image is read by `flows.images`, whatever it is called."""
    return await request.body()


@put(
    _LOGO,
    status_code=204,
    scope=ApiScope.APPS_WRITE,
    request_max_body_size=MOST_BYTES,
    opt={TAKES: IMAGES},
    operation_id="set_logo",
    summary="Set an app's logo",
)
async def set_logo(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, upload: GivenUpload
) -> None:
    """The body is the image itself: PNG, JPEG or WebP, up to 512 KiB and 4096 pixels a side. It is encoded
    anew, and made to fit in 256 pixels a side."""
    try:
        await branding.set_logo(context, principal, app_id, upload)
    except Invalid as refusal:  # this body has no fields
        raise Invalid(refusal.errors[0].message) from None


@delete(_LOGO, scope=ApiScope.APPS_WRITE, operation_id="remove_logo", summary="Remove an app's logo")
async def remove_logo(context: GivenContext, principal: GivenPrincipal, app_id: AppId) -> None:
    """Its pages show its name alone."""
    await branding.remove_logo(context, principal, app_id)


ROUTES: Final[list[Any]] = [set_logo, remove_logo]
