"""Sign up (once), sign in, sign out."""

import math
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows.refused import Invalid
from services.admin.flows.sign_in import sign_in as sign_in_flow
from services.admin.flows.sign_out import sign_out as sign_out_flow
from services.admin.flows.sign_up_developer import SignUpClosed, is_open, sign_up_developer
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit, is_page
from services.admin.routes.given import GivenContext
from shared.limits import TooManyTries

Next = Annotated[str | None, QueryParameter(name="next")]
Done = Annotated[str | None, QueryParameter()]


@get("/sign-up")
async def show_sign_up(context: GivenContext, visit: GivenVisit) -> Response[Any]:
    if visit.principal is not None:
        return see_other(visit, "/dashboard")
    if not await is_open(context):
        return _closed(visit, SignUpClosed())
    return page(visit, "sign_up.html")


@post("/sign-up")
async def sign_up(context: GivenContext, visit: GivenVisit) -> Response[Any]:
    form = visit.form
    try:
        session = await sign_up_developer(
            context,
            form.text("email"),
            form.raw("password"),
            form.text("setup_token"),
            address=visit.address,
            device=visit.device,
        )
    except SignUpClosed as refusal:
        return _closed(visit, refusal)
    except Invalid as refusal:
        return page(visit, "sign_up.html", form=form, refusal=refusal)
    except TooManyTries as limit:
        return _wait(visit, "sign_up.html", limit)
    visit.signed_in(session)
    return see_other(visit, "/dashboard")


@get("/sign-in")
async def show_sign_in(
    context: GivenContext, visit: GivenVisit, next_: Next = None, done: Done = None
) -> Response[Any]:
    if visit.principal is not None:
        return see_other(visit, _own_page(next_))
    if await is_open(context):
        return see_other(visit, "/dashboard/sign-up")
    return page(visit, "sign_in.html", form=Form({"next": _own_page(next_)}), done=done)


@post("/sign-in")
async def sign_in(context: GivenContext, visit: GivenVisit) -> Response[Any]:
    form = visit.form
    try:
        session = await sign_in_flow(
            context, form.text("email"), form.raw("password"), address=visit.address, device=visit.device
        )
    except Invalid as refusal:
        return page(visit, "sign_in.html", form=form, refusal=refusal)
    except TooManyTries as limit:
        return _wait(visit, "sign_in.html", limit)
    if visit.session_token is not None:
        await sign_out_flow(context, visit.session_token)  # the session from before ends here
    visit.signed_in(session)
    return see_other(visit, _own_page(form.raw("next")))


@post("/sign-out")
async def sign_out(context: GivenContext, visit: GivenVisit) -> Response[Any]:
    if visit.session_token is not None:
        await sign_out_flow(context, visit.session_token)
    visit.signed_out()
    return see_other(visit, "/dashboard/sign-in?done=signed-out")


def _closed(visit: Visit, refusal: SignUpClosed) -> Response[Any]:
    return page(visit, "sign_up_closed.html", refusal=refusal)


class _Wait(Invalid):
    status = 429


def _wait(visit: Visit, template: str, limit: TooManyTries) -> Response[Any]:
    """The form again, with how long to wait; nobody looked at what was typed."""
    seconds = limit.retry_after_s
    how_long = f"{seconds} seconds" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"
    return page(
        visit,
        template,
        form=visit.form,
        refusal=_Wait(f"Too many tries. Wait {how_long}, then try again."),
        headers={"Retry-After": str(seconds)},
    )


def _own_page(path: str | None) -> str:
    return path if path and is_page(path) else "/dashboard"


ROUTES = [show_sign_up, sign_up, show_sign_in, sign_in, sign_out]
