"""The one that all work with goes, and another one takes its place (`make scale` has more of it)."""

import asyncio
from collections.abc import Iterator

import pytest
from nats.aio.client import Client

from shared.hosts import nats_options
from tests.scale.failover import run
from tests.scale.several import Several


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    with Several(tmp_path_factory.mktemp("mtas-scale") / "data") as stack:
        yield stack


async def test_who_is_told_of_one_server_of_nats_goes_on_with_another(several: Several) -> None:
    """It learns of the others while it is connected, and they know the same users."""
    client = Client()
    await client.connect(**nats_options(several.nats.url("token")), reconnect_time_wait=1, error_cb=_quiet)
    assert {int(url.port or 0) for url in client.discovered_servers} >= {several.ports["nats-2"]}
    several.kill("nats")
    try:
        async with asyncio.timeout(10):
            while (url := client.connected_url) is None or url.port == several.nats.port:
                await asyncio.sleep(0.05)
    finally:
        await client.close()
        several.restart("nats")


@pytest.mark.parametrize("name", ["nats:killed", "valkey:killed", "postgres:killed"])
def test_another_one_takes_over(several: Several, name: str) -> None:
    """In this order: what is gone stays away."""
    assert run(several, name).wrong == []


def test_provisioning_finds_the_one_that_took_over(several: Several) -> None:
    several.provision()


async def _quiet(_error: Exception) -> None:
    """It is away."""
