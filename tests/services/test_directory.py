"""The cached directory of tenants and clients."""

from deploy.local.stack import Stack
from shared.directory import Directory
from tests.support.events import database_of
from tests.support.seed import Seed, some_slug


async def test_what_thousands_of_records_have_in_common_is_in_memory_once(stores: Stack, seed: Seed) -> None:
    async with database_of(stores, "token") as database:
        directory = Directory(database, ttl_s=30.0)
        records = []
        for slug in (some_slug(), some_slug()):
            tenant_id = await seed.tenant(slug)
            await seed.client(tenant_id, slug)
            tenant, client = await directory.tenant_by_slug(slug), await directory.client(tenant_id, slug)
            assert tenant is not None
            assert client is not None
            assert (client.tenant_id, client.client_id) == (tenant_id, slug)
            records.append((tenant, client))
    (tenant, client), (another_tenant, another_client) = records
    assert client.grant_types is another_client.grant_types
    assert client.allowed_scope is another_client.allowed_scope
    assert tenant.refresh_absolute_ttl_s is another_tenant.refresh_absolute_ttl_s
