"""A service behind the gateway that keeps what reached it, byte for byte."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.gateway.wire import headers_of, reply


@dataclass(frozen=True, slots=True)
class Request:
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def headers(self) -> list[tuple[str, str]]:
        return headers_of(self.head)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


# Answers a request; None drops the connection instead.
Behaviour = Callable[[Request], Awaitable[bytes | None]]


async def echo(request: Request) -> bytes | None:
    return reply(200, request.line.encode())


class Service:
    """One instance on a port of its own. Health checks are answered, but not kept."""

    def __init__(self) -> None:
        self.port = 0
        self.forget()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def forget(self) -> None:
        self.requests: list[Request] = []
        self.behaviour: Behaviour = echo
        self.ready = True

    async def start(self) -> Self:
        """Listen; after a stop, on the same port again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Be gone at once, as after kill -9."""
        if self._server:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    @property
    def last(self) -> Request:
        return self.requests[-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", head), f"a lone CR or LF reached a service: {head!r}"
        length = int(dict(headers_of(head)).get("content-length", "0"))
        request = Request(head, await reader.readexactly(length))
        if request.target == "/readyz":
            answer: bytes | None = reply(200 if self.ready else 503)
        else:
            self.requests.append(request)
            answer = await self.behaviour(request)
        if answer is None:
            return False
        writer.write(answer)
        await writer.drain()
        return True
