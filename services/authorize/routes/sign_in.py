"""`/login` and `/signup`: the forms, with an interaction behind them or without."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from services.authorize.flows.check_password import WrongCredentials
from services.authorize.flows.interaction import Waiting
from services.authorize.flows.sessions import StartedSession
from services.authorize.flows.sign_in import EmailNotVerified, sign_in
from services.authorize.flows.sign_up import SignUpRefused, sign_up
from services.authorize.flows.users import InvalidUser
from services.authorize.routes.here import Here
from services.authorize.routes.mail_links import check_mail
from services.authorize.routes.pages import leads_to
from services.authorize.routes.words import too_many_tries
from shared.limits import TooManyTries
from shared.text import Text

_WRONG: Final = Text(
    "That email address and password do not match an account here. Check both, and try again."
)
_REFUSED: Final = Text(
    "We could not create an account with these details. If you already have one, sign in with it; "
    "otherwise use another email address."
)
_DONE: Final = {
    "password": Text("Your new password is set. Sign in with it."),
    "email": Text("Your email address is changed. Sign in with the new one."),
    "deleted": Text("Your account and everything about it is deleted."),
}


@get("/t/{slug:str}/login")
async def login_page(here: NamedDependency[Here]) -> Response[Any]:
    waiting = await here.waiting(here.query)
    if waiting is None and await here.session() is not None:
        return here.pages.see_other(here.pages.path("account"))
    hint = waiting.interaction.request.login_hint if waiting else None
    return _form_page(
        here, "sign_in.html", waiting, email=hint or "", done=_DONE.get(here.query.get("done") or "")
    )


@post("/t/{slug:str}/login", status_code=303)
async def login(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    waiting = await here.waiting(form)
    email, password = form.get("email") or "", form.get("password") or ""
    errors = _missing(email, password)
    if errors:
        return _form_page(here, "sign_in.html", waiting, email=email, errors=errors, status_code=422)
    try:
        mailing = here.mailing(waiting)
        session = await sign_in(here.context, here.tenant, here.visitor, email, password, mailing)
    except EmailNotVerified:
        return check_mail(here, "verify_email", email, waiting)
    except WrongCredentials:
        return _form_page(here, "sign_in.html", waiting, email=email, failure=_WRONG, status_code=422)
    except TooManyTries as error:
        return _too_many(here, "sign_in.html", waiting, email, error)
    return _onward(here, waiting, session)


@get("/t/{slug:str}/signup")
async def signup_page(here: NamedDependency[Here]) -> Response[Any]:
    if not here.tenant.sign_up_enabled:
        raise NotFoundException(detail="sign-up is closed")
    waiting = await here.waiting(here.query)
    hint = waiting.interaction.request.login_hint if waiting else None
    return _form_page(here, "sign_up.html", waiting, email=hint or "")


@post("/t/{slug:str}/signup", status_code=303)
async def signup(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    waiting = await here.waiting(form)
    email, password = form.get("email") or "", form.get("password") or ""
    try:
        mailing = here.mailing(waiting)
        session = await sign_up(here.context, here.tenant, here.visitor, email, password, mailing)
    except InvalidUser as error:
        return _form_page(here, "sign_up.html", waiting, email=email, errors=error.errors, status_code=422)
    except SignUpRefused:
        return _form_page(here, "sign_up.html", waiting, email=email, failure=_REFUSED, status_code=422)
    except TooManyTries as error:
        return _too_many(here, "sign_up.html", waiting, email, error)
    if session is None:
        return check_mail(here, "verify_email", email, waiting)
    return _onward(here, waiting, session)


def _onward(here: Here, waiting: Waiting | None, session: StartedSession) -> Response[Any]:
    """Signed in: back to what waited for it."""
    cookies = here.web.signed_in(here.tenant, session)
    if waiting is None:
        return here.pages.see_other(here.pages.path("account"), *cookies)
    return here.pages.see_other(here.pages.path("authorize", waiting.interaction.interaction_id), *cookies)


def _form_page(
    here: Here,
    template: str,
    waiting: Waiting | None,
    *,
    email: str,
    errors: Mapping[str, Text] | None = None,
    failure: Text | str | None = None,
    done: Text | None = None,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """`errors` belong to a field each; `failure` to both, unless they are only too early (429)."""
    return here.pages.page(
        template,
        status_code=status_code,
        form_leads_to=leads_to(waiting.interaction.request.reply_to) if waiting else (),
        headers=headers,
        client=waiting.client if waiting else None,
        interaction_id=waiting.interaction.interaction_id if waiting else None,
        email=email,
        errors=errors or {},
        failure=failure,
        failed=failure is not None and status_code == 422,
        done=done,
        can_mail=here.context.mailer is not None,
    )


def _too_many(
    here: Here, template: str, waiting: Waiting | None, email: str, error: TooManyTries
) -> Response[Any]:
    return _form_page(
        here,
        template,
        waiting,
        email=email,
        failure=too_many_tries(here.pages.language, error.retry_after_s),
        status_code=429,
        headers={"Retry-After": str(error.retry_after_s)},
    )


def _missing(email: str, password: str) -> dict[str, Text]:
    errors = {}
    if not email.strip():
        errors["email"] = Text("Enter your email address.")
    if not password:
        errors["password"] = Text("Enter your password.")
    return errors
