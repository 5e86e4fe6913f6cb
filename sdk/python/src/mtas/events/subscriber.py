"""Subscribe to events: durable, at least once, with dead letters, and drained on SIGTERM.

The consumer is made by the operator, so that this process needs the right to read its own and nothing more.
"""

import asyncio
import contextlib
import logging
import re
import signal
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from mtas.events.catalog import Data
from mtas.events.envelope import Event, decode

log = logging.getLogger("mtas.events")
D = TypeVar("D", bound=Data)
Handler = Callable[[Event[D]], Awaitable[None]]

STREAM: Final = "MTAS"
DEAD_LETTERS: Final = "mtas.dead"
_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")
_BATCH: Final = 20
_REMEMBERED: Final = 10_000
_TOUCH_S: Final = 10.0  # the server waits 30 s for an acknowledgement
_AWAY: Final = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)


def _addresses(servers: str | list[str]) -> dict[str, Any]:
    """User and password beside the servers, not in their URLs: so they hold, too, for those of a cluster that
    nats-py is told of only once it is connected."""
    urls = [urlsplit(url) for url in ([servers] if isinstance(servers, str) else servers)]
    if not urls or urls[0].password is None:
        return {"servers": servers}
    bare = [url._replace(netloc=url.netloc.rpartition("@")[2]).geturl() for url in urls]
    return {"servers": bare, "user": urls[0].username, "password": urls[0].password}


class RetryLater(Exception):
    """Raised by a handler that cannot do its work now (a store is away): it counts as no failure."""

    def __init__(self, after_s: float = 5.0) -> None:
        super().__init__(f"again in {after_s} s")
        self.after_s: Final = after_s


