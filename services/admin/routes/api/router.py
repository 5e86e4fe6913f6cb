"""The API's router, and its OpenAPI 3.1 document at `/api/v1/openapi.json`."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from services.admin.flows.context import Context
from services.admin.routes.api import api_tokens, apps, audit_log, clients, members, signing_keys, users
from services.admin.routes.api.authentication import bearer_guard, json_only, provide_principal
from services.admin.routes.api.problems import MEDIA_TYPE, exception_handlers
from shared.secret import Secret

PREFIX: Final = "/api/v1"
TOPICS: Final = {
    "Apps": apps.ROUTES,
    "Clients": clients.ROUTES,
    "Users": users.ROUTES,
    "Signing keys": signing_keys.ROUTES,
    "Members": members.ROUTES,
    "Audit log": audit_log.ROUTES,
    "API tokens": api_tokens.ROUTES,
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `errors` name fields by JSON pointer, or parameters by name.",
    "required": ["title", "status"],
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


def api_router(context: Context, operator_token: Secret) -> Router:
    """Raises: ValueError for an operation that does not say which scope it needs."""
    for handler in _handlers():
        if "scope" not in handler.opt:
            raise ValueError(f"{handler} names no scope")
    return Router(
        PREFIX,
        route_handlers=_topics(),
        guards=[bearer_guard(context, operator_token), json_only],
        dependencies={"principal": Provide(provide_principal)},
        exception_handlers=exception_handlers(),
        response_headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


@get(f"{PREFIX}/openapi.json", include_in_schema=False)
async def openapi_json() -> Response[bytes]:
    return Response(
        openapi_document(),
        media_type="application/vnd.oai.openapi+json",
        headers={"Cache-Control": "public, max-age=300"},
    )


@cache
def openapi_document() -> bytes:
    """Drawn from the handlers, by an application that only describes; ours has no place for docs pages."""
    described = Litestar(
        [Router(PREFIX, route_handlers=_topics())],
        dependencies={"context": _described(Context), "principal": _described(object)},
        openapi_config=OpenAPIConfig(
            title="MTAS admin API",
            version="1",
            description="Register apps, manage their clients and users, read the audit log.",
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
    handlers = {handler.operation_id: handler for handler in _handlers()}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["security"] = [{"token": [handlers[operation["operationId"]].opt["scope"]]}]
            _describe_problems(operation)
    return msgspec.json.encode(document)


def _handlers() -> Iterator[HTTPRouteHandler]:
    return (handler for routes in TOPICS.values() for handler in routes)


def _topics() -> list[Router]:
    return [Router("", route_handlers=list(routes), tags=[topic]) for topic, routes in TOPICS.items()]


def _described(kind: type) -> Provide:
    def provide() -> Any:
        raise AssertionError(f"the describing application gives no {kind.__name__}")

    return Provide(provide, sync_to_thread=False)


def _describe_problems(operation: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses = operation["responses"]
    responses.pop("400", None)  # the framework's own, which is not ours
    responses["default"] = {"description": "Refused (RFC 9457)", "content": content}
