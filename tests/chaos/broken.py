"""The product with every part behind a link, and the four ways to break one."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.local import ports
from deploy.local.gateway import Gateway
from deploy.local.services import is_ready
from deploy.local.stack import STORES, Stack
from deploy.secrets import SERVICES
from tests.chaos.links import Links
from tests.conftest import UNLIMITED

TARGETS: Final = ("postgres", "valkey", "nats", "gateway", *SERVICES)
AWAY_S: Final = 2.0  # killed, until somebody starts it again
PAUSED_S: Final = 5.0
CUT_S: Final = 3.0
SLOW_S: Final = 4.0
_ADDRESSES: Final = {"MTAS_DATABASE_URL": "postgres", "MTAS_VALKEY_URL": "valkey", "MTAS_NATS_URL": "nats",
                     "MTAS_AUTHORIZE_URL": "authorize", "MTAS_JWKS_URL": "jwks"}  # fmt: skip


class Linked(Stack):
    """Services reach stores, the gateway services, and clients the gateway, by links. On disk for real."""

    def __init__(self, data: Path, *, instances: Mapping[str, int] | None = None) -> None:
        super().__init__(data, spare_ports=True, limits=UNLIMITED, instances=instances)
        self.links: Final = Links()

    def _choose_ports(self) -> None:
        super()._choose_ports()
        assert self._public is not None
        taken = {*self.ports.values(), self._public.port}
        self._inner = ports.spare(taken)
        self.links.add("gateway", self._public.port, self._inner)
        for name in (*STORES, *(each for service in SERVICES for each in self.instances(service))):
            port = ports.spare({*taken, self._inner, *(self.links.port(known) for known in self.links)})
            self.links.add(name, port, self.ports[name])

    def environment(self, service: str, **changes: str) -> dict[str, str]:
        environment = super().environment(service, **changes)
        for variable, part in _ADDRESSES.items():
            if variable in environment:
                url = urlsplit(environment[variable])
                there = url.netloc.replace(f":{url.port}", f":{self.links.port(part)}")
                environment[variable] = url._replace(netloc=there).geturl()
        return environment

    def _gateway(self) -> Gateway:
        assert self._public is not None
        upstreams = {
            service: [self.links.port(name) for name in self.instances(service)] for service in SERVICES
        }
        run, log = self.folder.run, self.log("gateway")
        return Gateway(self._public, run, log, upstreams, self.tls, self._limits, port=self._inner)

    def stop(self) -> None:
        super().stop()
        self.links.close()


def wait_well(stack: Stack, within_s: float = 20.0) -> None:
    """Until every service says that it reaches what it needs."""
    deadline = time.monotonic() + within_s
    for service in SERVICES:
        for name in stack.instances(service):
            while not is_ready(stack.ports[name]) and time.monotonic() < deadline:
                time.sleep(0.02)


Fault = Callable[[Linked, str], Iterator[None]]


@contextmanager
def kill(stack: Linked, part: str) -> Iterator[None]:
    """SIGKILL; started again after a while, as a supervisor would."""
    stack.kill(part)
    try:
        yield
        time.sleep(AWAY_S)
    finally:
        stack.restart(part)


@contextmanager
def pause(stack: Linked, part: str) -> Iterator[None]:
    """SIGSTOP: there, and silent, like a machine that swaps or a network that swallows."""
    pids = with_children(stack.processes[part].pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
        time.sleep(PAUSED_S)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def cut(stack: Linked, part: str) -> Iterator[None]:
    """Every connection is reset, and new ones too."""
    stack.links.become(part, "cut")
    try:
        yield
        time.sleep(CUT_S)
    finally:
        stack.links.become(part, "through")


@contextmanager
def slow(stack: Linked, part: str) -> Iterator[None]:
    """Half a second later, whatever passes, in each direction."""
    stack.links.become(part, "slow")
    try:
        yield
        time.sleep(SLOW_S)
    finally:
        stack.links.become(part, "through")


FAULTS: Final = {"kill": kill, "pause": pause, "cut": cut, "slow": slow}


def with_children(pid: int) -> list[int]:
    """PostgreSQL has a process for every connection."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [pid, *(child for child, parent in pairs if parent == pid)]
