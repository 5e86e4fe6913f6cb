"""The jwks service on a real socket, with NATS."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from deploy.local.stack import Stack
from services.jwks.app import create_app
from services.jwks.settings import Settings
from shared.settings import load
from tests.support.serve import serve


# Not for longer than a module: its own rotator must not be at the keys of tests with another clock.
@pytest.fixture(scope="module")
async def jwks(stores: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    settings = load(Settings, stores.environment("jwks", MTAS_CACHE_TTL_S="0.2"))
    async with serve(create_app(settings)) as url, httpx2.AsyncClient(base_url=url) as http:
        yield http
