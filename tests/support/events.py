"""Buses and databases of one service, as a test of events has them beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import nats
import nats.errors
import nats.js.errors

from deploy.local.stack import Stack
from shared.db import Database
from shared.events.bus import STREAM, Bus
from shared.events.catalog import Event
from shared.events.outbox import insert_event
from shared.secret import Secret
from tests.support.seed import Seed


@asynccontextmanager
async def running(*jobs: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(job) for job in jobs]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def database_of(stores: Stack, service: str) -> AsyncIterator[Database]:
    database = Database(Secret(stores.postgres.service_url(service)), pool_size=4)
    yield database
    await database.close()


async def until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def connected(bus: Bus) -> None:
    await until(lambda: bus.is_connected, 5)


def bus_of(stores: Stack, service: str) -> Bus:
    return Bus(Secret(stores.nats.url(service)), service)


async def write(database: Database, tenant_id: UUID, subject: str, event: Event) -> None:
    async with database.transaction() as connection:
        await insert_event(connection, tenant_id, subject, event, datetime.now(UTC))


async def waiting(seed: Seed, tenant_id: UUID) -> int:
    return len(await seed.fetch("select 1 from events.outbox where tenant_id = $1", tenant_id))


async def stored(stores: Stack, subject: str) -> int:
    """How many messages JetStream keeps on a subject."""
    client = await nats.connect(stores.nats.url("ops"))
    try:
        info = await client.jetstream().stream_info(STREAM, subjects_filter=subject)
        return sum((info.state.subjects or {}).values())
    finally:
        await client.close()
