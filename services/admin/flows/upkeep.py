"""Forget audit entries that are older than they are to be kept, a batch at a time; and lapsed links."""

import asyncio
from datetime import timedelta
from typing import Final

import asyncpg
import structlog

from services.admin.flows.context import Context
from services.admin.store import audit, password_links
from shared.db import UNAVAILABLE

log = structlog.get_logger()
PERIOD_S: Final = 3600
BATCH: Final = 1000


async def forget_old_entries(context: Context, retention_days: int) -> None:
    """Every hour, until cancelled. Several processes may: what one has deleted the other finds gone."""
    while True:
        await asyncio.sleep(PERIOD_S)
        try:
            await forget_old_password_links(context)
            await forget_old_entries_now(context, retention_days)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("old audit entries stay for now", error=type(error).__name__)


async def forget_old_password_links(context: Context) -> None:
    """Addresses are personal data, and these were typed by anybody: a day after the link has lapsed."""
    async with context.database.connection() as connection:
        await password_links.delete_old_password_links(connection, context.clock() - timedelta(days=1))


async def forget_old_entries_now(context: Context, retention_days: int) -> None:
    """A statement a batch, so that none runs into its time limit."""
    before = context.clock() - timedelta(days=retention_days)
    while True:
        async with context.database.connection() as connection:
            deleted = await audit.delete_old_entries(connection, before, BATCH)
        if deleted == 0:
            return
