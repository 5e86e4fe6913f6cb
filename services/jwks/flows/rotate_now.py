"""Rotate because somebody asks: in order, or in an emergency.

In order, the next key is published now and signs after the usual lead: nobody notices. In an
emergency a new key signs at once and every other leaves the JWKS at once: what they signed is void,
and verifiers fetch the JWKS anew for the unknown `kid`.
"""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from services.jwks import store
from services.jwks.flows.context import Context
from services.jwks.flows.key_generation import generate
from shared.db import Connection
from shared.events.catalog import SigningKeyActivated, SigningKeyCreated, SigningKeyRetired
from shared.events.outbox import insert_event

log = structlog.get_logger()


class UnknownTenant(Exception):
    """There is no tenant with this id."""


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant's next key, or in an emergency the one that signs now; and what was withdrawn."""

    kid: str
    alg: str
    state: store.State
    activates_at: datetime
    withdrawn: tuple[str, ...] = ()


async def publish_next(context: Context, tenant_id: UUID, actor: str | None) -> Rotated:
    """Asked twice it happens once: a next key that waits already is the answer. Raises: UnknownTenant."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        alg = await _lock(connection, tenant_id)
        made = None
        if await store.get_pending_key(connection, tenant_id, alg) is None:
            made = await generate(context.sealer, tenant_id, alg)
            signs_at = context.schedule.signs_at(now)
            await store.insert_key(connection, tenant_id, made, "pending", now, signs_at)
            event = SigningKeyCreated(alg=alg, actor=actor)
            await insert_event(connection, tenant_id, made.kid, event, now)
        key = await store.get_pending_key(connection, tenant_id, alg)
    assert key is not None, "the lock keeps it"
    if made is not None:
        _tell(context, tenant_id)
        log.info("signing key made on request", tenant_id=str(tenant_id), kid=key.kid, actor=actor)
    return Rotated(**msgspec.structs.asdict(key))


async def withdraw_and_replace(
    context: Context, tenant_id: UUID, actor: str | None, note: str | None
) -> Rotated:
    """All keys of the tenant go: who knows how one leaked does not know that the others did not.

    Raises: UnknownTenant.
    """
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        alg = await _lock(connection, tenant_id)
        new = await generate(context.sealer, tenant_id, alg)
        withdrawn = await store.withdraw_keys(connection, tenant_id, now)
        made = await store.insert_key(connection, tenant_id, new, "active", now, now)
        assert made, "the lock keeps anybody else from activating one"
        for key in withdrawn:
            retired = SigningKeyRetired(alg=key.alg, reason="withdrawn", actor=actor, note=note)
            await insert_event(connection, tenant_id, key.kid, retired, now)
        await insert_event(connection, tenant_id, new.kid, SigningKeyCreated(alg=alg, actor=actor), now)
        await insert_event(connection, tenant_id, new.kid, SigningKeyActivated(alg=alg), now)
    _tell(context, tenant_id)
    kids = tuple(key.kid for key in withdrawn)
    log.warning("signing keys withdrawn", tenant_id=str(tenant_id), kids=kids, actor=actor, note=note)
    return Rotated(kid=new.kid, alg=alg, state="active", activates_at=now, withdrawn=kids)


async def _lock(connection: Connection, tenant_id: UUID) -> str:
    await store.lock_rotation(connection, tenant_id)
    alg = await store.get_signing_alg(connection, tenant_id)
    if alg is None:
        raise UnknownTenant
    return alg


def _tell(context: Context, tenant_id: UUID) -> None:
    context.published.forget(tenant_id)
    context.relay.nudge()
