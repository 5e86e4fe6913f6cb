"""The audit log forgets what is old, and cannot be made to forget what is not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from deploy.local.stack import Stack
from services.admin.flows import upkeep
from shared.db import Database
from shared.secret import Secret
from tests.support.seed import Seed, some_slug

DAY = timedelta(days=1)
NOW = datetime.now(UTC)


class Only:
    """A context of which upkeep may use the database and the clock."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def clock(self) -> datetime:
        return NOW


async def entries(seed: Seed, tenant_id: UUID) -> list[int]:
    """How many days ago each happened."""
    rows = await seed.fetch("select occurred_at from admin.audit_log where tenant_id = $1", tenant_id)
    return sorted((NOW - row["occurred_at"]).days for row in rows)


async def forget(stores: Stack, retention_days: int) -> None:
    database = Database(Secret(stores.postgres.service_url("admin")), pool_size=1)
    context: Any = Only(database)
    await upkeep.forget_old_entries_now(context, retention_days)
    await database.close()


async def test_old_entries_go_and_none_of_the_last_thirty_days(stores: Stack, seed: Seed) -> None:
    tenants = [await seed.tenant(some_slug()) for _ in range(2)]
    for tenant_id in tenants:
        for days in (0, 20, 31, 99, 101):
            await seed.execute(
                "insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)"
                " values ($1, uuidv7(), $2, 's', 't', 'x', '{}')",
                tenant_id,
                NOW - days * DAY,
            )
    await forget(stores, 100)
    for tenant_id in tenants:
        assert await entries(seed, tenant_id) == [0, 20, 31, 99]
    await forget(stores, 0)  # which the settings refuse; the database does too
    for tenant_id in tenants:
        assert await entries(seed, tenant_id) == [0, 20]
