"""`/internal`: users, for the admin service. On this service's own port; the gateway routes none of it.

JSON in and out; errors as `application/problem+json` (RFC 9457).
"""

from collections.abc import Awaitable
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from services.authorize.flows import administration
from services.authorize.flows.administration import UnknownSession
from services.authorize.flows.context import Context
from services.authorize.flows.users import (
    EmailTaken,
    InvalidUser,
    UnknownTenant,
    UnknownUser,
    app_names,
    create_user,
    delete_user,
    disable_user,
    enable_user,
    read_new_user,
)
from shared.http.browser import AnyRequest
from shared.http.headers import NO_STORE
from shared.http.internal import bearer_guard, json_response, problem
from shared.secret import Secret

PREFIX: Final = "/internal"
_USER: Final = "/tenants/{tenant_id:uuid}/users/{user_id:uuid}"

Given: TypeAlias = NamedDependency[Context]
Id: TypeAlias = FromPath[UUID]


class UserToCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: str
    password: str
    name: str | None = None
    email_verified: bool = False
    actor: str | None = None


class By(msgspec.Struct, frozen=True, kw_only=True):
    actor: str | None = None


class CreatedUser(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str


def internal_router(token: Secret) -> Router:
    """Routes behind a bearer token, compared in constant time."""
    return Router(
        PREFIX,
        route_handlers=[create, disable, enable, sign_out, delete, end, sessions, export],
        guards=[bearer_guard(token)],
    )


@post("/tenants/{tenant_id:uuid}/users")
async def create(
    request: AnyRequest, context: NamedDependency[Context], tenant_id: FromPath[UUID]
) -> Response[bytes]:
    try:
        body = msgspec.json.decode(await request.body(), type=UserToCreate)
        user = read_new_user(
            body.email,
            body.password,
            app=await app_names(context, tenant_id),
            name=body.name,
            email_verified=body.email_verified,
        )
        user_id = await create_user(context, tenant_id, user, body.password, body.actor)
    except msgspec.ValidationError as error:
        return problem(422, "The user is not valid", str(error))
    except msgspec.DecodeError:
        return problem(400, "The body is not JSON")
    except InvalidUser as error:
        errors = {field: str(text) for field, text in error.errors.items()}
        return problem(422, "The user is not valid", " ".join(errors.values()), errors=errors)
    except UnknownTenant:
        return problem(404, "There is no such tenant")
    except EmailTaken:
        return problem(409, "The email address is taken", "This tenant has a user with this email address.")
    return json_response(201, CreatedUser(user_id=user_id, email=user.email))


@post(_USER + "/disable")
async def disable(request: AnyRequest, context: Given, tenant_id: Id, user_id: Id) -> Response[bytes]:
    return await _done(disable_user(context, tenant_id, user_id, await _actor(request)))


@post(_USER + "/enable")
async def enable(request: AnyRequest, context: Given, tenant_id: Id, user_id: Id) -> Response[bytes]:
    return await _done(enable_user(context, tenant_id, user_id, await _actor(request)))


@post(_USER + "/sign-out")
async def sign_out(request: AnyRequest, context: Given, tenant_id: Id, user_id: Id) -> Response[bytes]:
    return await _done(administration.sign_out(context, tenant_id, user_id, await _actor(request)))


@post(_USER + "/delete")
async def delete(request: AnyRequest, context: Given, tenant_id: Id, user_id: Id) -> Response[bytes]:
    return await _done(delete_user(context, tenant_id, user_id, await _actor(request)))


@post(_USER + "/sessions/{session_id:uuid}/end")
async def end(
    request: AnyRequest, context: Given, tenant_id: Id, user_id: Id, session_id: Id
) -> Response[bytes]:
    actor = await _actor(request)
    return await _done(administration.end_session(context, tenant_id, user_id, session_id, actor))


@get(_USER + "/sessions")
async def sessions(context: Given, tenant_id: Id, user_id: Id) -> Response[bytes]:
    try:
        return json_response(200, await administration.list_sessions(context, tenant_id, user_id))
    except UnknownUser:
        return problem(404, "There is no such user")


@get(_USER + "/export")
async def export(context: Given, tenant_id: Id, user_id: Id) -> Response[bytes]:
    try:
        found = await administration.export_user(context, tenant_id, user_id)
    except UnknownUser:
        return problem(404, "There is no such user")
    return Response(content=found, media_type="application/json", headers=dict(NO_STORE))


async def _done(deed: Awaitable[None]) -> Response[bytes]:
    try:
        await deed
    except (UnknownUser, UnknownSession):
        return problem(404, "There is no such user")
    return Response(content=b"", status_code=204)


async def _actor(request: AnyRequest) -> str | None:
    """Who asked the admin service. An instance of the version before says nothing."""
    body = await request.body()
    try:
        return msgspec.json.decode(body, type=By).actor if body else None
    except msgspec.MsgspecError:
        raise HTTPException(status_code=400, detail="the body is not what it should be") from None
