"""A name server that comes and goes, as a container network's does, and a command that believes in it."""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

ADDRESS = f"127.53.{os.getpid() // 256 % 256}.{os.getpid() % 256}"
"""Resolvers know no other port than 53, so an address for each run of the tests."""

_A = (1).to_bytes(2)


def names_of(service: str) -> list[str]:
    """Many, so that many answers come at once."""
    return [f"{service}-{number}.test" for number in range(8)]


def may_be_believed() -> bool:
    """Whether we may mount, and have port 53."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


def believing_in(resolv_conf: Path, *command: str | Path) -> list[str | Path]:
    """The command, in a mount namespace of its own with this as /etc/resolv.conf. See `may_be_believed`."""
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, resolv_conf, *command]


class NameServer:
    """Answers what came together at once, and is away for a moment then. Of IPv6 addresses it has none."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = dict(names)
        self.asked: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def of(cls, names: Mapping[str, str]) -> AsyncIterator[Self]:
        server = cls(names)
        first = server._bound()
        task = asyncio.create_task(server._come_and_go(first))
        try:
            yield server
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        bound.bind((ADDRESS, 53))
        return bound

    async def _come_and_go(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with bound:
                questions = [await loop.sock_recvfrom(bound, 512)]
                await asyncio.sleep(0.05)
                with suppress(BlockingIOError):
                    while True:
                        questions.append(bound.recvfrom(512))
                answers = [(self.answer(question), asker) for question, asker in questions]
                for answer, asker in answers:
                    bound.sendto(answer, asker)
            await asyncio.sleep(0.1)
            bound = self._bound()

    def answer(self, question: bytes) -> bytes:
        """RFC 1035 §4.1: the address, no data (IPv6), or NXDOMAIN; what is after the question is left out."""
        labels = list(_labels(question))
        end = 12 + sum(len(label) + 1 for label in labels) + 5
        name = b".".join(labels).decode()
        self.asked.add(name)
        address = self.names.get(name)
        found = address is not None and question[end - 4 : end - 2] == _A
        flags = b"\x81\x80" if address else b"\x81\x83"
        head = question[:2] + flags + bytes([0, 1, 0, found, 0, 0, 0, 0]) + question[12:end]
        if address is None or not found:
            return head
        return head + b"\xc0\x0c" + _A + bytes([0, 1, 0, 0, 0, 1, 0, 4]) + socket.inet_aton(address)


def _labels(question: bytes) -> Iterator[bytes]:
    at = 12
    while length := question[at]:
        yield question[at + 1 : at + 1 + length]
        at += 1 + length
