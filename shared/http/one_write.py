"""uvicorn's HTTP/1.1, with an answer's head and body in one write.

uvicorn writes them apart: two system calls here, two packets, and two wake-ups of the gateway for
each token. The head waits for the first of the body, which follows it at once.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD: Final = b"HTTP/1.1 "
_INTERIM: Final = b"HTTP/1.1 1"  # 100 Continue: the client waits for it


class _HeldHead:
    """A transport that keeps an answer's head back until the next write, or `release`."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport: Final = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD) and not data.startswith(_INTERIM):
            self._head = data
            return
        self._transport.write(data)

    def release(self) -> None:
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.release()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_HeldHead(transport))  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        if isinstance(self.transport, _HeldHead):
            self.transport.release()  # an answer without a body, to HEAD
        super().on_response_complete()
