"""`/account`: what a signed-in user sees of their account: profile, sessions, connected apps, their data."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows.connected_apps import disconnect, list_connected_apps
from services.authorize.flows.own_data import change_name, export, find_user
from services.authorize.flows.own_sessions import end_all_others, end_one, list_sessions
from services.authorize.flows.users import InvalidUser
from services.authorize.routes.devices import device
from services.authorize.routes.here import Here
from services.authorize.routes.words import SCOPE_WORDS
from services.authorize.store import Session
from shared.http.headers import NO_STORE
from shared.oauth.errors import OAuthError
from shared.text import Text

_DONE = {
    "name": Text("Your name is saved."),
    "email": Text("Your email address is changed."),
    "password": Text("Your new password is set, and you are signed out everywhere else."),
}


@get("/t/{slug:str}/account")
async def account_page(here: NamedDependency[Here]) -> Response[Any]:
    session = await here.signed_in()
    user = await find_user(here.context, here.tenant, session)
    if user is None:
        raise here.sign_in_first()  # deleted or disabled meanwhile
    return here.pages.page(
        "account.html",
        session=session,
        user=user,
        sessions=len(await list_sessions(here.context, here.tenant, session)),
        apps=len(await list_connected_apps(here.context, here.tenant, session)),
        can_mail=here.context.mailer is not None,
        done=_DONE.get(here.query.get("done") or ""),
    )


@get("/t/{slug:str}/account/profile")
async def profile_page(here: NamedDependency[Here]) -> Response[Any]:
    session = await here.signed_in()
    return here.pages.page("profile.html", session=session, name=session.name or "", errors={})


@post("/t/{slug:str}/account/profile", status_code=303)
async def profile(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    session = await here.signed_in()
    name = form.get("name") or ""
    try:
        await change_name(here.context, here.tenant, session, name)
    except InvalidUser as error:
        return here.pages.page(
            "profile.html", status_code=422, session=session, name=name, errors=error.errors
        )
    return here.pages.see_other(here.pages.path("account", done="name"))


@get("/t/{slug:str}/account/sessions")
async def sessions_page(here: NamedDependency[Here]) -> Response[Any]:
    session = await here.signed_in()
    sessions = await list_sessions(here.context, here.tenant, session)
    shown = [(each, device(each.user_agent), each.session_id == session.session_id) for each in sessions]
    shown.sort(key=lambda row: not row[2])  # the one at hand first
    return here.pages.page("sessions.html", sessions=shown)


@post("/t/{slug:str}/account/sessions", status_code=303)
async def end_sessions(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    session = await here.signed_in()
    chosen = form.require("session")
    if chosen == "others":
        await end_all_others(here.context, here.tenant, session)
    else:
        await end_one(here.context, here.tenant, session, _uuid(chosen))
    return here.pages.see_other(here.pages.path("account/sessions"))


@get("/t/{slug:str}/account/apps")
async def apps_page(here: NamedDependency[Here]) -> Response[Any]:
    session = await here.signed_in()
    grants = await list_connected_apps(here.context, here.tenant, session)
    shown = [(grant, [SCOPE_WORDS.get(token, token) for token in grant.scope]) for grant in grants]
    return here.pages.page("apps.html", apps=shown)


@post("/t/{slug:str}/account/apps", status_code=303)
async def disconnect_app(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    session = await here.signed_in()
    await disconnect(here.context, here.tenant, session, form.require("client_id"))
    return here.pages.see_other(here.pages.path("account/apps"))


@get("/t/{slug:str}/account/data")
async def data_page(here: NamedDependency[Here]) -> Response[Any]:
    await here.signed_in()
    return here.pages.page("data.html")


@post("/t/{slug:str}/account/data", status_code=200)
async def export_data(here: NamedDependency[Here]) -> Response[Any]:
    await here.form()
    session: Session = await here.signed_in()
    return Response(
        await export(here.context, here.tenant, session),
        media_type="application/json",
        headers={
            **NO_STORE,
            "Content-Disposition": f'attachment; filename="{here.tenant.slug}-account.json"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise OAuthError("invalid_request", "session is not an id") from None
