"""Users of an app: list them here; authorize, whose they are, makes, disables and deletes them."""

from typing import Annotated
from uuid import UUID

import msgspec

from services.admin.authorize_api import MadeUser, NewUser
from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.once import Once
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_id, check_limit, page
from services.admin.flows.refused import Conflict, FieldError, Invalid, NotFound
from services.admin.internal_api import InternalRefused, Problem
from services.admin.store import users
from services.admin.store.users import User
from shared.settings import Doc


class CreateUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user who can sign in at once."""

    email: Annotated[str, Doc(description="Unique within the app.")]
    password: Annotated[str, Doc(description="15 to 256 characters, and none that is guessed early.")]
    name: Annotated[str | None, Doc(description="Shown to them and in the `name` claim.")] = None


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
    user = NewUser(email=wanted.email.strip(), password=wanted.password, name=wanted.name or None)
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


async def set_user_disabled(
    context: Context, principal: Principal, app_id: str, user_id: UUID, *, disabled: bool
) -> User:
    """The user as they are now. Raises: NotFound, Forbidden, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    try:
        await context.authorize.set_user_disabled(tenant_id, user_id, disabled)
    except InternalRefused:
        raise NotFound from None
    async with context.database.tenant(tenant_id) as connection:
        user = await users.get_user(connection, tenant_id, user_id)
    if user is None:
        raise NotFound
    return user


async def delete_user(context: Context, principal: Principal, app_id: str, user_id: UUID) -> None:
    """Nothing of it comes back. Raises: NotFound, Forbidden, Unavailable."""
    tenant_id = await _tenant_to_change(context, principal, app_id)
    try:
        await context.authorize.delete_user(tenant_id, user_id)
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
    return Invalid(problem.detail or "Check the fields that are named.", errors)
