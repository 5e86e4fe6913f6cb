"""TCP proxies in a thread of their own, each before one part: they pass on, cut, or slow."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Final, Literal

from deploy.local import ports

Mode = Literal["through", "cut", "slow"]
SLOW_S: Final = 0.5
_CHUNK: Final = 65_536


class Link:
    """Connections to 127.0.0.1:`port` by another port. `slow` delays each piece, in both directions."""

    def __init__(self, name: str, port: int, target: int) -> None:
        self.name: Final = name
        self.port: Final = port
        self.target = target
        self._mode: Mode = "through"
        self._open: set[asyncio.StreamWriter] = set()

    async def listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, ports.loopback_hosts(), self.port, backlog=512)

    def become(self, mode: Mode) -> None:
        """In the loop's thread."""
        self._mode = mode
        if mode == "cut":
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "cut":
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        for end in (writer, back):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(end)
        try:
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        except asyncio.CancelledError:
            return  # all of them close
        finally:
            for end in (writer, back):
                self._open.discard(end)
                end.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while piece := await reader.read(_CHUNK):
                due = max(due, loop.time() + (SLOW_S if self._mode == "slow" else 0))
                if due <= loop.time():
                    writer.write(piece)
                    await writer.drain()
                else:
                    loop.call_at(due, writer.write, piece)
            await asyncio.sleep(max(0, due - loop.time()))
            with contextlib.suppress(OSError):
                writer.write_eof()
        except OSError:
            writer.transport.abort()


class Links:
    """All of them; asked from any thread."""

    def __init__(self) -> None:
        self._loop: Final = asyncio.new_event_loop()
        self._thread: Final = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []
        self._links: dict[str, Link] = {}
        self._thread.start()

    def add(self, name: str, port: int, target: int) -> None:
        link = self._links[name] = Link(name, port, target)
        self._servers.append(asyncio.run_coroutine_threadsafe(link.listen(), self._loop).result(5))

    def port(self, name: str) -> int:
        return self._links[name].port

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def become(self, name: str, mode: Mode) -> None:
        done = threading.Event()

        def act() -> None:
            self._links[name].become(mode)
            done.set()

        self._loop.call_soon_threadsafe(act)
        done.wait(5)

    def close(self) -> None:
        async def end() -> None:
            for server in self._servers:
                server.close()
            for link in self._links.values():
                link.become("cut")
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
