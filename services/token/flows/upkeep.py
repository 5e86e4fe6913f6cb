"""Forget families that expired long ago, a batch at a time."""

import asyncio
from typing import Final

import asyncpg
import structlog

from services.token import store
from services.token.flows.context import Context
from shared.db import UNAVAILABLE

log = structlog.get_logger()
PERIOD_S: Final = 600
BATCH: Final = 1000


async def forget_expired_families(context: Context) -> None:
    """Every ten minutes, until cancelled. Several processes may: each takes other rows."""
    while True:
        await asyncio.sleep(PERIOD_S)
        try:
            while True:
                async with context.database.connection() as connection:
                    deleted = await store.delete_expired_families(connection, BATCH)
                if deleted < BATCH:
                    break
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("expired families stay for now", error=type(error).__name__)
