"""Forget sessions and mails that are long over, a batch at a time."""

import asyncio
from typing import Final

import asyncpg
import structlog

from services.authorize import store
from services.authorize.flows.context import Context
from services.authorize.store import mails
from shared.db import UNAVAILABLE

log = structlog.get_logger()
PERIOD_S: Final = 600
BATCH: Final = 1000


async def forget_what_is_over(context: Context) -> None:
    """Every ten minutes, until cancelled. Several processes may: each takes other rows."""
    while True:
        await asyncio.sleep(PERIOD_S)
        try:
            await forget_now(context)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("what is over stays for now", error=type(error).__name__)


async def forget_now(context: Context) -> None:
    while True:
        async with context.database.connection() as connection:
            deleted = await store.delete_forgotten_sessions(connection, BATCH)
            deleted += await mails.delete_forgotten_mails(connection, BATCH)
        if deleted == 0:
            return
