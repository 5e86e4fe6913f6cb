"""Families and codes, and what the token service asks about them, singly and together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from services.token import store
from shared.clock import random_bytes
from tests.support.seed import Seed


@dataclass
class Grants:
    """A user in each of two tenants, and two connections as the token service has them.

    `now`: when what is asked comes; tests set it forth.
    """

    seed: Seed
    connection: Any
    other: Any
    users: dict[UUID, UUID]
    now: datetime

    def code_of(self, tenant_id: UUID, **changes: object) -> store.ToRedeem:
        family = store.NewFamily(
            family_id=uuid4(), client_id="acme", user_id=self.users[tenant_id], session_id=uuid4(),
            scope=("openid", "email"), audience="https://api.example", refreshable=True, offline=False,
            auth_time=self.now - timedelta(minutes=1),
            idle_expires_at=self.now + timedelta(hours=1), absolute_expires_at=self.now + timedelta(days=1),
            refusal=None, code_issued_at=self.now,
        )  # fmt: skip
        return store.ToRedeem(tenant_id, msgspec.structs.replace(family, **changes))

    async def family(self, tenant_id: UUID, **changes: object) -> store.ToRotate:
        """Redeemed, and its first refresh token presented."""
        code = self.code_of(tenant_id, **changes)
        outcome, _ = await store.redeem_code(self.connection, tenant_id, code.family, self.now)
        assert outcome == "redeemed"
        return store.ToRotate(tenant_id, code.family.family_id, "acme", 0, 3600)

    async def session(self, tenant_id: UUID) -> UUID:
        (row,) = await self.seed.fetch(
            "insert into authorize.sessions"
            " (tenant_id, user_id, token_hash, auth_time, last_seen_at, expires_at)"
            " values ($1, $2, $3, $4, $4, $4::timestamptz + '1 day') returning session_id",
            tenant_id, self.users[tenant_id], random_bytes(32), self.now,
        )  # fmt: skip
        return UUID(str(row["session_id"]))

    async def rotate(self, *asked: store.ToRotate) -> list[store.Rotation | None]:
        return await store.rotate_families(self.connection, asked, self.now)

    async def redeem(self, *asked: store.ToRedeem) -> list[store.User | None]:
        return await store.redeem_codes(self.connection, asked, self.now)

    async def singly(self, asked: store.ToRotate) -> store.Rotation:
        return await store.rotate_family(
            self.connection, asked.tenant_id, asked.family_id, asked.client_id, asked.generation,
            scope=None, audience=None, grace_s=10, idle_ttl_s=asked.idle_ttl_s, now=self.now,
        )  # fmt: skip

    async def change(self, family_id: UUID, assignment: str) -> None:
        await self.seed.execute(f"update token.families set {assignment} where family_id = $1", family_id)

    async def row(self, family_id: UUID) -> dict[str, Any] | None:
        rows = await self.seed.fetch("select * from token.families where family_id = $1", family_id)
        return rows[0] if rows else None

    async def what_may_be_the_same(self, family_id: UUID) -> dict[str, Any]:
        row = await self.row(family_id)
        assert row is not None
        return {name: value for name, value in row.items() if name not in ("family_id", "session_id")}
