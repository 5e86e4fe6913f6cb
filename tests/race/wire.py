"""HTTP/1.1 as far as a race needs it: every request of a volley leaves in the same turn of the loop."""

import asyncio
import re
from time import monotonic
from typing import Any, cast

import msgspec

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
ANSWER_WITHIN_S = 20.0
_IDLE_S = 30.0  # the gateway closes after 60: a request must not meet that


class Lost(Exception):
    """The connection ended before the answer: whether it was decided, nobody has said."""


class Answer(msgspec.Struct, frozen=True):
    """What came back, and between which two moments it was decided."""

    status: int
    body: dict[str, Any]
    asked: float
    told: float


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = False
        self.used = monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one without inheriting from it.
        self._transport, self.is_open = cast(asyncio.Transport, transport), True

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Lost(str(error or "closed")))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = _LENGTH.search(self._received, 0, end)
        if length is None or len(self._received) < end + int(length[1]):
            return
        status, body = int(self._received[9:12]), self._received[end:]
        self._received = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))

    def send(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Wire:
    """Connections to one process. Those that are idle are used again."""

    def __init__(self, port: int, host: str | None = None) -> None:
        self._port = port
        self._host = host or f"127.0.0.1:{port}"
        self._idle: list[_Connection] = []

    async def ask(self, path: str, form: bytes, authorization: str) -> Answer:
        """POST a form. Raises: Lost, OSError when nobody listens."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: {authorization}\r\n"
            f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(form)}\r\n\r\n"
        )
        return await self._exchange(head.encode() + form)

    async def get(self, path: str, authorization: str | None = None) -> Answer:
        """Raises: as `ask` does."""
        credentials = f"authorization: {authorization}\r\n" if authorization else ""
        return await self._exchange(
            f"GET {path} HTTP/1.1\r\nhost: {self._host}\r\n{credentials}\r\n".encode()
        )

    async def _exchange(self, request: bytes) -> Answer:
        connection = self._take() or await self._connect()
        asked = monotonic()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                status, body = await connection.send(request)
        except BaseException:
            connection.close()
            raise
        told = connection.used = monotonic()
        self._idle.append(connection)
        return Answer(status, msgspec.json.decode(body) if body[:1] == b"{" else {}, asked, told)

    async def warm(self, number: int) -> None:
        """Have so many connections open, so that a volley waits for none."""
        self._idle = [connection for connection in self._idle if connection.is_open]
        missing = number - len(self._idle)
        self._idle += await asyncio.gather(*(self._connect() for _ in range(missing)))

    def close(self) -> None:
        while connection := self._take():
            connection.close()

    def _take(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and monotonic() - connection.used < _IDLE_S:
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection
