"""Tell of keys that have been retired, whatever for."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import structlog

from services.jwks import store
from shared.db import Connection
from shared.events.catalog import Cause, SigningKeyRetired
from shared.events.outbox import insert_event

log = structlog.get_logger()

Reason: TypeAlias = Literal["expired", "unused", "withdrawn"]


async def tell_of_retired(
    connection: Connection,
    tenant_id: UUID,
    keys: list[store.Turned],
    reason: Reason,
    now: datetime,
    *,
    actor: str | None = None,
    cause: Cause | None = None,
) -> None:
    """In the transaction that has retired them. Who fetched them is forgotten."""
    for key in keys:
        event = SigningKeyRetired(alg=key.alg, reason=reason, actor=actor, note=cause)
        await insert_event(connection, tenant_id, key.kid, event, now)
        log.info("signing key retired", tenant_id=str(tenant_id), kid=key.kid, alg=key.alg, reason=reason)
    if keys:
        await store.forget_fetches(connection, tenant_id)
