"""Who has fetched which key: noted in memory beside the answer, written every few seconds.

A client is what calls itself so in `X-MTAS-Client`, or the first product of its User-Agent (RFC 9110
§10.1.5); nobody proves it. A cache between us and the verifiers is one client. Everything is
bounded, so that whoever makes up names costs nothing but the place "other".
"""

import asyncio
import re
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from services.jwks import store
from services.jwks.flows.publication import Jwks
from shared.db import UNAVAILABLE, Database

log = structlog.get_logger()

OTHER: Final = "other"
UNKNOWN: Final = "unknown"
CLIENTS_A_TENANT: Final = 32
MOST_TENANTS: Final = 20_000
MOST_NAMES: Final = 60_000
"""Of all tenants together, 20 MiB or so; beyond that, who is new is "other"."""
MOST_WAITING: Final = 20_000
BATCH: Final = 1_000
PERIOD_S: Final = 3.0
REFRESH: Final = timedelta(hours=1)
"""How exact "last fetched" is: a client that fetches every minute is written once an hour."""

_LONGEST: Final = 64
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._/-]")


def client_name(declared: str | None, user_agent: str | None) -> str:
    """What is in [A-Za-z0-9._/-] of the header, or of the first product; at most 64 characters.

    >>> client_name("mtas-python/1.2", "python-httpx/0.28")
    'mtas-python/1.2'
    """
    words = (declared or user_agent or "")[:256].split(maxsplit=1)
    name = _NOT_IN_NAMES.sub("", words[0])[:_LONGEST] if words else ""
    return name or UNKNOWN


class _Noted(NamedTuple):
    """The document that a client was last given, and when that was written down."""

    etag: str
    at: datetime


class Fetches:
    """`note` is called with every answer, a 304 too, and only touches memory. `run` writes."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self._noted: Final[OrderedDict[UUID, dict[str, _Noted]]] = OrderedDict()
        self._names = 0
        self._waiting: Final[OrderedDict[tuple[UUID, str, str], store.Fetch]] = OrderedDict()
        self.lost = 0  # fetches that were never written, the database having been away for long

    def note(self, tenant_id: UUID, document: Jwks, client: str, now: datetime) -> None:
        noted = self._noted.get(tenant_id)
        if noted is None:
            noted = self._noted[tenant_id] = {}
            if len(self._noted) > MOST_TENANTS:
                self._names -= len(self._noted.popitem(last=False)[1])
        else:
            self._noted.move_to_end(tenant_id)
        if client not in noted and (len(noted) >= CLIENTS_A_TENANT or self._names >= MOST_NAMES):
            client = OTHER
        last = noted.get(client)
        if last is not None and last.etag == document.etag and now - last.at < REFRESH:
            return
        if last is None:
            self._names += 1
        noted[client] = _Noted(document.etag, now)
        for kid in document.kids:
            self._put(store.Fetch(tenant_id, kid, client, now, now))

    async def run(self) -> None:
        """Write what has been noted, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Batch by batch. What cannot be written waits; the oldest gives way when there is too much."""
        while self._waiting:
            batch = [self._waiting.popitem(last=False)[1] for _ in range(min(BATCH, len(self._waiting)))]
            try:
                async with self._database.connection() as connection:
                    await store.note_fetches(connection, batch)
            except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                log.debug("fetches wait for the database", error=type(error).__name__)
                self._put_back(batch)
                return

    def _put(self, fetch: store.Fetch) -> None:
        key = (fetch.tenant_id, fetch.kid, fetch.client)
        before = self._waiting.get(key)
        self._waiting[key] = fetch if before is None else fetch._replace(first_at=before.first_at)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
            self.lost += 1

    def _put_back(self, batch: list[store.Fetch]) -> None:
        """As the oldest, unless newer ones have taken the room meanwhile."""
        room = MOST_WAITING - len(self._waiting)
        self.lost += max(0, len(batch) - room)
        for fetch in reversed(batch[max(0, len(batch) - room) :]):
            key = (fetch.tenant_id, fetch.kid, fetch.client)
            later = self._waiting.get(key)
            self._waiting[key] = fetch if later is None else later._replace(first_at=fetch.first_at)
            self._waiting.move_to_end(key, last=False)
