"""The audit log of an app: in pages, and as a file."""

from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from services.admin.flows import audit
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.audit import MAX_EXPORT, Search
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.views import EntryPage, entry_view
from services.admin.routes.audit_export import Format, export_response
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal, GivenRecognise

Type = Annotated[str | None, QueryParameter(name="type", description="One type of event, `user.registered`.")]
Actor = Annotated[
    str | None,
    QueryParameter(description="Who did it: `operator`, or `developer:{id}`, with their API tokens."),
]
Subject = Annotated[str | None, QueryParameter(description="What it was done to, by its id.")]
Since = Annotated[str | None, QueryParameter(description="From then on (RFC 3339, or a date).")]
Until = Annotated[str | None, QueryParameter(description="Before then (RFC 3339, or a date).")]
FileFormat = Annotated[Format, QueryParameter(name="format", description="ndjson or csv.")]
_LOG = "/apps/{app_id:str}/audit-log"


@get(_LOG, scope=ApiScope.AUDIT_READ, operation_id="list_audit_log", summary="Show an app's audit log")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    event_type: Type = None,
    actor: Actor = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> EntryPage:
    """Every event of the app, newest first."""
    search = Search(type=event_type, actor=actor, subject=subject, since=since, until=until)
    page = await audit.list_entries(context, principal, app_id, search, cursor, limit)
    return EntryPage(items=tuple(entry_view(entry) for entry in page.items), next=page.next)


@get(
    _LOG + "/export",
    scope=ApiScope.AUDIT_READ,
    produces=("application/x-ndjson", "text/csv"),
    operation_id="export_audit_log",
    summary="Export an app's audit log",
    description=f"The same as a file, up to {MAX_EXPORT} entries: a line of JSON, or a row of CSV, each.",
)
async def export(
    context: GivenContext,
    recognise: GivenRecognise,
    app_id: AppId,
    file_format: FileFormat = "ndjson",
    event_type: Type = None,
    actor: Actor = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
) -> Stream:
    search = Search(type=event_type, actor=actor, subject=subject, since=since, until=until)
    batches = audit.export_entries(context, recognise, app_id, search)
    return await export_response(batches, file_format, app_id)


ROUTES: list[Any] = [list_, export]
