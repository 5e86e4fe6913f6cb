"""The outbox: an event is written in the transaction of the change, and relayed to JetStream after.

At least once: an event leaves the table only after JetStream has stored it. Its id is the
`Nats-Msg-Id`, so JetStream drops a second publishing, and consumers are idempotent besides.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from shared import tracing
from shared.clock import utc_now
from shared.db import UNAVAILABLE, Connection, Database
from shared.events.bus import Bus, BusUnavailable
from shared.events.catalog import Event
from shared.events.envelope import PREFIX, CloudEvent
from shared.queries import load_queries
from shared.readings import Count, Reading

log = structlog.get_logger()
_SQL = load_queries(__file__, "outbox.sql")
_EVENTS = Count("mtas_outbox_events", "Events that left the outbox, or were set aside", "outcome")


async def insert_event(
    connection: Connection, tenant_id: UUID, subject: UUID | str, event: Event, now: datetime
) -> None:
    """Record `event` about the entity `subject`, in the caller's transaction."""
    await connection.execute(
        _SQL["insert_event"],
        tenant_id,
        event.type,
        str(subject),
        msgspec.to_builtins(event),
        now,
        tracing.in_use.traceparent(),
    )


class Relay:
    """Publishes this service's events: at once when nudged, and every second besides.

    The regular look finds what another process wrote before it died, and what the database
    wrote on its own (a revocation inside a function).

    An event that fails again and again is stepped over; when those behind it can be published, and
    it still cannot, it is the event's own fault, and it is parked.
    """

    PERIOD_S: Final = 1.0
    BATCH: Final = 100
    BATCH_WITHIN_S: Final = 5.0  # well below idle_in_transaction_session_timeout
    TRIES: Final = 5

    def __init__(self, database: Database, bus: Bus, source: str) -> None:
        self._database = database
        self._bus = bus
        self._source = source
        self._wake = asyncio.Event()
        self._failures: dict[int, int] = {}  # by position, while NATS was there
        self._oldest_at: datetime | None = None  # of what waits, when this process last looked

    def nudge(self) -> None:
        """Something was just written: don't wait for the next look."""
        self._wake.set()

    def readings(self) -> Iterator[Reading]:
        yield Reading(
            "mtas_outbox_lag_seconds", "Age of the oldest event not yet in JetStream", "gauge", self._lag_s
        )

    def _lag_s(self) -> float:
        oldest = self._oldest_at
        return 0.0 if oldest is None else max(0.0, (utc_now() - oldest).total_seconds())

    async def run(self) -> None:
        """Relay until cancelled. Stores being away is waited out."""
        while True:
            self._wake.clear()
            try:
                while await self._relay_batch():
                    pass
            except (*UNAVAILABLE, BusUnavailable) as error:
                log.debug("outbox waits", error=type(error).__name__)
            except Exception:
                log.exception("outbox relay failed; will try again")
            try:
                async with asyncio.timeout(self.PERIOD_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _relay_batch(self) -> bool:
        """True when there is more to do at once."""
        async with self._database.transaction() as connection:
            if not await connection.fetchval(_SQL["lock_relay"]):
                self._oldest_at = None  # another process looks after it
                return False
            rows = await connection.fetch(_SQL["list_events"], self.BATCH)
            self._oldest_at = rows[0]["occurred_at"] if rows else None
            published, failed, parked = await self._publish([dict(row) for row in rows])
            if published:
                await connection.execute(_SQL["delete_events"], published)
                _EVENTS.add(len(published), "published")
            if parked:
                log.error("events parked", positions=parked, cause=repr(failed[parked[0]]))
                await connection.execute(_SQL["park_events"], parked)
                _EVENTS.add(len(parked), "parked")
        for position in (*published, *parked):
            self._failures.pop(position, None)
            failed.pop(position, None)
        for failure in failed.values():
            raise failure  # after the commit: what was stored must not be sent again
        return len(rows) == self.BATCH or len(published) + len(parked) < len(rows)

    async def _publish(self, rows: list[dict[str, Any]]) -> tuple[list[int], dict[int, Exception], list[int]]:
        """Publish in order, up to the first that JetStream does not confirm, and for a bounded time:
        what is confirmed must be deleted before the transaction has lasted too long.

        What was published, what failed and why, and which of those it is the fault of.
        """
        published: list[int] = []
        failed: dict[int, Exception] = {}
        parked: list[int] = []
        until = time.monotonic() + self.BATCH_WITHIN_S
        for row in rows:
            if time.monotonic() > until:
                break
            try:
                await self._bus.publish(self._envelope(row), row["traceparent"])
            except Exception as failure:
                failed[row["position"]] = failure
                if not self._may_step_over(row["position"]):
                    break
            else:
                published.append(row["position"])
        # Perhaps JetStream came back just after these had failed: each has one more try.
        last = published[-1] if published else 0
        for row in rows:
            position = row["position"]
            if position not in failed or position > last or time.monotonic() > until:
                continue
            try:
                await self._bus.publish(self._envelope(row), row["traceparent"])
            except Exception as failure:
                failed[position] = failure
                parked.append(position)
            else:
                del failed[position]
                published.append(position)
        return published, failed, parked

    def _may_step_over(self, position: int) -> bool:
        """Has it failed often enough, not counting when nothing could have been published?"""
        if self._bus.is_connected:
            self._failures[position] = self._failures.get(position, 0) + 1
        return self._failures.get(position, 0) >= self.TRIES

    def _envelope(self, row: dict[str, Any]) -> CloudEvent:
        return CloudEvent(
            id=row["event_id"],
            source=f"mtas/{self._source}",
            type=f"{PREFIX}.{row['type']}",
            subject=row["subject"],
            time=row["occurred_at"],
            tenantid=row["tenant_id"],
            data=row["data"],
        )
