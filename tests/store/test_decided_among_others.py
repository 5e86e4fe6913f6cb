"""Whatever stands against one decision, those that were asked for at the same time are decided."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.admin.store import apps
from services.token import store
from services.token.decisions import Decisions
from shared.db import UNAVAILABLE, Database
from shared.directory import Directory
from shared.oauth.refresh_token import RefreshToken
from shared.oauth.types import Client, Tenant
from shared.secret import Secret
from tests.support.grants import Grants


@dataclass
class Asking:
    """A token process, as far as decisions go, and its two tenants."""

    grants: Grants
    decisions: Decisions
    tenants: dict[UUID, Tenant]
    clients: dict[UUID, Client]

    def rotate(self, asked: store.ToRotate) -> "asyncio.Task[store.Rotation]":
        tenant, client = self.tenants[asked.tenant_id], self.clients[asked.tenant_id]
        token = RefreshToken(asked.family_id, asked.generation)
        return asyncio.create_task(self.decisions.rotate(tenant, client, token, scope=None, audience=None))

    def redeem(self, code: store.ToRedeem) -> "asyncio.Task[tuple[str, store.User | None]]":
        redeem = self.decisions.redeem(self.tenants[code.tenant_id], code.family, self.grants.now)
        return asyncio.create_task(redeem)


@pytest.fixture
async def asking(stores: Stack, grants: Grants) -> AsyncIterator[Asking]:
    database = Database(Secret(stores.postgres.service_url("token")), pool_size=4)
    directory = Directory(database, ttl_s=60)
    tenants, clients = {}, {}
    for tenant_id in grants.users:
        await grants.seed.client(tenant_id, "acme")
        (row,) = await grants.seed.fetch("select slug from admin.tenants where tenant_id = $1", tenant_id)
        tenant, client = (
            await directory.tenant_by_slug(row["slug"]),
            await directory.client(tenant_id, "acme"),
        )
        assert tenant is not None
        assert client is not None
        tenants[tenant_id], clients[tenant_id] = tenant, client
    yield Asking(grants, Decisions(database, lambda: grants.now), tenants, clients)
    await database.close()


async def test_a_code_that_another_process_is_redeeming_holds_up_no_other(asking: Asking) -> None:
    """That process may have stopped in the middle of it."""
    one, another = asking.tenants
    held, free = asking.grants.code_of(one), asking.grants.code_of(another)
    async with asking.grants.other.transaction():
        await store.redeem_code(asking.grants.other, one, held.family, asking.grants.now)
        waiting, decided = asking.redeem(held), asking.redeem(free)
        async with asyncio.timeout(3):
            outcome, _ = await decided
        assert outcome == "redeemed"
        assert not waiting.done()
    assert (await waiting)[0] == "reused"


async def test_codes_are_redeemed_while_an_app_is_being_changed(stores: Stack, asking: Asking) -> None:
    one = next(iter(asking.tenants))
    changing = await asyncpg.connect(stores.postgres.service_url("admin"))
    try:
        async with changing.transaction():
            await changing.execute("select set_config('mtas.tenant_id', $1, true)", str(one))
            await apps.lock_app(changing, one)
            assert None not in await asking.grants.redeem(asking.grants.code_of(one))
    finally:
        await changing.close()


async def test_one_that_cannot_be_encoded_fails_alone(asking: Asking) -> None:
    """What no token should say, and no column takes."""
    one, another = asking.tenants
    bad, good = await asking.grants.family(one), await asking.grants.family(another)
    for generation in (2**31 - 1, 2**31):
        failing, decided = asking.rotate(bad._replace(generation=generation)), asking.rotate(good)
        assert (await decided).outcome == "rotated"
        with pytest.raises(asyncpg.DataError):
            await failing
        good = good._replace(generation=good.generation + 1)


async def test_where_the_connection_ends_nobody_knows_and_a_retry_does(stores: Stack, asking: Asking) -> None:
    asked = [await asking.grants.family(tenant_id) for tenant_id in asking.tenants]
    superuser = await asyncpg.connect(stores.postgres.superuser_url)
    try:
        async with superuser.transaction():
            await superuser.execute("lock table token.families in exclusive mode")
            tasks = [asking.rotate(each) for each in asked]
            while not await superuser.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_locks"
                " where not granted and relation = 'token.families'::regclass"
            ):
                await asyncio.sleep(0.01)
        found: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await superuser.close()
    assert all(isinstance(each, UNAVAILABLE) for each in found), found
    assert [(await asking.rotate(each)).outcome for each in asked] == ["rotated", "rotated"]
