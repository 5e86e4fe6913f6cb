"""The audit log of an app, in words."""

from typing import Any

from litestar import Response, get

from services.admin.flows import audit, read_apps
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.clients import Type
from services.admin.routes.dashboard.pages import page
from services.admin.routes.dashboard.visits import GivenVisit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from shared.events.catalog import CATALOG

WORDS = {
    "tenant.created": "App registered",
    "tenant.updated": "App settings changed",
    "tenant.disabled": "App disabled",
    "tenant.enabled": "App enabled",
    "client.created": "Client added",
    "client.updated": "Client changed",
    "client.disabled": "Client disabled",
    "client.enabled": "Client enabled",
    "client.secret_rotated": "Client secret rotated",
    "member.invited": "Member invited",
    "member.invitation_revoked": "Invitation revoked",
    "member.joined": "Member joined",
    "member.role_changed": "Member's role changed",
    "member.removed": "Member removed",
    "api_token.created": "API token created",
    "api_token.revoked": "API token revoked",
    "user.registered": "User registered",
    "user.disabled": "User disabled",
    "user.enabled": "User enabled",
    "user.signed_out": "User signed out everywhere",
    "session.started": "User signed in",
    "session.ended": "User session ended",
    "family.revoked": "Grant revoked",
    "signing_key.created": "Signing key created",
    "signing_key.activated": "Signing key activated",
    "signing_key.retired": "Signing key retired",
}
"""An event that is not here is shown by its type."""


@get("/apps/{app_id:str}/audit-log")
async def list_(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    type_: Type = None,
    cursor: Cursor = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    entries = await audit.list_entries(context, principal, app_id, type_, cursor)
    return page(
        visit,
        "audit_log.html",
        app=shown.app,
        rights=shown.rights,
        entries=entries,
        actors=await audit.name_actors(context, entries.items),
        words=WORDS,
        types=sorted(CATALOG),
        type=type_ or "",
        is_first_page=cursor is None,
        section="audit-log",
    )


ROUTES = [list_]
