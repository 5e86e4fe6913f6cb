"""Users are found by an index, however many there are, and never another tenant's."""

from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from tests.support.seed import Seed, some_slug

MANY = """
insert into authorize.users (tenant_id, email, email_key, name, grants_valid_from, created_at, updated_at)
select $1, e, e, 'Person ' || md5(n::text), now(), now(), now()
  from generate_series(1, $2) n, lateral (select md5('x' || n) || '@example.com') as t(e)
"""


@pytest.fixture(scope="module")
async def tenants(stores: Stack) -> tuple[UUID, UUID]:
    seed = Seed(stores.postgres.superuser_url)
    mine, theirs = [await seed.tenant(some_slug()) for _ in range(2)]
    for tenant_id in (mine, theirs):
        await seed.execute(MANY, tenant_id, 4000)
    await seed.user(mine, "ada@example.org", name="Ada Lovelace")
    await seed.user(theirs, "ada@example.org", name="Ada Lovelace")
    await seed.execute("analyze authorize.users")
    return mine, theirs


# What is looked for, and how many of ours are found at most 51 at a time.
PARTS = {"lovelace": 1, "ada@": None, "ad": None, "example.com": 51, "nobody at all": 0, "x%x": 0, "'": 0}


@pytest.mark.parametrize("part", PARTS)
async def test_the_table_is_never_read_from_end_to_end(
    stores: Stack, tenants: tuple[UUID, UUID], part: str
) -> None:
    connection = await asyncpg.connect(stores.postgres.service_url("admin"))
    try:
        async with connection.transaction():
            await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(tenants[0]))
            found = await connection.fetch("select * from authorize.find_users($1, null, 51)", part)
            scans = await connection.fetchrow(
                "select coalesce(sum(seq_scan), 0) as whole, coalesce(sum(idx_scan), 0) as by_index"
                "  from pg_stat_xact_user_tables where schemaname = 'authorize' and relname = 'users'"
            )
    finally:
        await connection.close()
    assert (scans["whole"], scans["by_index"] > 0) == (0, True)
    expected = PARTS[part]
    assert expected is None or len(found) == expected


async def test_nobody_chooses_the_tenant(stores: Stack, tenants: tuple[UUID, UUID]) -> None:
    connection = await asyncpg.connect(stores.postgres.service_url("admin"))
    find = "select user_id from authorize.find_users('lovelace', null, 51)"
    try:
        assert await connection.fetch(find) == []
        seen = []
        for tenant_id in tenants:
            async with connection.transaction():
                await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(tenant_id))
                seen.append([row["user_id"] for row in await connection.fetch(find)])
        assert [len(ids) for ids in seen] == [1, 1]
        assert seen[0] != seen[1]
    finally:
        await connection.close()


async def test_only_admin_may_ask(stores: Stack) -> None:
    for service in ("authorize", "token", "jwks"):
        connection = await asyncpg.connect(stores.postgres.service_url(service))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("select * from authorize.find_users('x', null, 1)")
        finally:
            await connection.close()
