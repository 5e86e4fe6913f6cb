"""One gateway for the tests that need no special settings; a factory for the rest."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from gateway.render import Bucket, Limits
from tests.gateway.process import Gateway
from tests.gateway.service import Service

Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture(scope="session")
async def shared_gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway(limits=Limits(password=Bucket(burst=10_000, per_minute=10_000)))
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """The shared gateway, with services that have seen nothing."""
    shared_gateway.forget()
    return shared_gateway


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a gateway with settings of its own, and so many `instances` of a service; else one."""
    started: list[Gateway] = []

    async def one(*, instances: Mapping[str, int] | None = None, **settings: Any) -> Gateway:
        gateway = Gateway(**settings)
        for name, count in (instances or {}).items():
            gateway.instances[name] = [Service() for _ in range(count)]
        await gateway.start()
        started.append(gateway)
        return gateway

    yield one
    for gateway in started:
        await gateway.stop()
