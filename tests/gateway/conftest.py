"""One gateway for the tests that need no special settings; a factory for the rest."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.render import Bucket, Limits
from tests.gateway.support import Gateway

Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture(scope="session")
async def shared_gateway() -> AsyncIterator[Gateway]:
    gateway = await Gateway.start(limits=Limits(password=Bucket(burst=10_000, per_minute=10_000)))
    yield gateway
    await gateway.stop()


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """The shared gateway, with services that have seen nothing."""
    shared_gateway.forget()
    return shared_gateway


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a gateway with settings of its own."""
    started: list[Gateway] = []

    async def one(**settings: Any) -> Gateway:
        started.append(await Gateway.start(**settings))
        return started[-1]

    yield one
    for gateway in started:
        await gateway.stop()
