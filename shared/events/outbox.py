"""The outbox: an event is written in the transaction of the change, and relayed to JetStream after.

At least once: an event leaves the table only after JetStream has stored it. Its id is the
`Nats-Msg-Id`, so JetStream drops a second publishing, and consumers are idempotent besides.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import structlog

from shared import tracing
from shared.clock import utc_now
from shared.db import UNAVAILABLE, Connection, Database
from shared.events.bus import Bus, BusUnavailable, Refused
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


class Outcome(NamedTuple):
    """Of a batch, by position."""

    published: list[int]
    failed: dict[int, Exception]
    parked: dict[int, Exception]  # of those that failed: the ones that it is the fault of


class Relay:
    """Publishes this service's events: at once when nudged, and every second besides.

    The regular look finds what another process wrote before it died, and what the database
    wrote on its own (a revocation inside a function).

    A batch is under way at once, sent in the order of positions; but an event waits for the one before it
    about the same entity, and stays behind when that one fails. What NATS refuses, or what fails again and
    again while those sent after it are stored, is parked with the reason: it no longer stands before the
    others, and has another try every ten minutes.
    """

    PERIOD_S: Final = 1.0
    BATCH: Final = 200
    BATCH_WITHIN_S: Final = 5.0  # well below idle_in_transaction_session_timeout
    TRIES: Final = 5

    def __init__(self, database: Database, bus: Bus, source: str) -> None:
        self._database = database
        self._bus = bus
        self._source = source
        self._wake = asyncio.Event()
        self._failures: dict[int, int] = {}  # by position, while others went
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
            self._oldest_at = next((row["occurred_at"] for row in rows if row["parked_at"] is None), None)
            published, failed, parked = await self._publish(rows)
            if published:
                await connection.execute(_SQL["delete_events"], published)
                _EVENTS.add(len(published), "published")
            for position, reason in parked.items():
                log.error("event parked", position=position, cause=str(reason))
                await connection.execute(_SQL["park_event"], position, str(reason))
                _EVENTS("parked")
        for position in (*published, *parked):
            self._failures.pop(position, None)
        for position, failure in failed.items():
            if position not in parked:
                raise failure  # after the commit: what was stored must not be sent again
        return len(rows) == self.BATCH or len(published) + len(parked) < len(rows)

    async def _publish(self, rows: Sequence[Any]) -> Outcome:
        """Begin for a bounded time: what is confirmed must be deleted before the transaction is too old."""
        until = time.monotonic() + self.BATCH_WITHIN_S
        sent: dict[int, asyncio.Task[Exception | None]] = {}
        latest: dict[tuple[UUID, str], asyncio.Task[Exception | None]] = {}  # about an entity
        async with asyncio.TaskGroup() as group:
            for row in rows:
                entity = row["tenant_id"], row["subject"]
                if entity in latest and await latest[entity] is not None:
                    continue
                if time.monotonic() > until:
                    break
                sent[row["position"]] = latest[entity] = group.create_task(self._send(row))
        return self._judge({position: task.result() for position, task in sent.items()})

    async def _send(self, row: Any) -> Exception | None:
        try:
            await self._bus.publish(self._envelope(row), row["traceparent"])
        except Exception as failure:
            return failure
        return None

    def _judge(self, results: dict[int, Exception | None]) -> Outcome:
        """Whose fault it was. That one fails while those after it are stored may be bad luck, once: JetStream
        had no leader for that moment."""
        published = [position for position, failure in results.items() if failure is None]
        failed = {position: failure for position, failure in results.items() if failure is not None}
        parked: dict[int, Exception] = {}
        for position, failure in failed.items():
            if published and position < published[-1]:
                self._failures[position] = self._failures.get(position, 0) + 1
            if isinstance(failure, Refused) or self._failures.get(position, 0) >= self.TRIES:
                parked[position] = failure
        return Outcome(published, failed, parked)

    def _envelope(self, row: Any) -> CloudEvent:
        return CloudEvent(
            id=row["event_id"],
            source=f"mtas/{self._source}",
            type=f"{PREFIX}.{row['type']}",
            subject=row["subject"],
            time=row["occurred_at"],
            tenantid=row["tenant_id"],
            data=row["data"],
        )
