"""The dashboard's router, and `/` that leads to it."""

from typing import Final

from litestar import Response, Router, route
from litestar.di import Provide
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from services.admin.flows.context import Context
from services.admin.routes.dashboard import (
    accounts,
    api_tokens,
    apps,
    audit_log,
    branding,
    clients,
    first_sign_in,
    invitations,
    join,
    keys,
    members,
    passwords,
    secrets,
    settings,
    users,
)
from services.admin.routes.dashboard.errors import exception_handlers
from services.admin.routes.dashboard.visits import arrive, provide_principal, provide_visit
from services.admin.routes.dashboard.web import Web

PREFIX: Final = "/dashboard"
TOPICS: Final = (
    accounts,
    passwords,
    join,
    apps,
    first_sign_in,
    branding,
    settings,
    clients,
    secrets,
    users,
    keys,
    members,
    invitations,
    audit_log,
    api_tokens,
)


def dashboard_router(context: Context, web: Web) -> Router:
    handlers: list[HTTPRouteHandler] = [handler for topic in TOPICS for handler in topic.ROUTES]
    return Router(
        PREFIX,
        route_handlers=handlers,
        guards=[arrive(context, web)],
        dependencies={"visit": Provide(provide_visit), "principal": Provide(provide_principal)},
        exception_handlers=exception_handlers(),
        include_in_schema=False,
    )


@route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False)
async def home() -> Response[bytes]:
    return Response(content=b"", status_code=303, headers={"Location": PREFIX, "Cache-Control": "no-store"})
