"""What is rare in the audit log is found without reading the rest of it."""

from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.admin.store import audit
from services.admin.store.audit import Filter
from tests.support.seed import Seed, some_slug

MANY = """
insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)
select $1, uuidv7(), now() - n * interval '1 second', 'mtas/authorize', 'session.started', 's-' || n, '{}'
  from generate_series(1, 4000) n
"""


@pytest.fixture(scope="module")
async def tenant_id(stores: Stack) -> UUID:
    seed = Seed(stores.postgres.superuser_url)
    tenant_id = await seed.tenant(some_slug())
    await seed.execute(MANY, tenant_id)
    await seed.execute("analyze admin.audit_log")
    return tenant_id


@pytest.mark.parametrize(
    "wanted", [Filter(type="user.disabled"), Filter(actor="nobody"), Filter(subject="nothing")], ids=str
)
async def test_what_never_happened_is_known_at_once(stores: Stack, tenant_id: UUID, wanted: Filter) -> None:
    connection = await asyncpg.connect(stores.postgres.service_url("admin"))
    try:
        async with connection.transaction():
            await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(tenant_id))
            assert await audit.list_entries(connection, tenant_id, wanted, None, 51) == []
            read = await connection.fetchval(
                "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
                "  from pg_stat_xact_user_tables where schemaname = 'admin' and relname = 'audit_log'"
            )
    finally:
        await connection.close()
    assert read < 100, "of four thousand entries"
