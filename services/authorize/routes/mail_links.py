"""`/forgot`, `/reset`, `/verify`, `/verify-again`: mails with a link, and the pages that links lead to.

Following a link changes nothing by itself: its page has a form, since mail programs look at links too.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows import email_address
from services.authorize.flows.mail_links import LinkGone, ask_for_link, find_link
from services.authorize.flows.mailing import Purpose, mailer_of
from services.authorize.flows.reset_password import reset_password
from services.authorize.flows.users import NO_EMAIL_ADDRESS, InvalidUser
from services.authorize.flows.verify_email import verify_email
from services.authorize.routes.here import Here
from services.authorize.routes.words import too_many_tries
from shared.limits import TooManyTries
from shared.oauth.params import Params
from shared.text import Text


@get("/t/{slug:str}/forgot")
async def forgot_page(here: NamedDependency[Here]) -> Response[Any]:
    mailer_of(here.context)
    waiting = await here.waiting(here.query)
    return here.pages.page("forgot.html", waiting=waiting, email="", errors={}, failure=None)


@post("/t/{slug:str}/forgot", status_code=200)
async def forgot(here: NamedDependency[Here]) -> Response[Any]:
    """The same answer for every address."""
    return await _ask(here, "reset_password", "forgot.html")


@get("/t/{slug:str}/verify-again")
async def verify_again_page(here: NamedDependency[Here]) -> Response[Any]:
    mailer_of(here.context)
    waiting = await here.waiting(here.query)
    session = await here.session()
    email = session.email if session else ""
    return here.pages.page("verify_again.html", waiting=waiting, email=email, errors={}, failure=None)


@post("/t/{slug:str}/verify-again", status_code=200)
async def verify_again(here: NamedDependency[Here]) -> Response[Any]:
    return await _ask(here, "verify_email", "verify_again.html")


@get("/t/{slug:str}/reset")
async def reset_page(here: NamedDependency[Here]) -> Response[Any]:
    return await _reset(here, here.query.get("token") or "")


@post("/t/{slug:str}/reset", status_code=303)
async def reset(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    token, password = form.get("token") or "", form.get("password") or ""
    try:
        mailing = here.mailing(None)
        link, device = await reset_password(here.context, here.tenant, here.visitor, token, password, mailing)
    except LinkGone:
        return link_gone(here, "forgot")
    except InvalidUser as error:
        return await _reset(here, token, error.errors)
    interaction_id = await here.still_waiting(link.interaction_id)
    location = here.pages.path("login", interaction_id, done="password")
    cookies = here.web.drop_session(here.tenant), here.web.set_device(here.tenant, device)
    return here.pages.see_other(location, *cookies)


@get("/t/{slug:str}/verify")
async def verify_page(here: NamedDependency[Here]) -> Response[Any]:
    token = here.query.get("token") or ""
    try:
        link = await find_link(here.context, here.tenant, "verify_email", token)
    except LinkGone:
        return link_gone(here, "verify-again")
    return here.pages.page("verify.html", token=token, email=link.email)


@post("/t/{slug:str}/verify", status_code=200)
async def verify(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    try:
        link = await verify_email(here.context, here.tenant, form.get("token") or "")
    except LinkGone:
        return link_gone(here, "verify-again")
    interaction_id = await here.still_waiting(link.interaction_id)
    return here.pages.page("verified.html", email=link.email, interaction_id=interaction_id)


async def _reset(here: Here, token: str, errors: Mapping[str, Text] | None = None) -> Response[Any]:
    try:
        link = await find_link(here.context, here.tenant, "reset_password", token)
    except LinkGone:
        return link_gone(here, "forgot")
    return here.pages.page(
        "reset.html",
        status_code=422 if errors else 200,
        token=token,
        email=link.present_email,
        errors=errors or {},
        failure=None,
    )


async def _ask(here: Here, purpose: Purpose, template: str) -> Response[Any]:
    form = await here.form()
    waiting = await here.waiting(form)
    email = email_address.clean(form.get("email") or "")
    if not email_address.is_well_formed(email):
        errors = {"email": NO_EMAIL_ADDRESS}
        return _again(here, template, form, waiting, errors=errors, status_code=422)
    try:
        await ask_for_link(here.context, here.tenant, here.visitor, purpose, email, here.mailing(waiting))
    except TooManyTries as error:
        failure = too_many_tries(here.pages.language, error.retry_after_s)
        headers = {"Retry-After": str(error.retry_after_s)}
        return _again(here, template, form, waiting, failure=failure, status_code=429, headers=headers)
    return check_mail(here, purpose, email, waiting)


def _again(
    here: Here,
    template: str,
    form: Params,
    waiting: Any,
    *,
    errors: dict[str, Text] | None = None,
    failure: str | None = None,
    status_code: int,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    return here.pages.page(
        template,
        status_code=status_code,
        headers=headers,
        waiting=waiting,
        email=form.get("email") or "",
        errors=errors or {},
        failure=failure,
    )


def check_mail(here: Here, purpose: Purpose, email: str, waiting: Any) -> Response[Any]:
    """One page for every address, whatever the mail will say, if one is sent at all."""
    return here.pages.page("check_mail.html", purpose=purpose, email=email, waiting=waiting)


def link_gone(here: Here, again: str) -> Response[Any]:
    return here.pages.page("link_gone.html", status_code=410, again=again)
