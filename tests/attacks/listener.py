"""Somewhere that a server could be led to, to show that it does not go there (SSRF)."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def listener() -> Iterator[socket.socket]:
    """Somebody who notices whoever connects."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server
