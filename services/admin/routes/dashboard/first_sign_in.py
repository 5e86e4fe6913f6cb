"""The page that waits for an app's first sign-in, and fixes what stands in its way."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import first_sign_in
from services.admin.flows.access import Principal
from services.admin.flows.confirm_identity import ConfirmationNeeded
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, Invalid, Refused
from services.admin.flows.update_client import UpdateClient, update_client
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import app_url
from services.admin.routes.dashboard.confirmation import asks_again, confirmation_page
from services.admin.routes.dashboard.frameworks import chosen
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal

_PAGE = "/apps/{app_id:str}/first-sign-in"
Choice = Annotated[str | None, QueryParameter(name="framework")]


@get(_PAGE)
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    framework: Choice = None,
    done: Done = None,
) -> Response[Any]:
    """Polled by its own script, which takes the part that changes out of the answer."""
    return await _page(context, visit, principal, app_id, framework, done=done)


@post(_PAGE + "/add-callback")
async def add_callback(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    form = visit.form
    try:
        await first_sign_in.add_callback(
            context, await visit.confirmed(context), app_id, form.raw("client_id"), form.raw("redirect_uri")
        )
    except (Conflict, Invalid, ConfirmationNeeded) as refusal:
        if asks_again(refusal):
            return confirmation_page(visit, refusal, back=_here(visit, app_id))
        return await _page(context, visit, principal, app_id, form.raw("framework"), refusal=refusal)
    return _back(visit, app_id, "callback-added")


@post(_PAGE + "/exempt-from-pkce")
async def exempt(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    form = visit.form
    try:
        await update_client(
            context,
            await visit.confirmed(context),
            app_id,
            form.raw("client_id"),
            UpdateClient(pkce_required=False),
        )
    except (Invalid, ConfirmationNeeded) as refusal:
        if asks_again(refusal):
            return confirmation_page(visit, refusal, back=_here(visit, app_id))
        return await _page(context, visit, principal, app_id, form.raw("framework"), refusal=refusal)
    return _back(visit, app_id, "saved")


def _back(visit: Visit, app_id: str, done: str) -> Response[Any]:
    return see_other(visit, f"{_here(visit, app_id)}&done={done}")


def _here(visit: Visit, app_id: str) -> str:
    framework = chosen(visit.form.raw("framework")).key
    return f"/dashboard/apps/{app_id}/first-sign-in?framework={framework}"


async def _page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    framework: str | None,
    *,
    refusal: Refused | None = None,
    done: str | None = None,
) -> Response[Any]:
    progress = await first_sign_in.show_progress(context, principal, app_id)
    return page(
        visit,
        "first_sign_in.html",
        refusal=refusal,
        done=done,
        app=progress.app,
        rights=progress.rights,
        progress=progress,
        framework=chosen(framework),
        app_url=app_url(progress.client.redirect_uris),
        section="first-sign-in",
    )


ROUTES = [show, add_callback, exempt]
