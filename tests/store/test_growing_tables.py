"""What the hot path asks reads no more of a table that has grown than of one that has not.

PostgreSQL plans by what it knows: of a table that was not analyzed yet, its size, and of one that was
analyzed when it was empty, less than that. While it has a page or two, any index looks as good as the key.
A connection keeps its plan, and the table grows: an installation in its first minutes.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.token import store
from tests.support.grants import Grants
from tests.support.seed import Seed, some_slug

SIZES: Final = range(0, 257, 8)  # to some pages of each table
MANY: Final = 5_000
PLANS_ARE_KEPT: Final = 7  # from the sixth time on, PostgreSQL has one plan for all
NOW: Final = datetime.now(UTC)

_GROW: Final = """
with person as (
    insert into authorize.users (tenant_id, email, email_key, grants_valid_from, created_at, updated_at)
    select $1, n || '@example.com', n || '@example.com', $4::timestamptz - interval '1 day', $4, $4
      from generate_series($2::integer + 1, $3) n
    returning user_id
), session as (
    insert into authorize.sessions (
        tenant_id, user_id, token_hash, auth_time, last_seen_at, expires_at, ended_at)
    select $1, user_id, sha256(user_id::text::bytea), $4, $4, $4::timestamptz + interval '1 day', $4
      from person
    returning user_id, session_id
)
insert into token.families (
    tenant_id, family_id, client_id, user_id, session_id, scope, audience, auth_time, refreshable, offline,
    rotated_at, idle_expires_at, absolute_expires_at, created_at)
select $1, gen_random_uuid(), 'acme', user_id, session_id, '{openid}', 'https://api.example', $4, true, false,
       $4, $4::timestamptz + interval '1 hour', $4::timestamptz + interval '1 day', $4
  from session
"""
_READ: Final = """
select schemaname || '.' || relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
  from pg_stat_xact_user_tables
"""

Ask = Callable[["Asked"], Awaitable[object]]


@dataclass
class Asked:
    """One grant among many, and a connection that has made its plans long ago."""

    grants: Grants
    tenant_id: UUID
    family: store.ToRotate

    @property
    def connection(self) -> Any:
        return self.grants.connection

    @property
    def code(self) -> store.ToRedeem:
        return self.grants.code_of(self.tenant_id)


async def _rotate_among_others(asked: Asked) -> None:
    (rotation,) = await asked.grants.rotate(asked.family)
    assert rotation is not None


async def _rotate(asked: Asked) -> None:
    assert (await asked.grants.singly(asked.family)).outcome == "rotated"


async def _redeem_among_others(asked: Asked) -> None:
    (user,) = await asked.grants.redeem(asked.code)
    assert user is not None


async def _redeem(asked: Asked) -> None:
    outcome, _ = await store.redeem_code(asked.connection, asked.tenant_id, asked.code.family, NOW)
    assert outcome == "redeemed"


async def _introspect(asked: Asked) -> None:
    family_id = asked.family.family_id
    assert await store.get_live_grant(asked.connection, asked.tenant_id, family_id, NOW) is not None


async def _revoke(asked: Asked) -> None:
    family_id = asked.family.family_id
    assert await store.revoke_family(asked.connection, asked.tenant_id, family_id, None, "revoked", NOW)


async def _forget_expired(asked: Asked) -> None:
    assert await store.delete_expired_families(asked.connection, 1_000) == 0


ASKS: Final[dict[str, Ask]] = {
    "rotate among others": _rotate_among_others,
    "rotate": _rotate,
    "redeem among others": _redeem_among_others,
    "redeem": _redeem,
    "introspect": _introspect,
    "revoke": _revoke,
    "forget expired": _forget_expired,
}


@pytest.fixture(scope="module", params=["never analyzed", "analyzed when empty"])
async def asked_since(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[dict[int, Asked]]:
    """By the size at which a connection made its plans: it is asked now that there are many."""
    folder = tmp_path_factory.mktemp("mtas") / "data"
    with Stack(folder, services=(), spare_ports=True, durable=False) as young:
        async with Seed(young.postgres.superuser_url) as seed, AsyncExitStack() as open_connections:
            for table in ("token.families", "authorize.sessions", "authorize.users"):
                await seed.execute(f"alter table {table} set (autovacuum_enabled = off)")
            tenant_id = await seed.tenant(some_slug())
            users = {tenant_id: await seed.user(tenant_id)}
            if request.param == "analyzed when empty":
                # Not the users: an index that tells their addresses apart has to begin with the tenant.
                await seed.execute("analyze token.families, authorize.sessions")
            since, before = {}, 0
            for size in SIZES:
                await seed.execute(_GROW, tenant_id, before, size, NOW)
                before = size
                connection = await asyncpg.connect(young.postgres.service_url("token"))
                open_connections.push_async_callback(connection.close)
                grants = Grants(seed, connection, connection, users, NOW)
                family = await grants.family(tenant_id, session_id=await grants.session(tenant_id))
                since[size] = Asked(grants, tenant_id, family)
                for ask in ASKS.values():
                    for _ in range(PLANS_ARE_KEPT):
                        await _read_by(since[size], ask)
            await seed.execute(_GROW, tenant_id, before, MANY, NOW)
            yield since


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
async def test_what_is_read_does_not_grow_with_the_table(asked_since: dict[int, Asked], ask: Ask) -> None:
    most: Counter[str] = Counter()
    for asked in asked_since.values():
        most |= await _read_by(asked, ask)
    assert {table: rows for table, rows in most.items() if rows > 10} == {}


async def _read_by(asked: Asked, ask: Ask) -> Counter[str]:
    """Rows that it reads, by table. What it does is undone."""
    transaction = asked.connection.transaction()
    await transaction.start()
    try:
        before = await _read(asked)
        await ask(asked)
        return await _read(asked) - before
    finally:
        await transaction.rollback()


async def _read(asked: Asked) -> Counter[str]:
    return Counter({row[0]: row[1] for row in await asked.connection.fetch(_READ)})
