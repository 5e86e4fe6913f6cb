"""`/internal`: rotation and import on request, for the admin service. On this service's own port only."""

from typing import Annotated, Any, Final, get_args
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from services.jwks.flows.context import Context
from services.jwks.flows.import_key import InvalidKey, KeyTaken, import_key
from services.jwks.flows.rotate_now import UnknownTenant, publish_next, withdraw_and_replace
from shared.events.catalog import Cause
from shared.http.internal import bearer_guard, json_response, problem
from shared.secret import Secret

PREFIX: Final = "/internal"
MAX_BODY: Final = 32 * 1024
_CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

Actor = Annotated[str, msgspec.Meta(max_length=200)]


class RotationToDo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason` is the cause when keys are withdrawn; a word that this version does not know is `other`."""

    emergency: bool = False
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    wait_observed: bool | None = None
    actor: Actor | None = None


class KeyToImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pem: Secret
    wait_observed: bool | None = None
    actor: Actor | None = None


def internal_router(token: Secret) -> Router:
    return Router(
        PREFIX,
        route_handlers=[rotate, import_, key_schedule],
        guards=[bearer_guard(token)],
        exception_handlers={
            HTTPException: _http_error,
            msgspec.ValidationError: _invalid,
            msgspec.DecodeError: _not_json,
            UnknownTenant: _unknown_tenant,
        },
        request_max_body_size=MAX_BODY,
    )


@post("/tenants/{tenant_id:uuid}/signing-keys/rotate")
async def rotate(
    request: Request[Any, Any, Any], context: NamedDependency[Context], tenant_id: FromPath[UUID]
) -> Response[bytes]:
    wanted = msgspec.json.decode(await request.body(), type=RotationToDo)
    if wanted.emergency:
        rotated = await withdraw_and_replace(context, tenant_id, wanted.actor, _cause(wanted.reason))
    else:
        rotated = await publish_next(context, tenant_id, wanted.actor, waits=wanted.wait_observed)
    return json_response(200, rotated)


@post("/tenants/{tenant_id:uuid}/signing-keys/import")
async def import_(
    request: Request[Any, Any, Any], context: NamedDependency[Context], tenant_id: FromPath[UUID]
) -> Response[bytes]:
    wanted = msgspec.json.decode(await request.body(), type=KeyToImport, dec_hook=_keep_secret)
    try:
        imported = await import_key(context, tenant_id, wanted.pem, wanted.actor, waits=wanted.wait_observed)
    except InvalidKey as error:
        return problem(422, "The key may not be imported", errors={"pem": str(error)})
    except KeyTaken:
        return problem(409, "The key is a signing key already", "This key is in use, or was.")
    return json_response(200, imported)


@get("/key-schedule")
async def key_schedule(context: NamedDependency[Context]) -> Response[bytes]:
    """For whoever shows dates to people."""
    schedule = context.schedule
    return json_response(
        200,
        {"rotation_s": schedule.rotation_s, "lead_s": schedule.lead_s, "wait_s": schedule.wait_s},
    )


def _cause(reason: str | None) -> Cause | None:
    if reason is None:
        return None
    return next((cause for cause in _CAUSES if cause == reason), "other")


def _keep_secret(expected: type, value: Any) -> Any:
    if expected is Secret and isinstance(value, str):
        return Secret(value)
    raise msgspec.ValidationError("not text")


def _invalid(_request: Request[Any, Any, Any], error: msgspec.ValidationError) -> Response[bytes]:
    return problem(422, "The request is not valid", str(error))


def _not_json(_request: Request[Any, Any, Any], _error: msgspec.DecodeError) -> Response[bytes]:
    return problem(400, "The body is not JSON")


def _unknown_tenant(_request: Request[Any, Any, Any], _error: UnknownTenant) -> Response[bytes]:
    return problem(404, "There is no such tenant")


def _http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return problem(error.status_code, error.detail, headers=dict(error.headers or {}))
