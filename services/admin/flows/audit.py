"""The audit log: record every event that MTAS publishes, and show a tenant its own."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_moment, check_limit, page
from services.admin.flows.refused import FieldError, Invalid
from services.admin.store import api_tokens, audit, developers
from services.admin.store.audit import Entry
from shared.events.envelope import CloudEvent

_ID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ACTOR: Final = re.compile(f"developer:(?P<developer>{_ID})(?:/token:(?P<token>{_ID}))?")
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
    """In words, whom entries name as their actor: a developer by email address, their token by name."""
    actors = {str(entry.data.get("actor")) for entry in entries}
    named = {actor: found for actor in actors if (found := _ACTOR.fullmatch(actor))}
    people = [UUID(found["developer"]) for found in named.values()]
    tokens = [UUID(found["token"]) for found in named.values() if found["token"]]
    async with context.database.connection() as connection:
        emails = await developers.list_emails(connection, people)
        names = await api_tokens.list_api_token_names(connection, tokens) if tokens else {}
    words = {}
    for actor, found in named.items():
        email = emails.get(UUID(found["developer"]))
        name = names.get(UUID(found["token"])) if found["token"] else None
        if email is not None:
            words[actor] = email if name is None else f"{email}, API token “{name}”"
    return words
