"""The audit log of an app."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from services.admin.flows import audit
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.views import EntryPage, entry_view
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal

Type = Annotated[str | None, QueryParameter(name="type", description="One type of event, `user.registered`.")]


@get(
    "/apps/{app_id:str}/audit-log",
    scope=ApiScope.AUDIT_READ,
    operation_id="list_audit_log",
    summary="Show an app's audit log",
)
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    event_type: Type = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> EntryPage:
    """Every event of the app, newest first."""
    page = await audit.list_entries(context, principal, app_id, event_type, cursor, limit)
    return EntryPage(items=tuple(entry_view(entry) for entry in page.items), next=page.next)


ROUTES = [list_]
