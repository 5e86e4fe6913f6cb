"""Services that are known by names, and a name server that comes and goes."""

import asyncio
from pathlib import Path

import pytest

from gateway.routes import SERVICES
from tests.gateway.conftest import Start
from tests.gateway.names import ADDRESS, NameServer, may_be_believed, names_of
from tests.gateway.process import Gateway

PATHS = ("/t/acme/login", "/t/acme/jwks.json", "/api/v1/apps")


@pytest.mark.skipif(not may_be_believed(), reason="takes root: port 53, and a resolv.conf of its own")
async def test_a_name_server_that_comes_and_goes_does_no_harm(start: Start, tmp_path: Path) -> None:
    """It has taken Envoy's c-ares down: a segmentation fault at the first answers (ADR 0032)."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver {ADDRESS}\noptions timeout:1\n")
    names = {name: "127.0.0.1" for service in SERVICES for name in names_of(service)}
    async with NameServer.of(names) as server:
        gateway = await start(resolv_conf=resolv_conf)
        async with asyncio.timeout(20):
            while await _statuses(gateway) != [200] * len(PATHS):
                await asyncio.sleep(0.1)
        for name in names_of("jwks"):
            del server.names[name]
        server.asked.clear()
        # Names are looked up every 5 s. Who is ready is not forgotten with its name.
        while server.asked.isdisjoint(names_of("jwks")):
            await asyncio.sleep(0.1)
        for _ in range(10):
            assert await _statuses(gateway) == [200] * len(PATHS)
            await asyncio.sleep(0.05)
        assert gateway.process.returncode is None


async def _statuses(gateway: Gateway) -> list[int]:
    return [(await gateway.ask("GET", path)).status for path in PATHS]