class Subscriber:
    """One durable consumer. Several processes of one `name` share the work.

    An event that its handler fails `max_failures` times in one process goes to the dead letters
    (`mtas.dead.{name}.{subject}`), and the others go on.
    """

    def __init__(
        self,
        servers: str | list[str],
        name: str,
        *,
        max_failures: int = 5,
        retry_after_s: float = 1.0,
        drain_s: float = 20.0,
        **connection: Any,
    ) -> None:
        """`name` is that of the consumer and of the NATS user. Other keywords go to nats-py's `connect`."""
        if not _NAME.fullmatch(name):
            raise ValueError("a subscriber's name has small letters, digits, _ and - only")
        self._name = name
        self._max_failures = max_failures
        self._retry_after_s = retry_after_s
        self._drain_s = drain_s
        self._connection = {
            **_addresses(servers),
            "name": f"mtas-subscriber-{name}",
            "inbox_prefix": f"_INBOX_{name}".encode(),
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 1,
            "connect_timeout": 2,
            "ping_interval": 10,
            "error_cb": self._note,
            **connection,
        }
        self._handlers: dict[str, Handler[Any]] = {}
        self._failures: dict[int, int] = {}  # by sequence in the stream, while an event is not handled
        self._handled: OrderedDict[str, None] = OrderedDict()
        self._unsettled: dict[int, Msg] = {}
        self._stopping = asyncio.Event()
        self._trouble = ""

    def on(self, kind: type[D]) -> Callable[[Handler[D]], Handler[D]]:
        """Call this handler for each event of that kind. One handler a kind."""

        def register(handler: Handler[D]) -> Handler[D]:
            if kind.type in self._handlers:
                raise ValueError(f"{kind.type} has a handler already")
            self._handlers[kind.type] = handler
            return handler

        return register

    def stop(self) -> None:
        """Finish the event under way, give the others back, and let `run` return."""
        self._stopping.set()

    async def run(self, *, handle_signals: bool = True) -> None:
        """Handle events until `stop`, SIGTERM or SIGINT. While NATS is away it waits and tries again."""
        if not self._handlers:
            raise ValueError("no handlers: register some with @subscriber.on(…)")
        with self._signals() if handle_signals else contextlib.nullcontext():
            working = asyncio.create_task(self._work())
            stopping = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait((working,), timeout=self._drain_s)
            finally:
                stopping.cancel()
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            client = Client()
            try:
                if not await self._unless_stopped(client.connect(**self._connection)):
                    return
                jetstream = client.jetstream()
                subscription = await jetstream.pull_subscribe_bind(durable=self._name, stream=STREAM)
                while not self._stopping.is_set() and not client.is_closed:
                    await self._handle_batch(jetstream, subscription)
            except nats.js.errors.ServiceUnavailableError:
                self._say(f"there is no consumer {self._name} of {STREAM}: has its operator made it?")
            except _AWAY as error:
                self._say(f"waiting for NATS: {error or type(error).__name__}")
            finally:
                self._unsettled.clear()
                with contextlib.suppress(*_AWAY):
                    await client.close()
            await self._unless_stopped(asyncio.sleep(1))

    async def _handle_batch(self, jetstream: JetStreamContext, subscription: Any) -> None:
        fetched: list[Msg] = []
        try:
            await self._unless_stopped(_into(fetched, subscription.fetch(_BATCH, timeout=5)))
        except (TimeoutError, nats.errors.TimeoutError):
            return  # nothing happened meanwhile
        self._trouble = ""
        self._unsettled = {message.metadata.sequence.stream: message for message in fetched}
        touching = asyncio.create_task(self._touch())
        try:
            for sequence, message in list(self._unsettled.items()):
                if self._stopping.is_set():
                    await message.nak()  # another process may have it at once
                else:
                    await self._handle(jetstream, message)
                self._unsettled.pop(sequence, None)
        finally:
            touching.cancel()

    async def _handle(self, jetstream: JetStreamContext, message: Msg) -> None:
        try:
            event = decode(message.data)
            handler = self._handlers.get(event.type) if event is not None else None
            if event is not None and handler is not None and event.id not in self._handled:
                await handler(event)
                self._remember(event.id)
        except RetryLater as later:
            await message.nak(delay=later.after_s)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            await self._failed(jetstream, message, error)  # something of the handler's own: not the end of us
        except Exception as error:
            await self._failed(jetstream, message, error)
        else:
            self._failures.pop(message.metadata.sequence.stream, None)
            await message.ack()

    async def _failed(self, jetstream: JetStreamContext, message: Msg, error: BaseException) -> None:
        sequence = message.metadata.sequence.stream
        # Counted here, not by deliveries: one that was given back, or put off, is no failure.
        failures = self._failures[sequence] = self._failures.get(sequence, 0) + 1
        log.warning("%s was not handled (%d)", message.subject, failures, exc_info=error)
        if failures < self._max_failures:
            await message.nak(delay=self._retry_after_s * 2 ** (failures - 1))
            return
        await jetstream.publish(f"{DEAD_LETTERS}.{self._name}.{message.subject}", message.data)
        await message.term()
        del self._failures[sequence]

    async def _touch(self) -> None:
        """What waits behind a slow handler stays this process's, and so does what is handled."""
        while True:
            await asyncio.sleep(_TOUCH_S)
            for message in list(self._unsettled.values()):
                with contextlib.suppress(*_AWAY):
                    await message.in_progress()

    async def _unless_stopped(self, job: Awaitable[None]) -> bool:
        """Await it, or give it up when `stop` comes first. Whether it was finished; raises what it does."""
        doing = asyncio.ensure_future(job)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
            return doing.done()
        finally:
            for task in (doing, stopping):
                task.cancel()
            await asyncio.gather(doing, stopping, return_exceptions=True)

    def _remember(self, event_id: str) -> None:
        """An acknowledgement can get lost: then the event comes again, and this process knows it."""
        self._handled[event_id] = None
        if len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)

    async def _note(self, error: Exception) -> None:
        """Among others that the user lacks a right, of which nothing else would be heard."""
        self._say(f"NATS: {error or type(error).__name__}")

    def _say(self, trouble: str) -> None:
        """Once, until it works again."""
        if trouble != self._trouble:
            log.warning(trouble)
        self._trouble = trouble


async def _into(messages: list[Msg], fetching: Awaitable[list[Msg]]) -> None:
    messages += await fetching
