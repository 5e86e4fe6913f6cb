"""The jwks service on a real socket: with NATS and its own clock, or without and standing still."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from deploy.local.stack import Stack
from services.jwks.app import create_app
from services.jwks.flows import rotation
from services.jwks.settings import Settings
from shared.settings import load
from tests.services.jwks.rotator import Rotator, rotator
from tests.support.clock import FakeClock
from tests.support.seed import Seed
from tests.support.serve import serve


# Not for longer than a module: its own rotator must not be at the keys of tests with another clock.
@pytest.fixture(scope="module")
async def jwks(stores: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    settings = load(Settings, stores.environment("jwks", MTAS_CACHE_TTL_S="0.2"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rotation, "FIRST_KEYS_PERIOD_S", 0.05)  # no event tells it of a tenant here
        async with serve(create_app(settings)) as url, httpx2.AsyncClient(base_url=url) as http:
            yield http


@pytest.fixture
async def tenant(stores: Stack, seed: Seed) -> AsyncIterator[Rotator]:
    """A tenant whose first key signs."""
    async with rotator(stores, seed, FakeClock()) as tenant:
        await tenant.turn()
        yield tenant


@pytest.fixture
async def standing(stores: Stack, tenant: Rotator) -> AsyncIterator[httpx2.AsyncClient]:
    """jwks, whose clock stands still, so that its own rotator finds nothing to do; and its internal API."""
    # NATS is left away: events stay to be seen.
    environment = stores.environment("jwks", MTAS_NATS_URL="nats://127.0.0.1:1")
    clock = FakeClock()
    clock.now = tenant.clock.now
    headers = {"Authorization": f"Bearer {stores.secrets['jwks-token']}"}
    async with (
        serve(create_app(load(Settings, environment), clock=clock)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers) as http,
    ):
        yield http
