"""A forgotten password: `/dashboard/forgot-password`, and `/dashboard/reset-password`, where its link leads.

Following the link changes nothing by itself: its page has a form, since mail programs look at links too.
"""

import math
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows.context import Context
from services.admin.flows.password_links import mail_password_link
from services.admin.flows.refused import Invalid, Refused
from services.admin.flows.reset_password import LinkOver, reset_password, show_password_link
from services.admin.flows.sign_out import sign_out
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import GivenContext
from shared.http.browser import AnyRequest
from shared.languages import Tag
from shared.limits import TooManyTries
from shared.texts import accepted

Token = Annotated[str, QueryParameter(name="token")]


class _Wait(Refused):
    status = 429

    def __init__(self, limit: TooManyTries) -> None:
        super().__init__(f"Too many tries. Wait {math.ceil(limit.retry_after_s / 60)} min, then try again.")
        self.headers = {"Retry-After": str(limit.retry_after_s)}


@get("/forgot-password")
async def show_forgot(context: GivenContext, visit: GivenVisit) -> Response[Any]:
    return _forgot_page(context, visit)


@post("/forgot-password", status_code=200)
async def forgot(context: GivenContext, visit: GivenVisit, request: AnyRequest) -> Response[Any]:
    """The same answer for every address."""
    if context.mailer is None:
        return _forgot_page(context, visit)
    email = visit.form.text("email")
    try:
        await mail_password_link(context, email, _language(context, request), address=visit.address)
    except Invalid as refusal:
        return _forgot_page(context, visit, refusal)
    except TooManyTries as limit:
        return _forgot_page(context, visit, _Wait(limit))
    return page(visit, "check_mail.html", form=visit.form, email=email)


@get("/reset-password")
async def show_reset(context: GivenContext, visit: GivenVisit, token: Token = "") -> Response[Any]:
    return await _reset_page(context, visit, Form({"token": token}))


@post("/reset-password")
async def reset(context: GivenContext, visit: GivenVisit, request: AnyRequest) -> Response[Any]:
    """Whoever was signed in here is not any more, and signs in with the new password."""
    form = visit.form
    try:
        device = await reset_password(
            context,
            form.text("token"),
            form.raw("password"),
            _language(context, request),
            address=visit.address,
            device=visit.device,
        )
    except LinkOver as refusal:
        return _over(visit, refusal)
    except Invalid as refusal:
        return await _reset_page(context, visit, form, refusal)
    except TooManyTries as limit:
        return await _reset_page(context, visit, form, _Wait(limit))
    if visit.session_token is not None:
        await sign_out(context, visit.session_token)
    visit.signed_out()
    visit.knows_device(device)
    return see_other(visit, "/dashboard/sign-in?done=password-reset")


def _forgot_page(context: Context, visit: Visit, refusal: Refused | None = None) -> Response[Any]:
    return page(
        visit,
        "forgot_password.html",
        form=visit.form,
        refusal=refusal,
        headers=refusal.headers if isinstance(refusal, _Wait) else None,
        is_mailed=context.mailer is not None,
    )


async def _reset_page(
    context: Context, visit: Visit, form: Form, refusal: Refused | None = None
) -> Response[Any]:
    try:
        link = await show_password_link(context, form.text("token"))
    except LinkOver as over:
        return _over(visit, over)
    return page(
        visit,
        "reset_password.html",
        form=form,
        refusal=refusal,
        headers=refusal.headers if isinstance(refusal, _Wait) else None,
        email=link.email,
    )


def _over(visit: Visit, refusal: LinkOver) -> Response[Any]:
    return page(visit, "password_link_over.html", refusal=refusal)


def _language(context: Context, request: AnyRequest) -> Tag:
    """Of the mail, from `Accept-Language`: the pages themselves are in English."""
    chosen = context.texts.choose(accepted(request.headers.get("accept-language", "")))
    return "de" if chosen == "de" else "en"


ROUTES = [show_forgot, forgot, show_reset, reset]
