"""Rotation against a model: clients, tabs, attackers, lost responses, restored tails, on the real SQL.

Any token that was ever issued may come again at any time, from anybody. Whatever the order, the
database must answer as the table in docs/architecture.md says, and a family that was revoked
must never mint again.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from deploy.local.stack import Stack
from services.token import store
from tests.support.seed import Seed, some_slug

GRACE_S, IDLE_S, ABSOLUTE_S = 10, 1000, 5000


class Family:
    """What must be true of one family."""

    def __init__(self, now: datetime) -> None:
        self.family_id = uuid4()
        self.generation = 0
        self.newest_issued = 0
        self.rotated_at = now
        self.idle_until = now + timedelta(seconds=IDLE_S)
        self.absolute_until = now + timedelta(seconds=ABSOLUTE_S)
        self.revoked = False

    def expected(self, generation: int, now: datetime) -> str:
        if self.revoked:
            return "revoked"
        if now >= min(self.idle_until, self.absolute_until):
            return "expired"
        if generation >= self.generation:
            return "rotated"
        in_grace = now < self.rotated_at + timedelta(seconds=GRACE_S)
        return "retried" if generation == self.generation - 1 and in_grace else "replayed"


class RotationMachine(RuleBasedStateMachine):
    families: "Bundle[Family]" = Bundle("families")

    # Set by the test, once: the loop and the connection that all runs share.
    loop: asyncio.AbstractEventLoop
    connection: "asyncpg.Connection[asyncpg.Record]"
    tenant_id: UUID
    user_id: UUID

    @initialize()
    def begin(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    @rule(target=families)
    def redeem(self) -> Family:
        family = Family(self.now)
        new = store.NewFamily(
            family_id=family.family_id,
            client_id="acme",
            user_id=self.user_id,
            session_id=uuid4(),
            scope=("openid",),
            audience="acme",
            auth_time=self.now,
            refreshable=True,
            offline=True,
            idle_expires_at=family.idle_until,
            absolute_expires_at=family.absolute_until,
            refusal=None,
        )
        redeem = store.redeem_code(self.connection, self.tenant_id, new, self.now)
        assert self.loop.run_until_complete(redeem)[0] == "redeemed"
        return family

    async def decide(self, family: Family, generation: int) -> store.Rotation:
        """As the service asks: among others, and by itself where that leaves it out."""
        asked = store.ToRotate(self.tenant_id, family.family_id, "acme", generation, IDLE_S)
        another = asked._replace(family_id=uuid4())
        _, rotation = await store.rotate_families(self.connection, [another, asked], self.now)
        return rotation or await store.rotate_family(
            self.connection, self.tenant_id, family.family_id, "acme", generation,
            scope=None, audience=None, grace_s=GRACE_S, idle_ttl_s=IDLE_S, now=self.now,
        )  # fmt: skip

    @rule(family=families, data=st.data(), tabs=st.integers(1, 3))
    def present(self, family: Family, data: st.DataObject, tabs: int) -> None:
        """Someone presents a token that was issued at some time, perhaps several times in a row."""
        newest = family.newest_issued
        generation = data.draw(st.integers(max(0, newest - 3), newest), label="generation")
        for _ in range(tabs):
            expected = family.expected(generation, self.now)
            rotation = self.loop.run_until_complete(self.decide(family, generation))
            assert rotation.outcome == expected
            if expected == "rotated":
                family.generation = generation + 1
                family.rotated_at = self.now
                family.idle_until = min(self.now + timedelta(seconds=IDLE_S), family.absolute_until)
            if expected == "replayed":
                family.revoked = True
            if expected in ("rotated", "retried"):
                assert rotation.generation == generation + 1 == family.generation
                family.newest_issued = max(newest, generation + 1)
            else:
                assert rotation.user is None

    @rule(family=families)
    def revoke(self, family: Family) -> None:
        alive = self.loop.run_until_complete(
            store.revoke_family(
                self.connection, self.tenant_id, family.family_id, "acme", "revoked_by_client", self.now
            )
        )
        assert alive is not family.revoked
        family.revoked = True

    @rule(seconds=st.sampled_from([1, 9, 10, 11, 400, 1001]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(family=families, lost=st.integers(1, 2))
    def a_failover_loses_the_tail(self, family: Family, lost: int) -> None:
        """Rotations commit asynchronously, so these may be lost; a revocation never is."""
        if family.revoked or family.generation < lost:
            return
        family.generation -= lost
        self.loop.run_until_complete(
            self.connection.execute(
                "update token.families set generation = $2 where family_id = $1",
                family.family_id,
                family.generation,
            )
        )


def test_rotation_behaves_like_its_model(stores: Stack) -> None:
    loop = asyncio.new_event_loop()
    seed = Seed(stores.postgres.superuser_url)
    try:
        RotationMachine.loop = loop
        RotationMachine.tenant_id = loop.run_until_complete(seed.tenant(some_slug()))
        RotationMachine.user_id = loop.run_until_complete(seed.user(RotationMachine.tenant_id))
        # As the superuser, so that the machine may also take a row's tail away.
        RotationMachine.connection = loop.run_until_complete(asyncpg.connect(stores.postgres.superuser_url))
        run_state_machine_as_test(
            RotationMachine,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        loop.run_until_complete(RotationMachine.connection.close())
    finally:
        loop.close()
