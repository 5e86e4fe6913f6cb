"""Users of an app: list, create, show, sign out, export, delete, disable, enable; their sessions."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, QueryParameter

from services.admin.authorize_api import MadeUser
from services.admin.flows import users
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.flows.users import CreateUser
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.conditions import GivenRepeatable
from services.admin.routes.api.views import (
    CreatedUserView,
    SessionList,
    SessionView,
    UserPage,
    UserView,
    user_view,
)
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal, SessionId, UserId

_USERS = "/apps/{app_id:str}/users"
_USER = _USERS + "/{user_id:uuid}"
Search = Annotated[
    str | None,
    QueryParameter(
        description="A part of the email address or the name; one or two characters: how the address begins."
    ),
]


@get(_USERS, scope=ApiScope.USERS_READ, operation_id="list_users", summary="List an app's users")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    search: Search = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> UserPage:
    """Newest first."""
    page = await users.list_users(context, principal, app_id, search, cursor, limit)
    return UserPage(items=tuple(user_view(user) for user in page.items), next=page.next)


@post(_USERS, scope=ApiScope.USERS_WRITE, operation_id="create_user", summary="Create a user")
async def create(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    repeatable: GivenRepeatable,
    data: JSONBody[CreateUser],
) -> CreatedUserView:
    """Who can sign in at once, with the password given here."""
    return _made(await users.create_user(context, principal, app_id, data, repeatable.once(_made)))


@get(_USER, scope=ApiScope.USERS_READ, operation_id="show_user", summary="Show a user")
async def show(context: GivenContext, principal: GivenPrincipal, app_id: AppId, user_id: UserId) -> UserView:
    return user_view(await users.get_user(context, principal, app_id, user_id))


@get(
    _USER + "/sessions",
    scope=ApiScope.USERS_READ,
    operation_id="list_user_sessions",
    summary="List a user's sessions",
)
async def list_sessions(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> SessionList:
    """Those that are alive, the last seen first."""
    found = await users.list_sessions(context, principal, app_id, user_id)
    return SessionList(items=tuple(SessionView(**msgspec.structs.asdict(session)) for session in found))


@delete(
    _USER + "/sessions/{session_id:uuid}",
    scope=ApiScope.USERS_WRITE,
    operation_id="end_user_session",
    summary="End one of a user's sessions",
)
async def end_session(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
    session_id: SessionId,
) -> None:
    """With the grants that came of it."""
    await users.end_session(context, principal, app_id, user_id, session_id)


@post(
    _USER + "/sign-out",
    status_code=204,
    scope=ApiScope.USERS_WRITE,
    operation_id="sign_out_user",
    summary="Sign a user out everywhere",
)
async def sign_out(context: GivenContext, principal: GivenPrincipal, app_id: AppId, user_id: UserId) -> None:
    """Ends all their sessions and voids their grants."""
    await users.sign_out_user(context, principal, app_id, user_id)


@get(
    _USER + "/export",
    scope=ApiScope.USERS_WRITE,
    operation_id="export_user",
    summary="Export all that is kept about a user",
)
async def export(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, user_id: UserId
) -> dict[str, Any]:
    """The user's profile, sessions, connected apps, consents and mails; of secrets not even hashes."""
    return await users.export_user(context, principal, app_id, user_id)


@delete(_USER, scope=ApiScope.USERS_WRITE, operation_id="delete_user", summary="Delete a user")
async def delete_(context: GivenContext, principal: GivenPrincipal, app_id: AppId, user_id: UserId) -> None:
    """With all that is about them, for good; their grants end at once. Ids stay in the audit log."""
    await users.delete_user(context, principal, app_id, user_id)


@post(
    _USER + "/disable",
    status_code=200,
    scope=ApiScope.USERS_WRITE,
    operation_id="disable_user",
    summary="Disable a user",
)
async def disable(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
) -> UserView:
    """Ends their sessions and voids their grants."""
    return user_view(await users.set_user_disabled(context, principal, app_id, user_id, disabled=True))


@post(
    _USER + "/enable",
    status_code=200,
    scope=ApiScope.USERS_WRITE,
    operation_id="enable_user",
    summary="Enable a user",
)
async def enable(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    user_id: UserId,
) -> UserView:
    return user_view(await users.set_user_disabled(context, principal, app_id, user_id, disabled=False))


def _made(made: MadeUser) -> CreatedUserView:
    return CreatedUserView(user_id=made.user_id, email=made.email)


ROUTES = [list_, create, show, list_sessions, end_session, sign_out, export, delete_, disable, enable]
