"""What several tests of the database begin with."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from deploy.local.stack import Stack
from tests.support.grants import Grants
from tests.support.seed import Seed, some_slug


@pytest.fixture
async def grants(stores: Stack, seed: Seed) -> AsyncIterator[Grants]:
    tenants = [await seed.tenant(some_slug()) for _ in range(2)]
    for tenant_id in tenants:
        await seed.user(tenant_id, "aaron@example.com")
    users = {tenant_id: await seed.user(tenant_id, name=f"Ada of {tenant_id}") for tenant_id in tenants}
    one, other = [await asyncpg.connect(stores.postgres.service_url("token")) for _ in range(2)]
    yield Grants(seed, one, other, users, datetime.now(UTC))
    await one.close()
    await other.close()
