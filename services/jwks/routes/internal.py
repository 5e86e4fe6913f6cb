"""`/internal`: rotation on request, for the admin service. On this service's own port only."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from services.jwks.flows.context import Context
from services.jwks.flows.rotate_now import UnknownTenant, publish_next, withdraw_and_replace
from shared.http.internal import bearer_guard, json_response, problem
from shared.secret import Secret

PREFIX: Final = "/internal"
MAX_BODY: Final = 16 * 1024


class RotationToDo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason` is kept with the event when keys are withdrawn."""

    emergency: bool = False
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    actor: Annotated[str, msgspec.Meta(max_length=200)] | None = None


def internal_router(token: Secret) -> Router:
    return Router(
        PREFIX,
        route_handlers=[rotate],
        guards=[bearer_guard(token)],
        exception_handlers={HTTPException: _http_error},
        request_max_body_size=MAX_BODY,
    )


@post("/tenants/{tenant_id:uuid}/signing-keys/rotate")
async def rotate(
    request: Request[Any, Any, Any], context: NamedDependency[Context], tenant_id: FromPath[UUID]
) -> Response[bytes]:
    try:
        wanted = msgspec.json.decode(await request.body(), type=RotationToDo)
        if wanted.emergency:
            rotated = await withdraw_and_replace(context, tenant_id, wanted.actor, wanted.reason)
        else:
            rotated = await publish_next(context, tenant_id, wanted.actor)
    except msgspec.ValidationError as error:
        return problem(422, "The request is not valid", str(error))
    except msgspec.DecodeError:
        return problem(400, "The body is not JSON")
    except UnknownTenant:
        return problem(404, "There is no such tenant")
    return json_response(200, rotated)


def _http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return problem(error.status_code, error.detail, headers=dict(error.headers or {}))
