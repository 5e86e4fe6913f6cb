"""`/internal`: users, for the admin service. On this service's own port; the gateway routes none of it.

JSON in and out; errors as `application/problem+json` (RFC 9457).
"""

from typing import Final
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath

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
from services.authorize.routes.web import AnyRequest
from shared.http.internal import bearer_guard, json_response, problem
from shared.secret import Secret

PREFIX: Final = "/internal"


class UserToCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: str
    password: str
    name: str | None = None
    email_verified: bool = False


class CreatedUser(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str


def internal_router(token: Secret) -> Router:
    """Routes behind a bearer token, compared in constant time."""
    return Router(PREFIX, route_handlers=[create, disable, enable, delete], guards=[bearer_guard(token)])


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
        user_id = await create_user(context, tenant_id, user, body.password)
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


@post("/tenants/{tenant_id:uuid}/users/{user_id:uuid}/disable")
async def disable(
    context: NamedDependency[Context], tenant_id: FromPath[UUID], user_id: FromPath[UUID]
) -> Response[bytes]:
    try:
        await disable_user(context, tenant_id, user_id)
    except UnknownUser:
        return problem(404, "There is no such user")
    return Response(content=b"", status_code=204)


@post("/tenants/{tenant_id:uuid}/users/{user_id:uuid}/enable")
async def enable(
    context: NamedDependency[Context], tenant_id: FromPath[UUID], user_id: FromPath[UUID]
) -> Response[bytes]:
    try:
        await enable_user(context, tenant_id, user_id)
    except UnknownUser:
        return problem(404, "There is no such user")
    return Response(content=b"", status_code=204)


@post("/tenants/{tenant_id:uuid}/users/{user_id:uuid}/delete")
async def delete(
    context: NamedDependency[Context], tenant_id: FromPath[UUID], user_id: FromPath[UUID]
) -> Response[bytes]:
    try:
        await delete_user(context, tenant_id, user_id)
    except UnknownUser:
        return problem(404, "There is no such user")
    return Response(content=b"", status_code=204)
