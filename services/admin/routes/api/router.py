"""The API's router, and its OpenAPI 3.1 document at `/api/v1/openapi.json`."""

from functools import cache
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from services.admin.flows.context import Context
from services.admin.routes.api import apps, audit_log, clients, signing_keys, users
from services.admin.routes.api.authentication import bearer_guard, json_only, provide_principal
from services.admin.routes.api.problems import MEDIA_TYPE, exception_handlers
from shared.secret import Secret

PREFIX: Final = "/api/v1"
TOPICS: Final = {
    "Apps": apps.ROUTES,
    "Clients": clients.ROUTES,
    "Users": users.ROUTES,
    "Signing keys": signing_keys.ROUTES,
    "Audit log": audit_log.ROUTES,
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


def api_router(operator_token: Secret) -> Router:
    return Router(
        PREFIX,
        route_handlers=_topics(),
        guards=[bearer_guard(operator_token), json_only],
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
                    "token": SecurityScheme(type="http", scheme="bearer", bearer_format="mtas_at_…")
                }
            ),
            security=[{"token": []}],
        ),
        logging_config=None,
    )
    document: dict[str, Any] = described.openapi_schema.to_schema()
    document["components"]["schemas"]["Problem"] = _PROBLEM
    for operations in document["paths"].values():
        for operation in operations.values():
            _describe_problems(operation)
    return msgspec.json.encode(document)


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
