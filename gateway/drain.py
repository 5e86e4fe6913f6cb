"""Let the gateway finish its work before it is stopped.

Envoy drops everything under way on SIGTERM, whatever `--drain-time-s` says. So whoever stops it
drains first, through the admin interface, and then sends the signal.
"""

import http.client
import re
import socket
import time
from pathlib import Path

Address = tuple[str, int]

_ACTIVE = "http.public.downstream_rq_active"


def drain(admin: Path | Address, *, timeout_s: float = 10) -> bool:
    """Stop listening, wait for the requests under way, and say whether all of them ended in time.

    Raises: OSError when nobody answers at `admin`.
    """
    _ask(admin, "POST", "/drain_listeners")
    deadline = time.monotonic() + timeout_s
    # Every worker closes its own listener, a moment after the answer: once quiet is not yet over.
    quiet = 0
    while quiet < 3:
        quiet = 0 if _active(admin) else quiet + 1
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _active(admin: Path | Address) -> int:
    stats = _ask(admin, "GET", f"/stats?filter=^{re.escape(_ACTIVE)}$")
    return int(stats.rpartition(":")[2])


def _ask(admin: Path | Address, method: str, path: str) -> str:
    connection = _Unix(admin) if isinstance(admin, Path) else http.client.HTTPConnection(*admin, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    if response.status != 200:
        raise OSError(f"the gateway's admin interface answered {response.status} to {path}")
    return body


class _Unix(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
