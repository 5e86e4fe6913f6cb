"""Sign-ins of an app and what failed, day by day."""

from datetime import UTC, date, timedelta
from typing import Final

import msgspec

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.store import activity

DAYS: Final = 30


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """`failed`: a wrong password. `refused`: a request of the app that could not be accepted."""

    day: date
    sign_in: int = 0
    sign_up: int = 0
    granted: int = 0
    failed: int = 0
    refused: int = 0


async def show_activity(context: Context, principal: Principal, app_id: str) -> tuple[Day, ...]:
    """The last thirty days in UTC, today the last, none left out. Raises: NotFound."""
    today = context.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS - 1)
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        counts = await activity.list_days(opened.connection, opened.app.tenant_id, first)
    by_day: dict[date, dict[str, int]] = {(first + timedelta(days=n)).date(): {} for n in range(DAYS)}
    for count in counts:
        day = count.day.astimezone(UTC).date()
        if day in by_day:  # a clock that is ahead may have counted for tomorrow
            by_day[day][count.kind] = count.times
    return tuple(Day(day=day, **kinds) for day, kinds in by_day.items())
