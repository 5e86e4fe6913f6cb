"""The audit log: record every event that MTAS publishes, and show a tenant its own."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_moment, check_limit, page
from services.admin.flows.refused import FieldError, Invalid
from services.admin.store import audit, developers
from services.admin.store.audit import Entry
from shared.events.envelope import CloudEvent

_TYPE: Final = re.compile(r"[a-z_]{1,50}\.[a-z_]{1,50}")


async def record(context: Context, event: CloudEvent) -> None:
    """Idempotent: the event's id is the entry's. Types that this version does not know count too."""
    entry = Entry(
        event_id=event.id,
        occurred_at=event.time,
        source=event.source,
        type=event.event_type,
        subject=event.subject,
        data=event.data,
    )
    async with context.database.tenant(event.tenantid) as connection:
        await audit.insert_entry(connection, event.tenantid, entry)


async def list_entries(
    context: Context,
    principal: Principal,
    app_id: str,
    type_: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Entry]:
    """Newest first, all or one type of event. Raises: NotFound, Invalid."""
    check_limit(limit)
    if type_ and not _TYPE.fullmatch(type_):
        raise Invalid("Check the fields that are named.", [FieldError("type", "Not a type of event.")])
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        rows = await audit.list_entries(
            opened.connection, opened.app.tenant_id, type_ or None, after_moment(cursor), limit + 1
        )
    return page(rows, limit, lambda entry: (entry.occurred_at, entry.event_id))


async def name_actors(context: Context, entries: Iterable[Entry]) -> dict[str, str]:
    """Email addresses of the developers whom entries name, by their name there (`developer:{id}`)."""
    ids = {_developer_id(entry.data.get("actor")) for entry in entries} - {None}
    async with context.database.connection() as connection:
        emails = await developers.list_emails(connection, [id_ for id_ in ids if id_ is not None])
    return {f"developer:{id_}": email for id_, email in emails.items()}


def _developer_id(actor: object) -> UUID | None:
    kind, _, id_ = str(actor).partition(":")
    try:
        return UUID(id_) if kind == "developer" else None
    except ValueError:
        return None
