"""What the dashboard wants to know of requests: noted in memory beside the answer, written every second.

The last refusal of each kind, so that a developer is told what their app did wrong; that a code was
redeemed; when a secret was last used. Requests come from anybody, so everything is bounded: one entry
a tenant, client and kind, however many requests; beyond `MOST_WAITING`, what is new is only counted.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import structlog

from shared.db import UNAVAILABLE, Connection, Database
from shared.queries import load_queries

log = structlog.get_logger()

Kind: TypeAlias = Literal[
    # authorize
    "unknown_client", "redirect_uri", "pkce", "scope", "request", "wrong_password",
    # token
    "wrong_secret", "secret_missing", "code_verifier", "code_redirect_uri", "code_expired", "code_unknown",
    "code_redeemed",
]  # fmt: skip

NO_CLIENT: Final = ""
MOST_WAITING: Final = 5_000
MAX_DETAIL: Final = 500
PERIOD_S: Final = 1.0
EXACT_TO: Final = timedelta(minutes=1)
"""How exact the last use of a secret is: one that is used all day is written once a minute."""
_SQL = load_queries(__file__, "observations.sql")


class _Observation(NamedTuple):
    tenant_id: UUID
    client_id: str
    kind: Kind
    detail: str | None
    times: int
    last_at: datetime


class UsedSecret(Protocol):
    """A secret, as whoever caches it has it in memory: it remembers itself when its use was last noted."""

    noted_at: datetime | None

    @property
    def secret_hash(self) -> bytes: ...


class _Use(NamedTuple):
    tenant_id: UUID
    client_id: str
    secret: UsedSecret
    used_at: datetime

    @property
    def row(self) -> tuple[Any, ...]:
        return self.tenant_id, self.client_id, self.secret.secret_hash, self.used_at


class Observations:
    """`note` and `note_secret` only touch memory. `run` writes."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self._waiting: dict[tuple[UUID, str, str], _Observation] = {}
        self._uses: list[_Use] = []
        self.lost = 0  # what there was no room for

    def note(
        self, tenant_id: UUID, client_id: str, kind: Kind, now: datetime, detail: str | None = None
    ) -> None:
        """`client_id` is one of the tenant's, or NO_CLIENT. A `detail` that is too long is left out."""
        if detail is not None and len(detail) > MAX_DETAIL:
            detail = None
        key = (tenant_id, client_id, kind)
        before = self._waiting.get(key)
        if before is None and len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        times = 1 if before is None else before.times + 1
        self._waiting[key] = _Observation(tenant_id, client_id, kind, detail, times, now)

    def note_secret(self, tenant_id: UUID, client_id: str, secret: UsedSecret, now: datetime) -> None:
        if secret.noted_at is not None and now - secret.noted_at < EXACT_TO:
            return
        if len(self._uses) >= MOST_WAITING:
            self.lost += 1
            return
        secret.noted_at = now
        self._uses.append(_Use(tenant_id, client_id, secret, now))

    async def run(self) -> None:
        """Write what has been noted, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """What cannot be written now is let go: it is news, and there will be more."""
        waiting, self._waiting = self._waiting, {}
        uses, self._uses = self._uses, []
        if not waiting and not uses:
            return
        try:
            async with self._database.connection() as connection:
                await _write(connection, "note_observations", waiting.values())
                await _write(connection, "note_secret_uses", [use.row for use in uses])
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            self.lost += len(waiting) + len(uses)
            for use in uses:
                use.secret.noted_at = None  # to be noted again with the next use
            log.debug("observations are lost", error=type(error).__name__)


async def _write(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    if columns:
        await connection.execute(_SQL[statement], *columns)
