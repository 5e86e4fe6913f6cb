"""The API's router; its OpenAPI 3.1 document at `/api/v1/openapi.json`, and the same to read at `/docs`."""

import json
from collections.abc import Iterator
from typing import Any, Final

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from services.admin.flows.context import Context
from services.admin.routes.api import (
    api_tokens,
    apps,
    audit_log,
    branding,
    clients,
    developers,
    events,
    invitations,
    members,
    openapi,
    signing_keys,
    users,
)
from services.admin.routes.api.authentication import (
    bearer_guard,
    json_only,
    provide_principal,
    provide_recognise,
)
from services.admin.routes.api.conditions import provide_repeatable, provide_versions
from services.admin.routes.api.problems import exception_handlers
from shared.http.headers import PAGE_HEADERS
from shared.secret import Secret

PREFIX: Final = "/api/v1"
TOPICS: Final[dict[str, list[HTTPRouteHandler]]] = {
    "Apps": [*apps.ROUTES, *branding.ROUTES],
    "Clients": clients.ROUTES,
    "Users": users.ROUTES,
    "Signing keys": signing_keys.ROUTES,
    "Members": [*members.ROUTES, *invitations.ROUTES],
    "Audit log": audit_log.ROUTES,
    "Events": events.ROUTES,
    "API tokens": api_tokens.ROUTES,
    "Developers": developers.ROUTES,
}


def api_router(context: Context, operator_token: Secret) -> Router:
    """Raises: ValueError for an operation that does not say which scope it needs."""
    for handler in _handlers():
        if "scope" not in handler.opt:
            raise ValueError(f"{handler} names no scope")
    return Router(
        PREFIX,
        route_handlers=list(_handlers()),
        guards=[bearer_guard(context, operator_token), json_only],
        dependencies={
            "principal": Provide(provide_principal),
            "upload": Provide(branding.provide_upload),
            "recognise": Provide(provide_recognise),
            "repeatable": Provide(provide_repeatable),
            "versions": Provide(provide_versions),
        },
        exception_handlers=exception_handlers(),
        response_headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


@get(f"{PREFIX}/openapi.json", include_in_schema=False)
async def openapi_json() -> Response[bytes]:
    return Response(
        openapi_document(),
        media_type="application/vnd.oai.openapi+json",
        headers={"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"},
    )


@get(f"{PREFIX}/docs", include_in_schema=False)
async def docs() -> Response[Any]:
    """The document to read, drawn by us: no script, nobody else's style."""
    document = json.loads(openapi_document())
    topics: dict[str, list[Any]] = {topic: [] for topic in TOPICS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            topics[operation["tags"][0]].append((method.upper(), path, operation))
    return Template(
        "api_docs.html",
        context={
            "document": document,
            "topics": topics,
            "schemas": document["components"]["schemas"],
            "refusals": document["components"]["responses"],
            "visit": {"principal": None},
            "errors": None,
            "done": None,
        },
        media_type="text/html",
        headers=PAGE_HEADERS,
    )


def openapi_document() -> bytes:
    return openapi.openapi_document(tuple((topic, tuple(routes)) for topic, routes in TOPICS.items()), PREFIX)


def _handlers() -> Iterator[HTTPRouteHandler]:
    return (handler for routes in TOPICS.values() for handler in routes)
