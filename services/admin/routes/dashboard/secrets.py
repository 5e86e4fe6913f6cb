"""Rotate a client's secret: choose the overlap, see the new one once."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from services.admin.flows import read_apps
from services.admin.flows.access import Principal, Right
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, Invalid, Refused
from services.admin.flows.rotate_secret import DEFAULT_OVERLAP_S, RotateSecret, rotate_secret
from services.admin.routes.dashboard.apps import secret_page
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, ClientId, GivenContext, GivenPrincipal

_ROTATE = "/apps/{app_id:str}/clients/{client_id:str}/rotate-secret"
OVERLAPS = {
    0: "End it now: it has leaked, or nobody uses it",
    3_600: "1 hour",
    86_400: "24 hours",
    604_800: "7 days",
    2_592_000: "30 days",
}


@get(_ROTATE)
async def show(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
) -> Response[Any]:
    return await _page(context, visit, principal, app_id, client_id)


@post(_ROTATE, status_code=200)
async def rotate(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    client_id: ClientId,
) -> Response[Any]:
    form = visit.form
    try:
        rotated = await rotate_secret(
            context,
            await visit.confirmed(context),
            app_id,
            client_id,
            RotateSecret(overlap_s=form.number("overlap_s")),
            only_if_current=_secret_id(form),
        )
    except (Invalid, Conflict, ConfirmationNeeded) as refusal:
        overlap_s = form.raw("overlap_s")
        return await _page(context, visit, principal, app_id, client_id, overlap_s=overlap_s, refusal=refusal)
    return secret_page(
        context,
        visit,
        f"New secret for {rotated.client.name}",
        rotated.app,
        rotated.client,
        rotated.secret,
        former_expires_at=rotated.former_expires_at,
    )


def _secret_id(form: Form) -> UUID | None:
    try:
        return UUID(form.text("current"))
    except ValueError:
        return None


async def _page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    client_id: str,
    *,
    overlap_s: str = str(DEFAULT_OVERLAP_S),
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await read_apps.show_client(context, principal, app_id, client_id, Right.CHANGE)
    current = next((str(secret.secret_id) for secret in shown.secrets if secret.expires_at is None), "")
    # After a conflict too: whoever reads that it was rotated and goes on, means the one that is there now.
    return page(
        visit,
        "rotate_secret.html",
        form=Form({"overlap_s": overlap_s, "current": current}),
        refusal=refusal,
        app=shown.app,
        client=shown.client,
        secrets=shown.secrets,
        rights=shown.rights,
        overlaps=OVERLAPS,
        asks_password=not is_fresh(context, visit.require_principal()),
        section="clients",
    )


ROUTES = [show, rotate]
