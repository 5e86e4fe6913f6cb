"""`/login` and `/signup`: the forms, with an interaction behind them or without."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.interaction import Waiting, find_waiting
from services.authorize.flows.mailing import Mailing
from services.authorize.flows.sessions import StartedSession, current_session
from services.authorize.flows.sign_in import EmailNotVerified, WrongCredentials, sign_in
from services.authorize.flows.sign_up import SignUpRefused, sign_up
from services.authorize.flows.users import InvalidUser
from services.authorize.routes.forms import read_form
from services.authorize.routes.pages import Pages, leads_to
from services.authorize.routes.web import AnyRequest, Web
from services.authorize.routes.words import too_many_tries
from shared.limits import TooManyTries
from shared.oauth.params import Params
from shared.oauth.types import Tenant
from shared.text import Text

_WRONG = "That email address and password do not match an account here. Check both, and try again."
_REFUSED = (
    "We could not create an account with these details. If you already have one, sign in with it; "
    "otherwise use another email address."
)


@get("/t/{slug:str}/login")
async def login_page(
    request: AnyRequest,
    context: NamedDependency[Context],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    waiting = await _waiting(context, tenant, visitor, Params.parse(request.scope["query_string"]))
    if waiting is None and await current_session(context, tenant, visitor.session_token) is not None:
        return pages.see_other(pages.path("account"))
    hint = waiting.interaction.request.login_hint if waiting else None
    return _form_page(pages, "sign_in.html", waiting, email=hint or "")


@post("/t/{slug:str}/login", status_code=303)
async def login(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    form = await read_form(request, web, tenant, visitor)
    waiting = await _waiting(context, tenant, visitor, form)
    email, password = form.get("email") or "", form.get("password") or ""
    errors = _missing(email, password)
    if errors:
        return _form_page(pages, "sign_in.html", waiting, email=email, errors=errors, status_code=422)
    try:
        session = await sign_in(context, tenant, visitor, email, password, _mailing(pages, waiting))
    except EmailNotVerified:
        return _check_mail(pages, waiting, email)
    except WrongCredentials:
        return _form_page(pages, "sign_in.html", waiting, email=email, failure=_WRONG, status_code=422)
    except TooManyTries as error:
        return _too_many(pages, "sign_in.html", waiting, email, error)
    return _onward(pages, web, tenant, waiting, session)


@get("/t/{slug:str}/signup")
async def signup_page(
    request: AnyRequest,
    context: NamedDependency[Context],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    if not tenant.sign_up_enabled:
        raise NotFoundException(detail="sign-up is closed")
    waiting = await _waiting(context, tenant, visitor, Params.parse(request.scope["query_string"]))
    hint = waiting.interaction.request.login_hint if waiting else None
    return _form_page(pages, "sign_up.html", waiting, email=hint or "")


@post("/t/{slug:str}/signup", status_code=303)
async def signup(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    form = await read_form(request, web, tenant, visitor)
    waiting = await _waiting(context, tenant, visitor, form)
    email, password = form.get("email") or "", form.get("password") or ""
    try:
        session = await sign_up(context, tenant, visitor, email, password, _mailing(pages, waiting))
    except InvalidUser as error:
        return _form_page(pages, "sign_up.html", waiting, email=email, errors=error.errors, status_code=422)
    except SignUpRefused:
        return _form_page(pages, "sign_up.html", waiting, email=email, failure=_REFUSED, status_code=422)
    except TooManyTries as error:
        return _too_many(pages, "sign_up.html", waiting, email, error)
    if session is None:
        return _check_mail(pages, waiting, email)
    return _onward(pages, web, tenant, waiting, session)


def _mailing(pages: Pages, waiting: Waiting | None) -> Mailing:
    interaction_id = waiting.interaction.interaction_id if waiting else None
    return Mailing(locale=pages.language.tag, interaction_id=interaction_id)


def _check_mail(pages: Pages, waiting: Waiting | None, email: str) -> Response[Any]:
    """One page, whatever the mail will say."""
    return pages.page(
        "check_mail.html",
        email=email,
        interaction_id=waiting.interaction.interaction_id if waiting else None,
    )


async def _waiting(context: Context, tenant: Tenant, visitor: Visitor, params: Params) -> Waiting | None:
    """The interaction that the page belongs to, if it names one. Raises: InteractionGone, Unproven."""
    interaction_id = params.get("interaction")
    return await find_waiting(context, tenant, visitor, interaction_id) if interaction_id else None


def _onward(
    pages: Pages, web: Web, tenant: Tenant, waiting: Waiting | None, session: StartedSession
) -> Response[Any]:
    """Signed in: back to what waited for it."""
    cookie = web.set_session(tenant, session.token)
    if waiting is None:
        return pages.see_other(pages.path("account"), cookie)
    return pages.see_other(pages.path("authorize", waiting.interaction.interaction_id), cookie)


def _form_page(
    pages: Pages,
    template: str,
    waiting: Waiting | None,
    *,
    email: str,
    errors: Mapping[str, Text] | None = None,
    failure: str | None = None,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """`errors` belong to a field each; `failure` to both, unless they are only too early (429)."""
    return pages.page(
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
    )


def _too_many(
    pages: Pages, template: str, waiting: Waiting | None, email: str, error: TooManyTries
) -> Response[Any]:
    return _form_page(
        pages,
        template,
        waiting,
        email=email,
        failure=too_many_tries(error.retry_after_s),
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
