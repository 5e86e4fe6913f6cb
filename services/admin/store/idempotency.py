"""Answers kept for requests that are sent again (idempotency.sql)."""

from datetime import datetime

import msgspec

from shared.db import Connection
from shared.queries import load_queries

_SQL = load_queries(__file__, "idempotency.sql")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    request_hash: bytes
    sealed_answer: bytes


async def claim_key(
    connection: Connection, actor: str, key_hash: bytes, request_hash: bytes, now: datetime
) -> bool:
    """False when the key was used before. Waits for a transaction that is using it."""
    return await connection.fetchval(_SQL["claim_key"], actor, key_hash, request_hash, now) is not None


async def get_kept(connection: Connection, actor: str, key_hash: bytes) -> Kept | None:
    row = await connection.fetchrow(_SQL["get_kept"], actor, key_hash)
    return Kept(**dict(row)) if row else None


async def keep_answer(connection: Connection, actor: str, key_hash: bytes, sealed_answer: bytes) -> None:
    await connection.execute(_SQL["keep_answer"], actor, key_hash, sealed_answer)


async def forget_keys(connection: Connection, before: datetime) -> None:
    await connection.execute(_SQL["forget_keys"], before)
