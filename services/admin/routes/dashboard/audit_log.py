"""The audit log of an app, in words."""

from functools import partial
from operator import itemgetter
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from services.admin.flows import audit, read_apps
from services.admin.flows.audit import Search
from services.admin.routes.audit_export import Format, export_response
from services.admin.routes.dashboard.apps import Cursor
from services.admin.routes.dashboard.clients import Type
from services.admin.routes.dashboard.pages import page
from services.admin.routes.dashboard.visits import GivenVisit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal
from shared.events.catalog import CATALOG

Filter = Annotated[str | None, QueryParameter()]

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
    "member.mail_requested": "Invitation mailed",
    "member.invitation_revoked": "Invitation withdrawn",
    "member.joined": "Member joined",
    "member.role_changed": "Member's role changed",
    "member.removed": "Member removed",
    "member.password_link_requested": "Link to a new dashboard password",
    "member.password_reset": "Member's dashboard password reset",
    "api_token.created": "API token created",
    "api_token.revoked": "API token revoked",
    "user.registered": "User registered",
    "user.disabled": "User disabled",
    "user.enabled": "User enabled",
    "user.updated": "User's profile changed",
    "user.password_changed": "User's password changed",
    "user.deleted": "User deleted",
    "user.consent_given": "User allowed an app",
    "user.consent_withdrawn": "User disconnected an app",
    "mail.requested": "Mail to a user",
    "user.signed_out": "User signed out everywhere",
    "session.started": "User signed in",
    "session.renewed": "User signed in again",
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
    actor: Filter = None,
    subject: Filter = None,
    since: Filter = None,
    until: Filter = None,
    cursor: Cursor = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id)
    search = Search(type=type_, actor=actor, subject=subject, since=since, until=until)
    entries = await audit.list_entries(context, principal, app_id, search, cursor)
    asked = {name: text for name, text in msgspec.structs.asdict(search).items() if text}
    return page(
        visit,
        "audit_log.html",
        app=shown.app,
        rights=shown.rights,
        entries=entries,
        actors=await audit.name_actors(context, entries.items),
        words=WORDS,
        types=[
            ("", "Everything"),
            *sorted(((each, WORDS.get(each, each)) for each in CATALOG), key=itemgetter(1)),
        ],
        search=search,
        query="&" + urlencode(asked) if asked else "",
        is_first_page=cursor is None,
        section="audit-log",
    )


@get("/apps/{app_id:str}/audit-log/export")
async def export(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    file_format: Annotated[Format, QueryParameter(name="format")] = "csv",
    type_: Type = None,
    actor: Filter = None,
    subject: Filter = None,
    since: Filter = None,
    until: Filter = None,
) -> Stream:
    search = Search(type=type_, actor=actor, subject=subject, since=since, until=until)
    batches = audit.export_entries(context, partial(visit.recognised, context), app_id, search)
    return await export_response(batches, file_format, app_id)


ROUTES = [list_, export]
