"""The feed of an app's events, for subscribers that don't speak NATS, and for those that do to reconcile by.

What the relays have published and this service has recorded, in the order of recording: never does one appear
before another that was seen (`admin.feeds`). It goes back as far as the audit log is kept.
"""

from uuid import UUID

import msgspec

from services.admin.flows import read_apps
from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.paging import DEFAULT_LIMIT, after_number, check_limit, cursor_of
from services.admin.flows.refused import FieldError, Invalid, NotFound
from services.admin.store import audit
from services.admin.store.audit import Placed
from shared.events.envelope import PREFIX, CloudEvent


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is where to go on, now or later; None where nothing was ever seen. `more` is there already."""

    items: tuple[CloudEvent, ...]
    next: str | None
    more: bool


async def read_feed(
    context: Context,
    principal: Principal,
    app_id: str | None,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Feed:
    """Oldest first. Without `app_id`, of the one app that the principal sees. Raises: NotFound, Invalid."""
    check_limit(limit)
    position = after_number(after)
    slug = app_id if app_id is not None else await _only_app(context, principal)
    async with open_app(context, principal, slug, Right.VIEW) as opened:
        tenant_id = opened.app.tenant_id
        rows = await audit.list_feed(opened.connection, tenant_id, position, limit + 1)
    seen = rows[:limit]
    return Feed(
        items=tuple(_cloud_event(row, opened.app.tenant_id) for row in seen),
        next=cursor_of(seen[-1].position) if seen else after,
        more=len(rows) > limit,
    )


async def _only_app(context: Context, principal: Principal) -> str:
    """Raises: NotFound, Invalid."""
    found = await read_apps.list_apps(context, principal, limit=1)
    if not found.items:
        raise NotFound
    if found.next is not None:
        raise Invalid("Check the fields that are named.", [FieldError("app", "Say whose events.")])
    return found.items[0].slug


def _cloud_event(row: Placed, tenant_id: UUID) -> CloudEvent:
    """As it went over NATS."""
    return CloudEvent(
        id=row.event_id,
        source=row.source,
        type=f"{PREFIX}.{row.type}",
        subject=row.subject,
        time=row.occurred_at,
        tenantid=tenant_id,
        data=row.data,
    )
