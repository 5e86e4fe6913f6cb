"""Rotation against a model: clients, tabs, attackers, lost responses, crashes, lost tails, on the real SQL.

Any token that was ever issued, and any code, may come again at any time, from anybody; several at once,
as a token process asks for them (docs/adr/0029-decided-together.md). Whatever the order, the database must
answer as the table in docs/rotation.md says, hold what the model holds, and never mint again of a family
that was revoked.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from deploy.local.stack import Stack
from services.token import store
from tests.support.families import Family, Presented, Row
from tests.support.seed import Seed, some_slug

T = TypeVar("T")

GRACE_S = {"acme": 10, "strict": 0}  # by client
IDLE_S, ABSOLUTE_S = 1000, 1200


class RotationMachine(RuleBasedStateMachine):
    families: "Bundle[Family]" = Bundle("families")
    tokens = st.lists(
        st.builds(
            Presented.of_age,
            families,
            st.sampled_from([0, 0, 0, 1, 1, 2, 3]),
            st.sampled_from([None] * 8 + ["client", "tenant"]),
        ),
        min_size=1,
        max_size=5,
    )

    # Set by the test, once: what all runs share. Two token processes, each with a connection.
    runner: asyncio.Runner
    one: "asyncpg.Connection[asyncpg.Record]"
    another: "asyncpg.Connection[asyncpg.Record]"
    superuser: "asyncpg.Connection[asyncpg.Record]"
    seed: Seed
    tenant_ids: list[UUID]

    @initialize(target=families)
    def begin(self) -> "MultipleResults[Family] | Family":
        """With some families, since rules that find none would end the run."""
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.all: list[Family] = []
        self.users = {
            (tenant_id, client_id): self.run(self.seed.user(tenant_id, f"{uuid4()}@example.com"))
            for tenant_id in self.tenant_ids
            for client_id in GRACE_S
        }
        self.valid_from: dict[UUID, datetime] = {}
        return self.redeem([(at, client_id) for at in (0, 1) for client_id in GRACE_S], 0, [])

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        """Nothing here waits: who waits for ever, waits for a lock."""
        return self.runner.run(asyncio.wait_for(asked, 5))

    @rule(
        target=families,
        asked=st.lists(
            st.tuples(st.integers(0, 1), st.sampled_from(sorted(GRACE_S))), min_size=1, max_size=2
        ),
        twice=st.sampled_from([0, 0, 0, 1]),
        again=st.lists(families, max_size=1),
    )
    def redeem(
        self, asked: list[tuple[int, str]], twice: int, again: list[Family]
    ) -> "MultipleResults[Family]":
        """Codes at once: new ones, perhaps one of them twice, and some that were redeemed before."""
        new = [self.family(self.tenant_ids[at], client_id) for at, client_id in asked]
        at_once = [*again, *new, *new[:twice]]
        users = self.run(store.redeem_codes(self.one, [family.code for family in at_once], self.now))
        for family in (family for family, user in zip(at_once, users, strict=True) if user is not None):
            assert family not in self.all
            assert not self.is_gone(family)
            self.all.append(family)
        for family in (family for family, user in zip(at_once, users, strict=True) if user is None):
            outcome, _ = self.run(
                store.redeem_code(self.one, family.code.tenant_id, family.code.family, self.now)
            )
            if family in self.all:
                assert outcome == "reused"
                family.revoke("code_reused")
            else:
                assert self.is_gone(family)
                assert outcome == "user_disabled_or_signed_out"
                self.all.append(family)
                family.revoke(outcome)
        return multiple(*new)

    @rule(tokens=tokens)
    def present(self, tokens: list[Presented]) -> None:
        """Tokens at once, perhaps one of them several times: together, and singly what that leaves out."""
        together = self.run(store.rotate_families(self.one, self.asked(tokens), self.now))
        self.advance(tokens, together)
        left = [token for token, rotation in zip(tokens, together, strict=True) if rotation is None]
        assert "rotated" not in map(self.expected, left)
        for token in left:
            self.hold(token, self.run(self.singly(token)))

    @rule(tokens=tokens, commits=st.booleans())
    def present_to_a_process_that_dies(self, tokens: list[Presented], commits: bool) -> None:
        """Before it commits, or before it answers. Whoever has the same tokens meanwhile waits for
        nothing and leaves them alone; afterwards they are there, or their successors once more."""
        transaction = self.another.transaction()
        self.run(transaction.start())
        try:
            lost = self.run(store.rotate_families(self.another, self.asked(tokens), self.now))
            assert not any(self.run(store.rotate_families(self.one, self.asked(tokens), self.now)))
        finally:
            self.run(transaction.commit() if commits else transaction.rollback())
        if commits:
            self.advance(tokens, lost)
        self.present(tokens)

    @rule(family=families, thief=st.sampled_from([True, True, False]))
    def revoke(self, family: Family, thief: bool) -> None:
        tenant_id = family.code.tenant_id
        by = "strict" if thief == (family.client_id == "acme") else "acme"
        revoke = store.revoke_family(self.one, tenant_id, family.family_id, by, "revoked_by_client", self.now)
        assert self.run(revoke) == (not thief and family.row.revoked_reason is None)
        if not thief:
            family.revoke("revoked_by_client")

    @rule(family=families)
    def sign_out_everywhere(self, family: Family) -> None:
        """Of what a later sign-in grants, nothing ends."""
        user_id = family.code.family.user_id
        self.valid_from[user_id] = self.now + timedelta(seconds=1)
        ended = "update authorize.users set grants_valid_from = $2 where user_id = $1"
        self.run(self.superuser.execute(ended, user_id, self.valid_from[user_id]))

    @rule(seconds=st.sampled_from([1, 1, 9, 10, 10, 11, 100, 400, 1001]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(family=families)
    def a_grace_ends(self, family: Family) -> None:
        self.now = max(self.now, family.row.rotated_at + family.grace)

    @rule(family=families, lost=st.integers(1, 3))
    def a_failover_loses_the_tail(self, family: Family, lost: int) -> None:
        if family.lose_tail(lost):
            restore = (
                "update token.families set generation = $2, rotated_at = $3, idle_expires_at = $4"
                " where family_id = $1"
            )
            self.run(self.superuser.execute(restore, family.family_id, *family.row[:3]))

    @invariant()
    def the_database_holds_what_the_model_holds(self) -> None:
        rows = self.run(
            self.superuser.fetch(
                "select family_id, generation, rotated_at, idle_expires_at, revoked_reason"
                " from token.families where user_id = any($1)",
                list(self.users.values()),
            )
        )
        held = {family_id: Row(*row).that_counts for family_id, *row in rows}
        assert held == {family.family_id: family.row.that_counts for family in self.all}

    def family(self, tenant_id: UUID, client_id: str) -> Family:
        """Of a code that is about to be redeemed."""
        new = store.NewFamily(
            family_id=uuid4(),
            client_id=client_id,
            user_id=self.users[tenant_id, client_id],
            session_id=uuid4(),
            scope=("openid",),
            audience=client_id,
            auth_time=self.now,
            refreshable=True,
            offline=True,
            idle_expires_at=self.now + timedelta(seconds=IDLE_S),
            absolute_expires_at=self.now + timedelta(seconds=ABSOLUTE_S),
            refusal=None,
        )
        code = store.ToRedeem(tenant_id, new)
        return Family(code, self.now, grace_s=GRACE_S[client_id], idle_ttl_s=IDLE_S)

    def asked(self, tokens: Sequence[Presented]) -> list[store.ToRotate]:
        return [self.ask(token) for token in tokens]

    def ask(self, token: Presented) -> store.ToRotate:
        tenant_id, client_id = token.family.code.tenant_id, token.family.client_id
        if token.thief == "tenant":
            (tenant_id,) = {*self.tenant_ids} - {tenant_id}
        if token.thief == "client":
            (client_id,) = {*GRACE_S} - {client_id}
        return store.ToRotate(tenant_id, token.family.family_id, client_id, token.generation, IDLE_S)

    async def singly(self, token: Presented) -> store.Rotation:
        return await store.rotate_family(
            self.one, *self.ask(token)[:4], scope=None, audience=None,
            grace_s=GRACE_S[token.family.client_id], idle_ttl_s=IDLE_S, now=self.now,
        )  # fmt: skip

    def advance(self, tokens: Sequence[Presented], together: Sequence[store.Rotation | None]) -> None:
        """The answers of one statement, in the only order there can have been: a family moves forward."""
        answered = [pair for pair in zip(tokens, together, strict=True) if pair[1] is not None]
        for token, rotation in sorted(answered, key=lambda pair: pair[0].generation):
            assert self.expected(token) == "rotated"
            assert rotation is not None
            self.hold(token, rotation)

    def is_gone(self, family: Family) -> bool:
        """Its user, as far as this grant goes."""
        grant = family.code.family
        return grant.auth_time < self.valid_from.get(grant.user_id, grant.auth_time)

    def expected(self, token: Presented) -> str:
        if token.thief is not None:
            return "unknown"
        return token.family.what_gets(token.generation, self.now, user_is_gone=self.is_gone(token.family))

    def hold(self, token: Presented, rotation: store.Rotation) -> None:
        """The answer against the model, which takes its step."""
        family, expected, successor = token.family, self.expected(token), token.generation + 1
        assert rotation.outcome == expected
        family.step(expected, token.generation, self.now)
        if expected in ("rotated", "retried"):
            assert rotation.generation == successor == family.row.generation
            assert rotation.user is not None
            assert rotation.user.user_id == family.code.family.user_id
        else:
            assert rotation.user is None


def test_rotation_behaves_like_its_model(stores: Stack) -> None:
    with asyncio.Runner() as runner:
        machine = RotationMachine
        machine.runner, machine.seed = runner, Seed(stores.postgres.superuser_url)
        machine.tenant_ids = [runner.run(machine.seed.tenant(some_slug())) for _ in range(2)]
        url = stores.postgres.service_url("token")
        machine.one, machine.another = [runner.run(asyncpg.connect(url)) for _ in range(2)]
        # Past row-level security, to look at the rows and to take a row's tail away.
        machine.superuser = runner.run(asyncpg.connect(stores.postgres.superuser_url))
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=100,
                    stateful_step_count=40,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            for connection in (machine.one, machine.another, machine.superuser):
                runner.run(connection.close())
