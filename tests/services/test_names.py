"""Stores that are known by names, and a name server that keeps silent for a while."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ROOT
from deploy.local.stack import Stack
from tests.gateway.names import ADDRESS, NameServer, believing_in, may_be_believed

SILENT_S = 1.5
FOUND_WITHIN_S = 2.5
"""glibc's own 5 s would be over 3.5 s after the silence."""

CLIENT = """
import asyncio, sys
import uvloop
from shared.secret import Secret
from shared.valkey import UNAVAILABLE, open_valkey

async def main():
    valkey = open_valkey(Secret(sys.argv[1]))
    async def ping():
        while True:
            try:
                return await valkey.ping()
            except UNAVAILABLE:
                await asyncio.sleep(0.05)
    await ping()
    for line in ("connected", "connected again"):
        print(line, flush=True)
        sys.stdin.readline()
        await valkey.connection_pool.disconnect()
        await asyncio.gather(*(ping() for _ in range(8)))

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


class Resolver(asyncio.DatagramProtocol):
    """A name server that can be told to keep silent."""

    def __init__(self) -> None:
        self._known = NameServer({"valkey.test": "127.0.0.1"})
        self.is_silent = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.is_silent:
            self._transport.sendto(self._known.answer(data), addr)


@pytest.mark.skipif(not may_be_believed(), reason="takes root: port 53, and a resolv.conf of its own")
async def test_stores_are_found_as_soon_as_the_name_server_answers_again(
    stack: Stack, tmp_path: Path
) -> None:
    """As the image asks: every thread that looks names up would wait for glibc's 5 s (ADR 0032)."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver {ADDRESS}\n")
    url = stack.valkey.url("token").replace("127.0.0.1", "valkey.test")
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Resolver, local_addr=(ADDRESS, 53))
    try:
        client = await asyncio.create_subprocess_exec(
            *believing_in(resolv_conf, sys.executable, "-c", CLIENT, url),
            env=os.environ | {"RES_OPTIONS": _in_the_image(), "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert client.stdin
            assert client.stdout
            assert await asyncio.wait_for(client.stdout.readline(), 20) == b"connected\n"
            server.is_silent = True
            client.stdin.write(b"\n")
            await asyncio.sleep(SILENT_S)
            server.is_silent = False
            assert await asyncio.wait_for(client.stdout.readline(), FOUND_WITHIN_S) == b"connected again\n"
        finally:
            client.kill()
            await client.wait()
    finally:
        transport.close()


def _in_the_image() -> str:
    found = re.search(r'^ENV RES_OPTIONS="(.+)"$', (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    return found[1]
