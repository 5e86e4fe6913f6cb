"""Ports on the loopback interface: the usual ones, others where those are taken.

Chosen ports are remembered in the data folder, so that a restart keeps them.
"""

import random
import socket
from collections.abc import Collection, Mapping, Sequence

USUAL = {
    "postgres": 5432,
    "valkey": 6379,
    "nats": 4222,
    "authorize": 8101,
    "token": 8102,
    "jwks": 8103,
    "admin": 8104,
    "smtp": 1025,
    "mailbox": 8025,
}

# Below the range that kernels take for outgoing connections (32768 up on Linux, 49152 up on
# macOS): there, a port given up for a restart may come back as the source of a connection.
SPARE: Sequence[int] = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1, and of ::1 where there is one."""
    return problem(port) is None


def problem(port: int) -> str | None:
    """Why a server could not listen on this port; None when it could."""
    for host in loopback_hosts():
        # Asking first finds a listener on all addresses, beside which macOS lets another one bind.
        if _answers(host, port):
            return "is taken"
        try:
            _bind(host, port)
        except PermissionError:
            return "may not be used by this user"
        except OSError:
            return "is taken"
    return None


def loopback_hosts() -> list[str]:
    """The loopback addresses that this machine has."""
    return ["127.0.0.1", "::1"] if _has_ipv6() else ["127.0.0.1"]


def choose(remembered: Mapping[str, int], usual: Mapping[str, int] | None = None) -> dict[str, int]:
    """A free port for each name: the remembered one, else the usual one, else any."""
    chosen: dict[str, int] = {}
    for name in USUAL:
        wanted = [source[name] for source in (remembered, usual or {}) if name in source]
        free = (port for port in wanted if port not in chosen.values() and is_free(port))
        chosen[name] = next(free, None) or spare(chosen.values())
    return chosen


def spare(avoid: Collection[int] = ()) -> int:
    """Any free port that is not one of `avoid`."""
    while True:
        port = random.choice(SPARE)  # noqa: S311 - a port is no secret
        if port not in avoid and is_free(port):
            return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _answers(host: str, port: int) -> bool:
    with socket.socket(_family(host)) as client:
        client.settimeout(0.2)
        return client.connect_ex((host, port)) == 0


def _bind(host: str, port: int) -> None:
    with socket.socket(_family(host)) as server:
        # As servers do: connections that linger in TIME_WAIT are no obstacle.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))


def _has_ipv6() -> bool:
    try:
        _bind("::1", 0)
    except OSError:
        return False
    return True
