"""How an app's hosted pages look: its logo and accent."""

from typing import Any

from litestar import Response, get, post

from services.admin.flows import branding, read_apps
from services.admin.flows.access import Principal
from services.admin.flows.context import Context
from services.admin.flows.images import MOST_BYTES
from services.admin.flows.refused import Invalid, Refused
from services.admin.flows.update_app import UpdateApp, update_app
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.forms import UPLOAD, Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from shared.pages.colour import accent_of

_PAGE = "/apps/{app_id:str}/branding"
_WITH_PARTS = MOST_BYTES + 4096


@get(_PAGE)
async def show(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId, done: Done = None
) -> Response[Any]:
    return await _page(context, visit, principal, app_id, done=done)


@post(_PAGE)
async def save(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    form = visit.form
    try:
        accent = form.text("accent").lower() or None
        await update_app(context, principal, app_id, UpdateApp(accent=accent))
    except Invalid as refusal:
        return await _page(context, visit, principal, app_id, form=form, refusal=refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/branding?done=saved")


@post(_PAGE + "/logo", request_max_body_size=_WITH_PARTS, opt={UPLOAD: True})
async def set_logo(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    try:
        await branding.set_logo(context, principal, app_id, visit.form.upload)
    except Invalid as refusal:
        return await _page(context, visit, principal, app_id, refusal=refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/branding?done=saved")


@post(_PAGE + "/remove-logo")
async def remove_logo(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    await branding.remove_logo(context, principal, app_id)
    return see_other(visit, f"/dashboard/apps/{app_id}/branding?done=saved")


async def _page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    *,
    form: Form | None = None,
    refusal: Refused | None = None,
    done: str | None = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    app = shown.app
    return page(
        visit,
        "branding.html",
        form=form or Form({"accent": app.accent or ""}),
        refusal=refusal,
        done=done,
        app=app,
        rights=shown.rights,
        accent=accent_of(app.accent) if app.accent else None,
        most_kib=MOST_BYTES // 1024,
        section="branding",
    )


ROUTES = [show, save, set_logo, remove_logo]
