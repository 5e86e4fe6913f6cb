"""The connection to NATS: publish to JetStream, consume from it, and listen plainly.

It connects in the background and reconnects for ever. While it is away, publishing raises
`BusUnavailable` (the outbox keeps the event) and consuming waits.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import nats
import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shared import tracing
from shared.db import UNAVAILABLE
from shared.events import envelope
from shared.events.envelope import CONTENT_TYPE, CloudEvent
from shared.hosts import nats_options
from shared.readings import Count, Reading
from shared.secret import Secret
from shared.unavailable import Unavailable

log = structlog.get_logger()

STREAM: Final = "MTAS"
DEAD_LETTERS: Final = "mtas.dead"
TRACEPARENT: Final = "traceparent"
"""Header of a message, when what it came from is traced."""
MAX_FAILURES: Final = 5
_BATCH: Final = 50
_PUBLISH_TIMEOUT_S: Final = 2.0
_HEADERS_AT_MOST: Final = 512  # bytes, which NATS counts in
_TOO_LARGE_FOR_THE_STREAM: Final = 10054
_FORBIDDEN: Final = re.compile(r'permissions violation for publish to "(?P<subject>[^"]+)"', re.IGNORECASE)

_HANDLED: Final = Count("mtas_events", "Events that a consumer was given", "outcome")

Handler = Callable[[CloudEvent], Awaitable[None]]


class BusUnavailable(Exception):
    """NATS is away, or did not confirm in time."""


class Refused(Exception):
    """NATS will not take this event, however often it is asked: it says why."""


class Hopeless(Exception):
    """A handler says so of an event that no second try will help: to the dead letters at once."""


class Bus:
    """One connection a process. `name` is the service: its NATS user, durable consumer and inbox."""

    retry_after_s = 1.0  # an event that failed comes again after this, doubled each time

    def __init__(self, url: Secret, name: str) -> None:
        self._url = url
        self._name = name
        self._client = NatsClient()
        self._jetstream: JetStreamContext | None = None
        self._listeners: list[tuple[str, Handler]] = []
        self._on_reconnect: list[Callable[[], None]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._pending: dict[str, int] = {}  # by consumer: behind those that were fetched last
        self._unconfirmed: dict[str, list[asyncio.Future[Any]]] = {}  # by subject
        self._failures: dict[tuple[str, int], int] = {}  # of an event of a consumer, while it is not handled

    def listen(self, subject: str, handler: Handler) -> None:
        """Hear events plainly, on every instance, without acknowledgement. Call before `run`."""
        self._listeners.append((subject, handler))

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Called whenever events may have been missed."""
        self._on_reconnect.append(callback)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    def readings(self) -> Iterator[Reading]:
        yield Reading(
            "mtas_nats_connected", "Is NATS there", "gauge", lambda: float(self._client.is_connected)
        )
        yield Reading(
            "mtas_consumer_pending", "Events yet to be handled", "gauge", lambda: sum(self._pending.values())
        )

    async def run(self) -> None:
        """Connect, and stay connected until cancelled."""
        try:
            while True:
                closed = asyncio.Event()
                try:
                    await self._connect(closed)
                except Exception as error:  # the client raises more than it says
                    log.debug("NATS is away", error=type(error).__name__)
                    await asyncio.sleep(1)
                    continue
                await closed.wait()
                log.warning("NATS has closed the connection for good: connecting anew")
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await self._client.drain()

    async def publish(self, event: CloudEvent, cause: str | None = None) -> None:
        """Store `event` in JetStream, which has it when this returns. Several may be under way: they are sent
        in the order in which this is called.

        `cause` is the traceparent of what it was written in; of the publishing, it goes with the event.
        Raises: BusUnavailable unless the server confirmed it; Refused when it never will.
        """
        if self._jetstream is None or not self._client.is_connected:
            raise BusUnavailable
        headers = {"Nats-Msg-Id": str(event.id), "Content-Type": CONTENT_TYPE}
        subject, payload = envelope.nats_subject(event.tenantid, event.event_type), envelope.encode(event)
        if len(payload) + _HEADERS_AT_MOST > self._client.max_payload:
            raise Refused(f"{len(payload):,} bytes are more than NATS takes")
        try:
            with tracing.in_use.publishing(event.event_type, cause) as traceparent:
                if traceparent is not None:
                    headers[TRACEPARENT] = traceparent
                confirmed = await self._jetstream.publish_async(subject, payload, headers=headers)
                await self._confirmation(subject, confirmed)
        except nats.js.errors.APIError as error:
            if error.err_code == _TOO_LARGE_FOR_THE_STREAM:
                raise Refused(error.description) from error
            raise BusUnavailable(error.description) from error
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            raise BusUnavailable(type(error).__name__) from error

    async def _confirmation(self, subject: str, confirmed: "asyncio.Future[Any]") -> None:
        """JetStream's, or NATS's word that this subject is not ours: it comes apart from what was sent."""
        self._unconfirmed.setdefault(subject, []).append(confirmed)
        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT_S):
                await confirmed
        finally:
            self._unconfirmed[subject].remove(confirmed)
            if not self._unconfirmed[subject]:
                del self._unconfirmed[subject]

    async def consume(self, handler: Handler, *, at_once: int = 1, durable: str | None = None) -> None:
        """Hand every event of this service's durable consumer to `handler`, until cancelled. `durable` names
        another one than that of the service's own name.

        The handler must be idempotent. When it raises, the event comes again, later each time;
        after MAX_FAILURES, or when it is Hopeless, it goes to the dead letters and the others go on.
        While the database is away it just comes again. One after the other; with `at_once` so many
        beside each other, in no order, for a handler that mostly waits.
        """
        waiting = False
        consumer = durable or self._name
        while True:
            if self._jetstream is None:
                await asyncio.sleep(0.1)
                continue
            subscription: Any = None
            try:
                subscription = await self._jetstream.pull_subscribe_bind(durable=consumer, stream=STREAM)
                while True:
                    await self._consume_batch(subscription, consumer, handler, at_once)
                    waiting = False
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                if not waiting:
                    log.warning("consumer waits", error=type(error).__name__)
                waiting = True
            finally:
                if subscription is not None:
                    with contextlib.suppress(Exception):
                        await subscription.unsubscribe()
            await asyncio.sleep(1)

    async def _consume_batch(self, subscription: Any, consumer: str, handler: Handler, at_once: int) -> None:
        try:
            messages = await subscription.fetch(_BATCH if at_once == 1 else at_once, timeout=5)
        except (TimeoutError, nats.errors.TimeoutError):
            messages = []
        if not messages:  # which a request that ends with a status message gives too
            self._pending[consumer] = 0
            return
        if messages:  # a fetch may also end early, with nothing
            self._pending[consumer] = messages[-1].metadata.num_pending
        if at_once > 1:
            await asyncio.gather(*(self._handle(message, consumer, handler) for message in messages))
            return
        for message in messages:
            await self._handle(message, consumer, handler)

    async def _handle(self, message: Msg, consumer: str, handler: Handler) -> None:
        key = consumer, message.metadata.sequence.stream
        try:
            event = envelope.decode(message.data)
            cause = (message.headers or {}).get(TRACEPARENT)
            with tracing.in_use.consuming(event.event_type, cause):
                await handler(event)
        except (*UNAVAILABLE, Unavailable) as error:
            _HANDLED("waits")
            # Not the event's fault, and no reason to give it up: it waits for the store, however long.
            log.info("event waits", subject=message.subject, cause=type(error).__name__)
            await message.nak(delay=self.retry_after_s * min(30, 2**message.metadata.num_delivered))
        except Hopeless as error:
            log.warning("event given up", subject=message.subject, cause=str(error))
            await self._bury(message)
        except Exception as error:
            # Counted here, not by num_delivered: a delivery while a store was away is not its fault.
            _HANDLED("failed")
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            log.warning("event not handled", subject=message.subject, failures=failures, exc_info=error)
            if failures >= MAX_FAILURES:
                await self._bury(message)
                del self._failures[key]
            else:
                await message.nak(delay=self.retry_after_s * 2**failures)
        else:
            await message.ack()
            _HANDLED("handled")
            self._failures.pop(key, None)

    async def _bury(self, message: Msg) -> None:
        assert self._jetstream is not None
        _HANDLED("dead")
        await self._jetstream.publish(f"{DEAD_LETTERS}.{self._name}.{message.subject}", message.data)
        await message.term()

    async def _connect(self, closed: asyncio.Event) -> None:
        client = self._client = NatsClient()
        await client.connect(
            **nats_options(self._url.reveal()),
            name=f"mtas-{self._name}",
            inbox_prefix=f"_INBOX_{self._name}".encode(),
            connect_timeout=2,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=10,
            max_outstanding_pings=2,
            error_cb=self._error,
            reconnected_cb=self._reconnected,
            closed_cb=_setting(closed),
        )
        for subject, handler in self._listeners:
            await client.subscribe(subject, cb=_plain(handler))
        self._jetstream = client.jetstream()
        await self._reconnected()

    async def _reconnected(self) -> None:
        """Forget now, and once more when the server has surely read our subscriptions."""
        self._missed_some()
        self._flushing = asyncio.create_task(self._flush_and_forget())

    async def _flush_and_forget(self) -> None:
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await self._client.flush(timeout=2)
        self._missed_some()

    async def _error(self, error: Exception) -> None:
        log.debug("NATS connection", error=type(error).__name__)
        if (forbidden := _FORBIDDEN.search(str(error))) is not None:
            for confirmed in self._unconfirmed.get(forbidden["subject"], ()):
                if not confirmed.done():
                    confirmed.set_exception(Refused(f"NATS lets {self._name} not publish this"))
        if isinstance(error, nats.errors.SlowConsumerError):  # events came faster than we heard them
            self._missed_some()

    def _missed_some(self) -> None:
        for callback in self._on_reconnect:
            callback()


def _setting(closed: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def set_it() -> None:
        closed.set()

    return set_it


def _plain(handler: Handler) -> Callable[[Msg], Awaitable[None]]:
    async def hear(message: Msg) -> None:
        try:
            await handler(envelope.decode(message.data))
        except Exception:
            log.exception("listener failed", subject=message.subject)

    return hear
