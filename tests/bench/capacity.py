"""`make capacity`: what a row, a code, an event take up; writes docs/operate/capacity.json.

On a PostgreSQL and a NATS of its own, with rows of the lengths that real ones have; half a minute.
`make capacity` makes docs/operate/capacity.md of it and of docs/benchmarks.json besides.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
import msgspec
import nats

from deploy.local.services import ROOT
from deploy.local.stack import Stack
from shared.clock import random_bytes, utc_now
from shared.db import Database
from shared.events.bus import STREAM
from shared.events.catalog import SessionStarted
from shared.events.outbox import Relay, insert_event
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant, generate_code
from shared.queries import load_queries
from tests.bench.world import CHALLENGE, NONCE, REDIRECT_URI, SCOPE, World
from tests.support.events import bus_of, connected, database_of, running

FILE: Final = ROOT / "docs" / "operate" / "capacity.json"
TENANTS: Final = 500
ROWS: Final = 100_000
EVENTS: Final = 10_000
REFRESHES: Final = 5_000

TENANT: Final = ("admin.tenants", "admin.clients", "admin.client_secrets", "jwks.signing_keys")
_SQL: Final = load_queries(__file__, "capacity.sql")
_ROWS: Final = {
    "user": ("authorize.users", "authorize.credentials"),
    "session": ("authorize.sessions",),
    "family": ("token.families",),
    "audit entry": ("admin.audit_log",),
}
"""Tables of each; its statement adds so many to one tenant, and looks at those before it."""


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="mtas-capacity-") as folder,
        Stack(Path(folder) / "data", services=(), spare_ports=True, durable=False) as stack,
    ):
        measured = asyncio.run(_measure(stack))
    FILE.write_text(msgspec.json.format(msgspec.json.encode(measured)).decode() + "\n")
    print(f"written: {FILE.relative_to(ROOT)}")


async def _measure(stack: Stack) -> dict[str, dict[str, int]]:
    """Bytes, by store and thing."""
    connection = await asyncpg.connect(stack.postgres.superuser_url)
    try:
        world = World()

        async def grow() -> None:
            await world.grow(stack, TENANTS)

        sizes = {"tenant": await _grown(connection, TENANT, TENANTS, grow)}
        tenant_id = world.tenants[0].tenant_id
        for name, tables in _ROWS.items():

            async def insert(statement: str = _SQL[f"insert_{name.replace(' ', '_')}"]) -> None:
                await connection.execute(statement, tenant_id, ROWS)

            sizes[name] = await _grown(connection, tables, ROWS, insert)
        wal = {"refresh": await _wal_of_refreshes(connection)}
    finally:
        await connection.close()
    return {
        "postgresql": sizes,
        "wal": wal,
        "valkey": {"code": _code()},
        "nats": await _events(stack),
    }


async def _grown(
    connection: "asyncpg.Connection[asyncpg.Record]",
    tables: tuple[str, ...],
    rows: int,
    add: Callable[[], Awaitable[None]],
) -> int:
    """By how much the tables, their indexes and what is beside them have grown, by row."""
    query = "select sum(pg_total_relation_size(name::regclass))::bigint from unnest($1::text[]) name"
    before = await connection.fetchval(query, list(tables))
    await add()
    after = await connection.fetchval(query, list(tables))
    return int((after - before) / rows)


async def _wal_of_refreshes(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """What a rotation writes into the log, each in a transaction of its own, between two checkpoints."""
    families = await connection.fetch("select tenant_id, family_id from token.families limit $1", REFRESHES)
    for family in families:  # the first change of a page after a checkpoint writes all of it
        await connection.execute(_SQL["rotate"], *family.values())
    began = await connection.fetchval("select pg_current_wal_insert_lsn()")
    for family in families:
        await connection.execute(_SQL["rotate"], *family.values())
    written = await connection.fetchval("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)", began)
    return int(written / REFRESHES)


def _code() -> int:
    """Key and value, as they are sent."""
    now = datetime.now(UTC)
    grant = CodeGrant(
        client_id="acme-shop",
        redirect_uri=REDIRECT_URI,
        code_challenge=CHALLENGE,
        scope=SCOPE,
        resource=None,
        nonce=NONCE,
        user_id=uuid4(),
        session_id=uuid4(),
        auth_time=now,
        expires_at=now + timedelta(minutes=1),
    )
    return len(code_key(uuid4(), generate_code(random_bytes).reveal())) + len(encode_grant(grant))


async def _events(stack: Stack) -> dict[str, int]:
    """What one takes up in JetStream's file store; how many a second leave an outbox in which they wait."""
    client = await nats.connect(stack.nats.url("ops"))
    try:
        stream = client.jetstream()
        before = (await stream.stream_info(STREAM)).state.bytes
        seconds = await _relay(stack)
        after = (await stream.stream_info(STREAM)).state.bytes
    finally:
        await client.close()
    return {"event": int((after - before) / EVENTS), "published_per_s": int(EVENTS / seconds)}


async def _relay(stack: Stack) -> float:
    """Seconds that authorize's relay takes, each about a session of its own, as sign-ins write them."""
    bus, tenant_id = bus_of(stack, "authorize"), uuid4()
    started = SessionStarted(user_id=uuid4(), amr=("pwd",))
    async with database_of(stack, "authorize") as database:
        async with database.transaction() as connection:
            for _ in range(EVENTS):
                await insert_event(connection, tenant_id, uuid4(), started, utc_now())
        async with running(bus.run()):
            await connected(bus)
            began = time.perf_counter()
            async with running(Relay(database, bus, "authorize").run()):
                while await _is_waiting(database):
                    await asyncio.sleep(0.01)
            return time.perf_counter() - began


async def _is_waiting(database: Database) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval("select exists (select from events.outbox)"))


if __name__ == "__main__":
    main()
