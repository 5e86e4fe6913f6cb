"""The hot path's statements go by the index that is theirs, with whatever statistics there are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.token import store
from tests.support.seed import Seed, some_slug

_SCANS = """
select coalesce(i.indexrelid::regclass::text, 'all of it') as by, pg_stat_get_xact_numscans(r.oid) as scans
  from pg_class r left join pg_index i on i.indexrelid = r.oid
 where 'token.families'::regclass in (r.oid, i.indrelid) and pg_stat_get_xact_numscans(r.oid) > 0
"""

EXPECTED = {
    "rotate_family": {"token.families_pkey": 1},
    "rotate_families": {"token.families_pkey": 2},  # to hold it, and to advance it
    # By its key for the insert, which finds nothing; and what the user disconnected from this client.
    "redeem_code": {"token.families_pkey": 1, "token.families_user_id_revoked_reason_client_id_idx": 1},
    "redeem_codes": {"token.families_pkey": 1, "token.families_user_id_revoked_reason_client_id_idx": 1},
}


@pytest.fixture
async def families(seed: Seed) -> tuple[UUID, UUID, list[UUID]]:
    """A tenant, its one user, and what an installation has on its first day."""
    tenant_id = await seed.tenant(some_slug())
    user_id = await seed.user(tenant_id)
    rows = await seed.fetch(
        "insert into token.families (tenant_id, family_id, client_id, user_id, session_id, scope, audience,"
        " auth_time, refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at)"
        " select $1, uuidv7(), 'acme', $2, uuidv7(), '{}', 'acme', now(), true, true, now(), now() + '1 day',"
        " now() + '1 day', now() from generate_series(1, 30) returning family_id",
        tenant_id,
        user_id,
    )
    return tenant_id, user_id, [row["family_id"] for row in rows]


@pytest.mark.parametrize("analyzed", [False, True], ids=["never analyzed", "analyzed"])
@pytest.mark.parametrize("statement", EXPECTED)
async def test_a_token_request_reads_one_family(
    stores: Stack, seed: Seed, families: tuple[UUID, UUID, list[UUID]], statement: str, analyzed: bool
) -> None:
    """Not all of them, and not all of its tenant's: a connection keeps its plan while there come more."""
    tenant_id, user_id, ids = families
    now = datetime.now(UTC)
    if analyzed:
        await seed.execute("analyze token.families")
    connection = await asyncpg.connect(stores.postgres.service_url("token"))
    try:
        async with connection.transaction():
            if statement == "rotate_family":
                rotation = await store.rotate_family(
                    connection, tenant_id, ids[7], "acme", 0,
                    scope=None, audience=None, grace_s=0, idle_ttl_s=60, now=now,
                )  # fmt: skip
                assert rotation.outcome == "rotated"
            elif statement == "rotate_families":
                asked = store.ToRotate(tenant_id, ids[7], "acme", 0, 60)
                (advanced,) = await store.rotate_families(connection, [asked], now)
                assert advanced is not None
            else:
                family = store.NewFamily(
                    family_id=uuid4(), client_id="acme", user_id=user_id, session_id=uuid4(), scope=(),
                    audience="acme", auth_time=now, refreshable=True, offline=False,
                    idle_expires_at=now + timedelta(days=1), absolute_expires_at=now + timedelta(days=1),
                    refusal=None, code_issued_at=now,
                )  # fmt: skip
                if statement == "redeem_code":
                    outcome, _ = await store.redeem_code(connection, tenant_id, family, now)
                    assert outcome == "redeemed"
                else:
                    (user,) = await store.redeem_codes(connection, [store.ToRedeem(tenant_id, family)], now)
                    assert user is not None
            scans = {row["by"]: row["scans"] for row in await connection.fetch(_SCANS)}
    finally:
        await connection.close()
    assert scans == EXPECTED[statement]
