"""`/account/email`, `/account/password`, `/account/delete`: changes that ask for the password once more."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows import email_address
from services.authorize.flows.change_email import ask_for_new_email, change_email
from services.authorize.flows.change_password import change_password
from services.authorize.flows.check_password import WrongCredentials
from services.authorize.flows.confirm_password import confirm_password, is_fresh
from services.authorize.flows.mail_links import LinkGone, find_link
from services.authorize.flows.mailing import mailer_of
from services.authorize.flows.own_data import delete_account
from services.authorize.flows.users import EmailTaken, InvalidUser
from services.authorize.routes.here import Here
from services.authorize.routes.mail_links import check_mail, link_gone
from services.authorize.routes.words import too_many_tries
from services.authorize.store import Session
from shared.limits import TooManyTries
from shared.text import Text

_WRONG: Final = Text("This is not your current password.")
_NOT_YOURS: Final = Text("Type the email address of this account, as it stands above.")
_TAKEN: Final = Text("There is another account with this address here, so this one cannot have it.")


@get("/t/{slug:str}/account/email")
async def email_page(here: NamedDependency[Here]) -> Response[Any]:
    mailer_of(here.context)
    return _show(here, "email.html", await here.signed_in())


@post("/t/{slug:str}/account/email", status_code=200)
async def email(here: NamedDependency[Here]) -> Response[Any]:
    """The password is asked for unless it has just been given (10 minutes)."""
    form = await here.form()
    session = await here.signed_in()
    wanted = form.get("email") or ""
    try:
        if not is_fresh(here.context, session):
            password = form.get("password") or ""
            await confirm_password(here.context, here.tenant, here.visitor, session, password)
        await ask_for_new_email(here.context, here.tenant, here.visitor, session, wanted, here.mailing(None))
    except WrongCredentials:
        return _show(here, "email.html", session, {"password": _WRONG}, email=wanted)
    except InvalidUser as error:
        return _show(here, "email.html", session, error.errors, email=wanted)
    except TooManyTries as error:
        return _too_many(here, "email.html", session, error, email=wanted)
    return check_mail(here, "change_email", wanted, None)


@get("/t/{slug:str}/new-email")
async def new_email_page(here: NamedDependency[Here]) -> Response[Any]:
    return await _new_email(here, here.query.get("token") or "")


@post("/t/{slug:str}/new-email", status_code=303)
async def new_email(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    token = form.get("token") or ""
    try:
        await change_email(here.context, here.tenant, token, here.mailing(None))
    except LinkGone:
        return link_gone(here, "account/email")
    except EmailTaken:
        return await _new_email(here, token, failure=_TAKEN)
    signed_in = await here.session() is not None
    return here.pages.see_other(here.pages.path("account" if signed_in else "login", done="email"))


@get("/t/{slug:str}/account/password")
async def password_page(here: NamedDependency[Here]) -> Response[Any]:
    return _show(here, "password.html", await here.signed_in())


@post("/t/{slug:str}/account/password", status_code=303)
async def password(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    session = await here.signed_in()
    try:
        changed = await change_password(
            here.context,
            here.tenant,
            here.visitor,
            session,
            here.mailing(None),
            current=form.get("current") or "",
            new=form.get("password") or "",
        )
    except WrongCredentials:
        return _show(here, "password.html", session, {"current": _WRONG})
    except InvalidUser as error:
        return _show(here, "password.html", session, error.errors)
    except TooManyTries as error:
        return _too_many(here, "password.html", session, error)
    cookies = here.web.signed_in(here.tenant, changed)
    return here.pages.see_other(here.pages.path("account", done="password"), *cookies)


@get("/t/{slug:str}/account/delete")
async def delete_page(here: NamedDependency[Here]) -> Response[Any]:
    return _show(here, "delete.html", await here.signed_in(), typed="")


@post("/t/{slug:str}/account/delete", status_code=303)
async def delete(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    session = await here.signed_in()
    typed = form.get("confirm") or ""
    if email_address.key_of(typed) != email_address.key_of(session.email):
        return _show(here, "delete.html", session, {"confirm": _NOT_YOURS}, typed=typed)
    try:
        password = form.get("password") or ""
        await delete_account(here.context, here.tenant, here.visitor, session, password)
    except WrongCredentials:
        return _show(here, "delete.html", session, {"password": _WRONG}, typed=typed)
    except TooManyTries as error:
        return _too_many(here, "delete.html", session, error, typed=typed)
    return here.pages.see_other(here.pages.path("login", done="deleted"), here.web.drop_session(here.tenant))


async def _new_email(here: Here, token: str, *, failure: Text | None = None) -> Response[Any]:
    try:
        link = await find_link(here.context, here.tenant, "change_email", token)
    except LinkGone:
        return link_gone(here, "account/email")
    return here.pages.page(
        "new_email.html",
        status_code=422 if failure else 200,
        token=token,
        email=link.email,
        former=link.present_email,
        failure=failure,
    )


def _show(
    here: Here,
    template: str,
    session: Session,
    errors: Mapping[str, Text] | None = None,
    *,
    failure: str | None = None,
    status_code: int | None = None,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response[Any]:
    return here.pages.page(
        template,
        status_code=status_code or (422 if errors else 200),
        headers=headers,
        session=session,
        fresh=is_fresh(here.context, session),
        errors=errors or {},
        failure=failure,
        **{"email": "", **values},
    )


def _too_many(
    here: Here, template: str, session: Session, error: TooManyTries, **values: Any
) -> Response[Any]:
    failure = too_many_tries(here.pages.language, error.retry_after_s)
    headers = {"Retry-After": str(error.retry_after_s)}
    return _show(here, template, session, failure=failure, status_code=429, headers=headers, **values)
