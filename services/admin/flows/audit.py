"""The audit log: record every event that MTAS publishes, and show a tenant its own."""

import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from services.admin.flows.access import Principal, Recognise, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_moment, check_limit, page
from services.admin.flows.refused import Checks, Unauthenticated
from services.admin.store import api_tokens, audit, developers
from services.admin.store.audit import Entry, Filter
from shared.events.envelope import CloudEvent

_ID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ACTOR: Final = re.compile(f"developer:(?P<developer>{_ID})(?:/token:(?P<token>{_ID}))?")
_SHAPES: Final = {
    "type": re.compile(r"[a-z_]{1,50}\.[a-z_]{1,50}"),
    "actor": re.compile(r"[a-z0-9:/-]{1,120}"),
    "subject": re.compile(r"[A-Za-z0-9_-]{1,100}"),
}
BATCH: Final = 1000
MAX_EXPORT: Final = 100_000


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


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for, as they wrote it; what is empty is not looked for."""

    type: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: str | None = None
    until: str | None = None


async def list_entries(
    context: Context,
    principal: Principal,
    app_id: str,
    search: Search = Search(),  # noqa: B008  # frozen
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Entry]:
    """Newest first. Raises: NotFound, Invalid."""
    check_limit(limit)
    wanted, after = _filter(search), after_moment(cursor)
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        rows = await audit.list_entries(opened.connection, opened.app.tenant_id, wanted, after, limit + 1)
    return page(rows, limit, _key)


async def export_entries(
    context: Context, recognise: Recognise, app_id: str, search: Search
) -> AsyncIterator[list[Entry]]:
    """Newest first, in batches, each in a transaction of its own and up to a limit.

    Who asks, and whether they may, is looked at for each: who is removed meanwhile, or whose token or session
    ends, gets no further. Raises: NotFound, Invalid, Unauthenticated.
    """
    wanted = _filter(search)
    after = None
    for _ in range(MAX_EXPORT // BATCH):
        principal = await recognise()
        if principal is None:
            raise Unauthenticated("The token or session has ended.")
        async with open_app(context, principal, app_id, Right.VIEW) as opened:
            rows = await audit.list_entries(opened.connection, opened.app.tenant_id, wanted, after, BATCH)
        yield rows
        if len(rows) < BATCH:
            return
        after = _key(rows[-1])


def _key(entry: Entry) -> tuple[datetime, UUID]:
    return entry.occurred_at, entry.event_id


def _filter(search: Search) -> Filter:
    """Raises: Invalid, with everything that cannot be."""
    checks = Checks()
    for name, shape in _SHAPES.items():
        text = getattr(search, name)
        if text and not shape.fullmatch(text):
            checks.add(name, "This is not one.")
    since, until = _moment(checks, "since", search.since), _moment(checks, "until", search.until)
    checks.refuse_if_any()
    return Filter(
        type=search.type or None,
        actor=search.actor or None,
        subject=search.subject or None,
        since=since,
        until=until,
    )


def _moment(checks: Checks, field: str, text: str | None) -> datetime | None:
    """RFC 3339, or a date; without an offset it is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        checks.add(field, "Enter a date or a time, like 2026-01-31 or 2026-01-31T12:00:00Z.")
        return None


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
