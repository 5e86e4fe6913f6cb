"""An app's settings: name, sign-up, lifetimes; disable it, with its appId typed, and enable it."""

from typing import Any, Final

from litestar import Response, get, post

from services.admin.flows import disable_app, read_apps
from services.admin.flows.access import Principal, Right
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.refused import FieldError, Invalid, Refused
from services.admin.flows.update_app import LIFETIMES, UpdateApp, update_app
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from shared.pages.durations import say_duration

TICKS: Final = ("sign_up_enabled", "verified_email_required")


@get("/apps/{app_id:str}/settings")
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    done: Done = None,
) -> Response[Any]:
    return await _page(context, visit, principal, app_id, "settings.html", done=done)


@post("/apps/{app_id:str}/settings")
async def save(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    form = visit.form
    try:
        lifetimes: dict[str, Any] = {**form.durations(*LIFETIMES)}
        wanted = UpdateApp(
            name=form.text("name"),
            sign_up_enabled=form.ticked("sign_up_enabled"),
            verified_email_required=form.ticked("verified_email_required"),
            **lifetimes,
        )
        await update_app(context, principal, app_id, wanted)
    except Invalid as refusal:
        return await _page(context, visit, principal, app_id, "settings.html", form=form, refusal=refusal)
    return see_other(visit, f"/dashboard/apps/{app_id}/settings?done=saved")


@get("/apps/{app_id:str}/disable")
async def show_disable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    return await _page(context, visit, principal, app_id, "disable_app.html", form=Form(), right=Right.OWN)


@post("/apps/{app_id:str}/disable")
async def disable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    try:
        _check_typed(visit.form, app_id)
        await disable_app.disable_app(context, await visit.confirmed(context), app_id)
    except (Invalid, ConfirmationNeeded) as refusal:
        return await _page(
            context,
            visit,
            principal,
            app_id,
            "disable_app.html",
            form=visit.form,
            refusal=refusal,
            right=Right.OWN,
        )
    return see_other(visit, f"/dashboard/apps/{app_id}?done=app-disabled")


@post("/apps/{app_id:str}/enable")
async def enable(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
) -> Response[Any]:
    await disable_app.enable_app(context, principal, app_id)
    return see_other(visit, f"/dashboard/apps/{app_id}?done=app-enabled")


def _check_typed(form: Form, app_id: str) -> None:
    if form.text("confirmation") != app_id:
        error = FieldError("confirmation", f"Type {app_id} to confirm.")
        raise Invalid("The app was not disabled.", [error])


async def _page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    template: str,
    *,
    form: Form | None = None,
    refusal: Refused | None = None,
    done: str | None = None,
    right: Right = Right.VIEW,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id, right)
    if form is None:
        fields = {field: say_duration(getattr(shown.app, field)) for field in LIFETIMES}
        form = Form(
            {"name": shown.app.name} | fields | {field: "on" for field in TICKS if getattr(shown.app, field)}
        )
    return page(
        visit,
        template,
        form=form,
        refusal=refusal,
        done=done,
        app=shown.app,
        rights=shown.rights,
        lifetimes=LIFETIMES,
        asks_password=not is_fresh(context, visit.require_principal()),
        section="settings",
    )


ROUTES = [show, save, show_disable, disable, enable]
