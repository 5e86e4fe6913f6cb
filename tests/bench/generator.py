"""The load: connections that stay open, each with one request under way.

It shares the machine's cores with what it measures, so it is cheap: requests are bytes that were
made before, and of a response it reads the status, the length, and what its caller looks for.
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length: "
_WITHOUT_BODY: Final = (204, 304)
_PATIENCE_S: Final = 20.0
SAMPLE_EVERY: Final = 61
MOST_SAMPLES: Final = 24

Address = tuple[str, int]


class Caller(Protocol):
    """What one connection asks, one request after another."""

    def request(self) -> bytes | None:
        """The next request; None when there is no more."""

    def answer(self, status: int, response: bytes, body_at: int) -> bool:
        """Is it right?"""

    def subject(self) -> object:
        """Whom the last request was about, for whoever verifies the answer later."""


class OutOfRequests(Exception):
    """A timed load needs more requests than were made for it."""


@dataclass
class Load:
    """What came of one."""

    latencies_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[object, bytes]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def throughput(self) -> float:
        return len(self.latencies_s) / self.seconds


async def drive(
    callers: Sequence[Caller],
    addresses: Sequence[Address],
    *,
    warm_up_s: float,
    seconds: float,
    on_window: Callable[[], None] = lambda: None,
) -> Load:
    """Load for so long after a warm-up; `on_window` is called at both ends of what is counted.

    Raises: OutOfRequests.
    """
    crew = _Crew()
    await crew.connect(callers, addresses)
    crew.go()
    await _whichever_first(crew.ended, warm_up_s)
    on_window()
    crew.counting, began = True, time.perf_counter()
    await _whichever_first(crew.ended, seconds)
    crew.load.seconds = time.perf_counter() - began
    crew.counting = False
    on_window()
    if crew.ran_out:
        crew.close()
        raise OutOfRequests
    await crew.finish()
    return crew.load


async def drain(callers: Sequence[Caller], addresses: Sequence[Address]) -> Load:
    """Ask everything that the callers have, once."""
    crew = _Crew()
    await crew.connect(callers, addresses)
    crew.counting, began = True, time.perf_counter()
    crew.go()
    await crew.ended.wait()
    crew.load.seconds = time.perf_counter() - began
    crew.close()
    return crew.load


async def _whichever_first(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


class _Crew:
    """All connections of one load."""

    def __init__(self) -> None:
        self.load: Final = Load()
        self.counting = False
        self.stopping = False
        self.ran_out = False
        self.ended: Final = asyncio.Event()
        self._connections: list[_Connection] = []
        self._busy = 0
        self._answers = 0

    async def connect(self, callers: Sequence[Caller], addresses: Sequence[Address]) -> None:
        loop = asyncio.get_running_loop()
        for number, caller in enumerate(callers):
            connection = _Connection(self, caller)
            host, port = addresses[number % len(addresses)]
            # Each its own loopback address where there are many (Linux): limits count by address.
            try:
                await loop.create_connection(
                    lambda made=connection: made,  # type: ignore[misc]
                    host,
                    port,
                    local_addr=(f"127.0.1.{number % 250 + 1}", 0),
                )
            except OSError:
                await loop.create_connection(lambda made=connection: made, host, port)  # type: ignore[misc]
            self._connections.append(connection)

    def go(self) -> None:
        gc.collect()
        gc.disable()
        self._busy = len(self._connections)
        for connection in self._connections:
            connection.send()

    async def finish(self) -> None:
        """Let what is under way come back: an answer that is lost would be a retry later."""
        self.stopping = True
        await _whichever_first(self.ended, _PATIENCE_S)
        if not self.ended.is_set():
            self.load.errors[f"no answer within {_PATIENCE_S:.0f} s"] += self._busy
        self.close()

    def close(self) -> None:
        gc.enable()
        self.stopping = True
        for connection in self._connections:
            connection.close()

    def record(self, caller: Caller, took_s: float, right: bool, response: bytes) -> None:
        if not right:
            self.load.errors[_summary(response)] += 1
        elif self.counting:
            self.load.latencies_s.append(took_s)
        self._answers += 1
        if self._answers % SAMPLE_EVERY == 1 and len(self.load.samples) < MOST_SAMPLES:
            self.load.samples.append((caller.subject(), response))

    def idle(self) -> None:
        """A connection has nothing more to do."""
        self._busy -= 1
        if self._busy == 0:
            self.ended.set()


class _Connection(asyncio.Protocol):
    def __init__(self, crew: _Crew, caller: Caller) -> None:
        self._crew = crew
        self._caller = caller
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""
        self._sent_at = 0.0
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own, which is none by inheritance.
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self) -> None:
        request = self._caller.request()
        if request is None or self._transport is None:
            self._crew.ran_out = True
            self._crew.idle()
            return
        self._waits = True
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        end = data.find(_END_OF_HEAD)
        if end < 0:
            self._received = data
            return
        status, body_at = int(data[9:12]), end + 4
        at = data.find(_LENGTH, 0, end)
        if at >= 0:
            start = at + len(_LENGTH)
            length = int(data[start : data.find(b"\r\n", start)])
        elif status in _WITHOUT_BODY:
            length = 0
        else:
            self._fail("a response without a length")
            return
        if len(data) < body_at + length:
            self._received = data
            return
        took_s = time.perf_counter() - self._sent_at
        self._received = b""
        self._waits = False
        right = self._caller.answer(status, data, body_at)
        self._crew.record(self._caller, took_s, right, data)
        if self._crew.stopping:
            self._crew.idle()
        else:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waits:
            self._fail("the connection was closed")

    def _fail(self, reason: str) -> None:
        """The connection is of no more use."""
        self._waits = False
        self._crew.load.errors[reason] += 1
        self._crew.idle()
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _summary(response: bytes) -> str:
    head, _, body = response.partition(_END_OF_HEAD)
    return f"{head[9:12].decode('latin-1')} {body[:120].decode('latin-1')}".strip()
