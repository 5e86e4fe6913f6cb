"""API tokens of whoever is signed in: the list, making one, which is shown once, revoking."""

from typing import Any, Final

from litestar import Response, get, post

from services.admin.flows import api_tokens, read_apps
from services.admin.flows.access import Principal
from services.admin.flows.api_scope import SAID, ApiScope
from services.admin.flows.api_tokens import CreateApiToken
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.paging import MAX_LIMIT
from services.admin.flows.refused import FieldError, Invalid, NotFound, Refused
from services.admin.routes.dashboard.accounts import Done
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import GivenContext, GivenPrincipal, TokenId

_DAY: Final = 86_400
LIFETIMES: Final = {7 * _DAY: "7 days", 30 * _DAY: "30 days", 90 * _DAY: "90 days", 365 * _DAY: "A year"}
_FOR_EVER: Final = "never"


@get("/api-tokens")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    cursor: Cursor = None,
    done: Done = None,
) -> Response[Any]:
    tokens = await api_tokens.list_api_tokens(context, principal, cursor)
    return page(
        visit,
        "api_tokens.html",
        tokens=tokens,
        now=context.clock(),
        is_first_page=cursor is None,
        done=done,
    )


@get("/create-api-token")
async def show_create(context: GivenContext, visit: GivenVisit, principal: GivenPrincipal) -> Response[Any]:
    form = Form({"expires_in_s": str(90 * _DAY), ApiScope.APPS_READ: "on"})
    return await _create_page(context, visit, principal, form)


@post("/create-api-token", status_code=200)
async def create(context: GivenContext, visit: GivenVisit, principal: GivenPrincipal) -> Response[Any]:
    """The token is in this very answer and in no other."""
    form = visit.form
    try:
        wanted = CreateApiToken(
            name=form.text("name"),
            scope=tuple(scope for scope in ApiScope if form.ticked(scope)),
            developer=str(principal.email),
            app_id=form.text("app_id") or None,
            expires_in_s=None if form.text("expires_in_s") == _FOR_EVER else form.number("expires_in_s"),
        )
        created = await api_tokens.create_api_token(context, await visit.confirmed(context), wanted)
    except (Invalid, ConfirmationNeeded) as refusal:
        return await _create_page(context, visit, principal, form, refusal)
    except NotFound:
        gone = Invalid("Check the fields that are named.", [FieldError("app_id", "Choose one of your apps.")])
        return await _create_page(context, visit, principal, form, gone)
    return page(visit, "api_token_once.html", made=created.api_token, token=created.token.reveal())


@post("/api-tokens/{token_id:uuid}/revoke")
async def revoke(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, token_id: TokenId
) -> Response[Any]:
    await api_tokens.revoke_api_token(context, principal, token_id)
    return see_other(visit, "/dashboard/api-tokens?done=token-revoked")


async def _create_page(
    context: Context, visit: Visit, principal: Principal, form: Form, refusal: Refused | None = None
) -> Response[Any]:
    apps = await read_apps.list_apps(context, principal, limit=MAX_LIMIT)
    return page(
        visit,
        "create_api_token.html",
        form=form,
        refusal=refusal,
        apps=[(app.slug, app.name) for app in apps.items],
        lifetimes=[(str(seconds), words) for seconds, words in LIFETIMES.items()],
        scopes=SAID,
        asks_password=not is_fresh(context, visit.require_principal()),
    )


ROUTES = [list_, show_create, create, revoke]
