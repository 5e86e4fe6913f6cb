"""A code that is redeemed in the moment in which its user ends grants gives nothing that lasts (ADR 0020)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.authorize.store import account
from services.token import store
from tests.support.seed import Seed, some_slug

ROUNDS, CODES = 30, 8


@dataclass
class Moment:
    """A user with a grant of one client, which holds other codes; and both services' connections."""

    seed: Seed
    token: "list[asyncpg.Connection[asyncpg.Record]]"
    authorize: "asyncpg.Connection[asyncpg.Record]"
    tenant_id: UUID
    user_id: UUID
    issued_at: datetime

    async def redeem(self, at: int = 0) -> str:
        day = timedelta(days=1)
        family = store.NewFamily(
            family_id=uuid4(),
            client_id="acme",
            user_id=self.user_id,
            session_id=uuid4(),
            scope=("openid", "offline_access"),
            audience="acme",
            auth_time=self.issued_at,
            refreshable=True,
            offline=True,
            idle_expires_at=self.issued_at + day,
            absolute_expires_at=self.issued_at + day,
            refusal=None,
            code_issued_at=self.issued_at,
        )
        outcome, _ = await store.redeem_code(self.token[at], self.tenant_id, family, self.issued_at)
        return outcome

    async def disconnect(self) -> int:
        async with self.authorize.transaction():
            await self.authorize.execute("select set_config('mtas.tenant_id', $1, true)", str(self.tenant_id))
            return await account.revoke_grants(
                self.authorize,
                self.tenant_id,
                self.user_id,
                client_id="acme",
                reason="disconnected_by_user",
                now=self.issued_at,
            )

    async def living(self) -> int:
        [row] = await self.seed.fetch(
            "select count(*) as n from token.families where tenant_id = $1 and revoked_at is null",
            self.tenant_id,
        )
        return int(row["n"])


@pytest.fixture
async def moment(stores: Stack, seed: Seed) -> AsyncIterator[Moment]:
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    token = [await asyncpg.connect(stores.postgres.service_url("token")) for _ in range(CODES)]
    authorize = await asyncpg.connect(stores.postgres.service_url("authorize"))
    moment = Moment(seed, token, authorize, tenant_id, user_id, datetime.now(UTC))
    assert await moment.redeem() == "redeemed"
    yield moment
    for connection in (*token, authorize):
        await connection.close()


REDEEM = (
    "select token.redeem_code($1::uuid, uuidv7(), 'acme', $2::uuid, uuidv7(), '{offline_access}'::text[],"
    " 'acme', $3::timestamptz, true, true, $3, $3 + interval '1 day', $3 + interval '1 day', null::text, $3)"
)
DISCONNECT = (
    "select set_config('mtas.tenant_id', $1::uuid::text, true),"
    " token.revoke_grants($1, $2::uuid, 'acme', null, 'disconnected_by_user', $3::timestamptz)"
)


async def test_a_redemption_waits_for_the_end_of_the_users_grants(moment: Moment) -> None:
    outcome = await moment.seed.while_under_way(
        DISCONNECT,
        moment.tenant_id,
        moment.user_id,
        moment.issued_at,
        do=moment.redeem(),
    )
    assert outcome == "user_disabled_or_signed_out"
    assert await moment.living() == 0


async def test_the_end_of_grants_waits_for_a_redemption_and_ends_it_too(moment: Moment) -> None:
    ended = await moment.seed.while_under_way(
        REDEEM,
        moment.tenant_id,
        moment.user_id,
        moment.issued_at,
        do=moment.disconnect(),
    )
    assert ended == 2
    assert await moment.living() == 0


async def test_however_the_two_meet_nothing_lives_on(moment: Moment) -> None:
    for _ in range(ROUNDS):
        await asyncio.gather(moment.disconnect(), *map(moment.redeem, range(CODES)))
        assert await moment.living() == 0
