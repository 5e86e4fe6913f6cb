"""The feed of an app's events."""

from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import QueryParameter

from services.admin.flows.api_scope import ApiScope
from services.admin.flows.feed import read_feed
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Limit
from services.admin.routes.given import GivenContext, GivenPrincipal
from shared.events.envelope import CloudEvent
from shared.settings import Doc

AppOfEvents = Annotated[
    str | None,
    QueryParameter(
        name="app",
        description="Whose events, by app ID. May be left out by a token that sees one app and no other.",
    ),
]
After = Annotated[
    str | None, QueryParameter(description="`next` of what was read last; left out: from the beginning.")
]


class EventFeed(msgspec.Struct, frozen=True, kw_only=True):
    """Events in the order in which they were recorded, each a CloudEvent (1.0) as subscribers get it."""

    items: tuple[CloudEvent, ...]
    next: Annotated[
        str | None,
        Doc(description="Send it as `after` to go on, now or later; null: nothing has happened yet."),
    ]
    more: Annotated[bool, Doc(description="Is there more to read at once?")]


@get(
    "/events",
    scope=ApiScope.EVENTS_READ,
    names_app=True,
    operation_id="read_events",
    summary="Read the feed of an app's events",
)
async def read(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppOfEvents = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> EventFeed:
    """Oldest first: every event of the app that is recorded, without a gap, as far back as the log goes.
    Ask again with `next`, as often as events are to be known."""
    feed = await read_feed(context, principal, app_id, after, limit)
    return EventFeed(items=feed.items, next=feed.next, more=feed.more)


ROUTES: list[Any] = [read]
