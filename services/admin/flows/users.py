"""Users of an app: list them here; authorize, whose they are, makes, disables and deletes them."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.admin.authorize_api import MadeUser, NewUser, UserSession
from services.admin.flows.access import OpenedApp, Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.once import Once
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_id, check_limit, page
from services.admin.flows.refused import Conflict, FieldError, Invalid, NotFound
from services.admin.internal_api import InternalRefused, Problem
from services.admin.store import users
from services.admin.store.apps import App
from services.admin.store.users import User
from shared.settings import Doc
from shared.unavailable import Unavailable


class CreateUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user who can sign in at once."""

    email: Annotated[str, Doc(description="Unique within the app.")]
    password: Annotated[str, Doc(description="15 to 256 characters, and none that is guessed early.")]
    name: Annotated[str | None, Doc(description="Shown to them and in the `name` claim.")] = None


class ShownUser(msgspec.Struct, frozen=True, kw_only=True):
    """`sessions` is None while nobody can say."""

    app: App
    rights: frozenset[Right]
    user: User
    sessions: tuple[UserSession, ...] | None


async def list_users(
    context: Context,
    principal: Principal,
    app_id: str,
    search: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[User]:
    """Newest first; `search` is a part of the email or name, or, of one or two characters, how the email
    begins. Raises: NotFound, Invalid."""
    check_limit(limit)
    part = email_key(search or "").replace("\x00", "") or None
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        rows = await users.list_users(
            opened.connection, opened.app.tenant_id, part, after_id(cursor), limit + 1
        )
    return page(rows, limit, lambda user: user.user_id)


async def create_user(
    context: Context, principal: Principal, app_id: str, wanted: CreateUser, once: Once | None = None
) -> MadeUser:
    """Raises: NotFound, Forbidden, Invalid, Conflict when the email is taken, Unavailable; Replayed, KeyUsed.

    Authorize makes the user in a transaction of its own. With a key ours stays open meanwhile, so that
    another request waits; should we die in between, the user is there and the next one is a Conflict.
    """
    tenant_id = await _tenant_to_change(context, principal, app_id)
    user = NewUser(
        email=wanted.email.strip(),
        password=wanted.password,
        name=wanted.name or None,
        actor=principal.actor,
    )
    if once is None:
        return await _create(context, tenant_id, user)
    async with context.database.transaction() as connection:
        await once.begin(context, connection)
        made = await _create(context, tenant_id, user)
        await once.keep(context, connection, made)
        return made


async def _create(context: Context, tenant_id: UUID, user: NewUser) -> MadeUser:
    try:
        return await context.authorize.create_user(tenant_id, user)
    except InternalRefused as refusal:
        raise _refused(refusal.problem) from None


async def get_user(context: Context, principal: Principal, app_id: str, user_id: UUID) -> User:
    """Raises: NotFound."""
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        return await _get(opened, user_id)


async def show_user(context: Context, principal: Principal, app_id: str, user_id: UUID) -> ShownUser:
    """With their live sessions. Raises: NotFound."""
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        user = await _get(opened, user_id)
    sessions = None
    with contextlib.suppress(Unavailable, InternalRefused):
        sessions = tuple(await context.authorize.list_sessions(opened.app.tenant_id, user_id))
    return ShownUser(app=opened.app, rights=opened.rights, user=user, sessions=sessions)


async def list_sessions(
    context: Context, principal: Principal, app_id: str, user_id: UUID
) -> list[UserSession]:
    """Live ones, the last seen first. Raises: NotFound, Unavailable."""
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        tenant_id = opened.app.tenant_id
    with _not_found():
        return await context.authorize.list_sessions(tenant_id, user_id)


async def set_user_disabled(
    context: Context, principal: Principal, app_id: str, user_id: UUID, *, disabled: bool
) -> User:
    """The user as they are now. Raises: NotFound, Forbidden, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    with _not_found():
        await context.authorize.set_user_disabled(tenant_id, user_id, disabled, principal.actor)
    async with context.database.tenant(tenant_id) as connection:
        user = await users.get_user(connection, tenant_id, user_id)
    if user is None:
        raise NotFound
    return user


async def end_session(
    context: Context, principal: Principal, app_id: str, user_id: UUID, session_id: UUID
) -> None:
    """With the grants that came of it. Raises: NotFound, Forbidden, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    with _not_found():
        await context.authorize.end_session(tenant_id, user_id, session_id, principal.actor)


async def sign_out_user(context: Context, principal: Principal, app_id: str, user_id: UUID) -> None:
    """Everywhere: all sessions and grants are void. Raises: NotFound, Forbidden, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    with _not_found():
        await context.authorize.sign_out_user(tenant_id, user_id, principal.actor)


async def export_user(context: Context, principal: Principal, app_id: str, user_id: UUID) -> dict[str, Any]:
    """All that is kept about them (GDPR Art. 15, 20). Raises: NotFound, Forbidden, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    with _not_found():
        return await context.authorize.export_user(tenant_id, user_id)


async def delete_user(context: Context, principal: Principal, app_id: str, user_id: UUID) -> None:
    """Nothing of them comes back. Raises: NotFound, Forbidden, ConfirmationNeeded, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    require_fresh(context, principal)
    with _not_found():
        await context.authorize.delete_user(tenant_id, user_id, principal.actor)


async def _get(opened: OpenedApp, user_id: UUID) -> User:
    user = await users.get_user(opened.connection, opened.app.tenant_id, user_id)
    if user is None:
        raise NotFound
    return user


@contextlib.contextmanager
def _not_found() -> Iterator[None]:
    """What authorize does not know, nobody does."""
    try:
        yield
    except InternalRefused:
        raise NotFound from None


async def _tenant_to_change(context: Context, principal: Principal, app_id: str) -> UUID:
    """Rights first, in a transaction that ends before the call to authorize."""
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        return opened.app.tenant_id


def _refused(problem: Problem) -> Conflict | Invalid | NotFound:
    if problem.status == 404:
        return NotFound()
    if problem.status == 409:
        message = "This app has a user with that email address."
        return Conflict(message, [FieldError("email", message)])
    errors = [FieldError(field, message) for field, message in problem.errors.items()]
    detail = "" if errors else problem.detail  # which would say the same as the errors
    return Invalid(detail or "Check the fields that are named.", errors)
