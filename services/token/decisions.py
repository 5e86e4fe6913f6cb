"""Decisions in PostgreSQL, together with those that come at once (docs/adr/0029-decided-together.md).

A statement of its own costs more than the decision in it. So the common case goes together; whatever is not
simply so is left as it is, and then asked singly, of the statement that says why. Nobody waits for
what another's request waits for, and nobody fails by another's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from services.token import store
from services.token.together import Together
from shared import tracing
from shared.clock import Clock
from shared.db import UNAVAILABLE, Database
from shared.oauth.refresh_token import RefreshToken
from shared.oauth.types import Client, Tenant

log = structlog.get_logger()


class Decisions:
    """Rotations and redemptions. Raises: what `shared.db.UNAVAILABLE` has."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database: Final = database
        self._clock: Final = clock
        self._rotations: Final = Together(self._rotate_together)
        self._redemptions: Final = Together(self._redeem_together)

    async def rotate(
        self,
        tenant: Tenant,
        client: Client,
        token: RefreshToken,
        *,
        scope: tuple[str, ...] | None,
        audience: str | None,
    ) -> store.Rotation:
        """`scope`, `audience`: what the request narrows the grant to, which is asked singly."""
        asked = store.ToRotate(
            tenant.tenant_id, token.family_id, client.client_id, token.generation, tenant.refresh_idle_ttl_s
        )
        if scope is None and audience is None:
            with tracing.in_use.step("postgresql", "rotate_families"):
                rotation = await self._rotations.ask(asked)
            if rotation is not None:
                return rotation
        async with self._database.decision() as connection:
            return await store.rotate_family(
                connection,
                *asked[:4],
                scope=scope,
                audience=audience,
                grace_s=client.refresh_grace_s,
                idle_ttl_s=asked.idle_ttl_s,
                now=self._clock(),
            )

    async def redeem(
        self, tenant: Tenant, family: store.NewFamily, now: datetime
    ) -> tuple[str, store.User | None]:
        """`redeemed` with the user, or what stood against it."""
        if family.refusal is None:
            with tracing.in_use.step("postgresql", "redeem_codes"):
                user = await self._redemptions.ask(store.ToRedeem(tenant.tenant_id, family))
            if user is not None:
                return "redeemed", user
        async with self._database.decision() as connection:
            return await store.redeem_code(connection, tenant.tenant_id, family, now)

    async def _rotate_together(self, asked: Sequence[store.ToRotate]) -> Sequence[store.Rotation | None]:
        try:
            async with self._database.connection() as connection:
                return await store.rotate_families(connection, asked, self._clock())
        except asyncpg.PostgresError as error:
            return _none_of(asked, error)

    async def _redeem_together(self, asked: Sequence[store.ToRedeem]) -> Sequence[store.User | None]:
        try:
            async with self._database.connection() as connection:
                return await store.redeem_codes(connection, asked, self._clock())
        except asyncpg.PostgresError as error:
            return _none_of(asked, error)


def _none_of(asked: Sequence[object], error: Exception) -> Sequence[None]:
    """What was refused has not been done. Raises: the error, where the connection ended by it."""
    if isinstance(error, UNAVAILABLE) and not isinstance(error, asyncpg.LockNotAvailableError):
        raise error
    log.warning("decided singly", error=type(error).__name__, decisions=len(asked))
    return [None] * len(asked)
