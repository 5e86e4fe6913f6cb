"""The API's description, OpenAPI 3.1: drawn from the handlers, and every answer that each can give.

What a handler can refuse follows from what it takes: an id can be unknown, a body can be malformed, a
version outdated. The rest it says itself (`conflicts`, `limited`, `names_app`).
"""

import inspect
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from services.admin.routes.api.authentication import TAKES
from services.admin.routes.api.problems import MEDIA_TYPE

_GIVEN: Final = ("context", "principal", "recognise", "repeatable", "upload", "versions")
_SAID: Final[dict[int, str]] = {
    400: "The body is not JSON, or the gateway refuses the address.",
    401: "No API token that is live (RFC 6750 §3.1).",
    403: "The token's scope, its developer's role or its app does not allow this.",
    404: "It is not there, or not yours: the answer is the same.",
    409: "It exists already, or something stands in the way.",
    412: "It is no longer what `If-Match` names.",
    413: "The body is longer than 64 KiB; of a logo, than 512 KiB.",
    415: "The body is not called what it has to be: JSON, or of a logo an image.",
    422: "Something needs to be corrected; `errors` says what.",
    429: "Too many at once: try again after `Retry-After` seconds.",
    503: "A part of the service is away: try again after `Retry-After` seconds.",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `errors` name fields by JSON pointer, or parameters by name.",
    "required": ["title", "status", "request_id"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_IF_MATCH: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of what you have seen: changed only if it is still that (RFC 9110 §13.1.1).",
    "schema": {"type": "string"},
}
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes sending this again safe: within a day, the same request with the same key is "
    "done once, and answered as it was (with `Idempotency-Replayed: true`).",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_ETAG: Final[dict[str, Any]] = {
    "description": "The version of what can be changed; for `If-Match`.",
    "schema": {"type": "string"},
}
_REPLAYED: Final[dict[str, Any]] = {
    "description": "`true` when the answer is that of an earlier request with this key.",
    "schema": {"type": "string"},
}
ABOUT: Final = """Register apps, manage their clients, users, members and keys, read the audit log.

**Authentication.** `Authorization: Bearer mtas_at_…`, an API token. Each operation names the scope that the
token needs; what its developer's role does not allow, it does not either.

**Refusals** are `application/problem+json` (RFC 9457), and name the fields that are wrong.

**Lists** come in pages: send `next` as `cursor` until it is null.

**Changes** take `If-Match` with the `ETag` that was seen, and fail with 412 when somebody was faster.

**Creating** takes an `Idempotency-Key`: send the same request again when its answer was lost.

Ids of other apps are answered like ids that were never given out."""


@cache
def openapi_document(topics: tuple[tuple[str, tuple[HTTPRouteHandler, ...]], ...], prefix: str) -> bytes:
    """Drawn by an application that only describes; ours has no place for docs pages."""
    handlers = {handler.operation_id: handler for _, routes in topics for handler in routes}
    routers = [Router("", route_handlers=list(routes), tags=[topic]) for topic, routes in topics]
    described = Litestar(
        [Router(prefix, route_handlers=routers)],
        dependencies={name: _described(name) for name in _GIVEN},
        openapi_config=OpenAPIConfig(
            title="MTAS admin API",
            version="1",
            description=ABOUT,
            path="/described",
            render_plugins=[JsonRenderPlugin()],
            use_handler_docstrings=True,
            components=Components(
                security_schemes={
                    "token": SecurityScheme(
                        type="http",
                        scheme="bearer",
                        bearer_format="mtas_at_…",
                        description="An API token. Each operation names the scope that the token needs; "
                        "`operator` is the token of the configuration, which may everything.",
                    )
                }
            ),
        ),
        logging_config=None,
    )
    document: dict[str, Any] = described.openapi_schema.to_schema()
    document["components"]["schemas"]["Problem"] = _PROBLEM
    document["components"]["responses"] = {
        str(status): {"description": said, "content": {MEDIA_TYPE: {"schema": _ref("schemas/Problem")}}}
        for status, said in _SAID.items()
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(operation, path, handlers[operation["operationId"]])
    for schema in document["components"]["schemas"].values():
        _close(schema, document)
    return msgspec.json.encode(document)


def _described(name: str) -> Provide:
    def provide() -> Any:
        raise AssertionError(f"the describing application gives no {name}")

    return Provide(provide, sync_to_thread=False)


def _complete(operation: dict[str, Any], path: str, handler: HTTPRouteHandler) -> None:
    """What the framework does not know: scope, conditions, and every refusal."""
    given = inspect.signature(handler.fn).parameters
    operation["security"] = [{"token": [handler.opt["scope"]]}]
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        _plain(parameter)
    responses = operation["responses"]
    responses.pop("400", None)  # the framework's own, which is not ours
    for status, response in responses.items():
        response["description"] = HTTPStatus(int(status)).phrase
    success = next(iter(responses.values()))
    refusals = {401, 403, 503}
    if "{" in path:
        refusals |= {400, 404}
    if handler.opt.get("names_app"):
        refusals.add(404)
    if any(parameter["in"] == "query" for parameter in parameters):
        refusals.add(422)
    if "requestBody" in operation:
        refusals |= {400, 413, 415, 422}
    if taken := handler.opt.get(TAKES):
        schema = {"type": "string", "format": "binary"}
        content = {media_type: {"schema": schema} for media_type in taken}
        operation["requestBody"] = {"required": True, "content": content}
        refusals |= {413, 415, 422}
    if handler.opt.get("conflicts"):
        refusals.add(409)
    if handler.opt.get("limited"):
        refusals.add(429)
    if "repeatable" in given:
        refusals |= {409, 422}
        parameters.append(_KEY)
        success["headers"] = {"Idempotency-Replayed": _REPLAYED}
    if "versions" in given:
        refusals.add(412)
        parameters.append(_IF_MATCH)
    if produced := handler.opt.get("produces"):
        success["content"] = {media_type: {"schema": {"type": "string"}} for media_type in produced}
    if handler.opt.get("versioned"):
        success["headers"] = {"ETag": _ETAG}
    responses |= {str(status): _ref(f"responses/{status}") for status in sorted(refusals)}


def _plain(parameter: dict[str, Any]) -> None:
    """A parameter that is left out is left out: none can be null."""
    choices = [choice for choice in parameter["schema"].get("oneOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del parameter["schema"]["oneOf"]
        parameter["schema"] |= choices[0]


def _close(schema: dict[str, Any], document: dict[str, Any]) -> None:
    """A body takes no field that is not in its schema."""
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    if schema.get("title") in bodies:
        schema["additionalProperties"] = False


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{name}"}
