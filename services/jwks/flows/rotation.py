"""Turn keys over: publish the next one, let it sign, retire the former, destroy it.

A key is published for `lead_s` before it signs, and afterwards until the last token that it signed
has expired. Any number of processes may turn: the lock makes them take different tenants, and every
transition is one statement guarded by the state that it leaves.
"""

import asyncio
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from services.jwks import store
from services.jwks.flows.context import Context
from services.jwks.flows.key_generation import generate
from services.jwks.flows.retirement import tell_of_retired
from services.jwks.flows.sealing import reseal
from shared.db import UNAVAILABLE, Connection
from shared.events.catalog import SigningKeyActivated, SigningKeyCreated
from shared.events.outbox import insert_event
from shared.keys import SealerAway

log = structlog.get_logger()

FIRST_KEYS_PERIOD_S: Final = 2.0
PERIOD_S: Final = 30.0
BATCH: Final = 100


async def turn(context: Context, tenant_id: UUID) -> bool:
    """Do what is due for one tenant. False when nothing was, or another process is at it.

    Raises: SealerAway when a key is wanted and cannot be sealed; all else has been done then.
    """
    moved = await _move_on(context, tenant_id)
    return await _publish_wanted(context, tenant_id) or moved


async def sweep(context: Context) -> None:
    """Every tenant with something due, once, a batch at a time.

    With the sealer away, keys still begin to sign and retire; only new ones wait.
    """
    after = UUID(int=0)
    sealer_away = False
    while True:
        now = context.clock()
        async with context.database.connection() as connection:
            due = await store.list_tenants_with_due_keys(
                connection, now, context.schedule.aged(now), context.sealer.sealing_id, after, BATCH
            )
        for after in due:
            try:
                await _move_on(context, after)
                if not sealer_away:
                    await _publish_wanted(context, after)
                    await reseal(context, after)
            except SealerAway as error:
                sealer_away = True
                log.warning("new keys wait for the sealer", reason=str(error))
            except UNAVAILABLE:
                raise
            except asyncpg.PostgresError:  # one tenant's trouble is not the next one's
                log.exception("keys of a tenant cannot be turned", tenant_id=str(after))
        if len(due) < BATCH:
            return


async def make_first_keys(context: Context) -> None:
    """What was registered while NATS was away needs no event to get its key."""
    while True:
        async with context.database.connection() as connection:
            missing = await store.list_tenants_without_key(connection, BATCH)
        made: list[bool] = []
        for tenant_id in missing:
            try:
                made.append(await turn(context, tenant_id))
            except SealerAway as error:
                log.warning("first keys wait for the sealer", reason=str(error))
                return
            except UNAVAILABLE:
                raise
            except asyncpg.PostgresError:  # one tenant's trouble is not the next one's
                log.exception("the first key of a tenant cannot be made", tenant_id=str(tenant_id))
        if len(missing) < BATCH or not any(made):
            return


async def keep_turning(context: Context) -> None:
    """First keys every two seconds, all else every half minute, until cancelled."""
    loop = asyncio.get_running_loop()
    next_sweep = loop.time()
    while True:
        try:
            await make_first_keys(context)
            if loop.time() >= next_sweep:
                await sweep(context)
                next_sweep = loop.time() + PERIOD_S
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.debug("keys wait for the database", error=type(error).__name__)
        await asyncio.sleep(FIRST_KEYS_PERIOD_S)


async def _move_on(context: Context, tenant_id: UUID) -> bool:
    """What needs no private key: begin to sign, stop signing, be destroyed."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if not await store.try_lock_rotation(connection, tenant_id):
            return False
        turned = await _activate(context, connection, tenant_id, now)
        turned += await _retire(connection, tenant_id, now)
    _tell(context, tenant_id, turned)
    return bool(turned)


async def _publish_wanted(context: Context, tenant_id: UUID) -> bool:
    """Under the lock, so that of several processes one makes the key. Raises: SealerAway."""
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if not await store.try_lock_rotation(connection, tenant_id):
            return False
        wanted = await store.get_wanted_key(connection, tenant_id, context.schedule.aged(now))
        made = await _publish(context, connection, tenant_id, wanted, now) if wanted is not None else []
    _tell(context, tenant_id, made)
    return bool(made)


def _tell(context: Context, tenant_id: UUID, turned: list[store.Turned]) -> None:
    if turned:
        context.published.forget(tenant_id)
        context.relay.nudge()


async def _activate(
    context: Context, connection: Connection, tenant_id: UUID, now: datetime
) -> list[store.Turned]:
    await store.raise_longest_ttl(connection, tenant_id)
    ready = await store.find_ready_key(connection, tenant_id, now)
    # First the former, or the index that allows one active key would refuse the next.
    overlap_s = context.schedule.overlap_s
    for kid in await store.retire_replaced_keys(connection, tenant_id, now, overlap_s, ready):
        log.info("signing key no longer signs", tenant_id=str(tenant_id), kid=kid)
    if ready is None:
        return []
    activated = await store.activate_pending_key(connection, tenant_id, now, ready)
    for key in activated:
        await insert_event(connection, tenant_id, key.kid, SigningKeyActivated(alg=key.alg), now)
        log.info("signing key signs", tenant_id=str(tenant_id), kid=key.kid, alg=key.alg)
    return activated


async def _retire(connection: Connection, tenant_id: UUID, now: datetime) -> list[store.Turned]:
    unused = await store.drop_unused_keys(connection, tenant_id, now)
    expired = await store.remove_expired_keys(connection, tenant_id, now)
    await tell_of_retired(connection, tenant_id, unused, "unused", now)
    await tell_of_retired(connection, tenant_id, expired, "expired", now)
    return unused + expired


async def _publish(
    context: Context, connection: Connection, tenant_id: UUID, wanted: store.WantedKey, now: datetime
) -> list[store.Turned]:
    """A first key signs from the start: nobody has cached a JWKS without it."""
    key = await generate(context.sealer, tenant_id, wanted.alg, wanted.bits)
    if wanted.signs_at_once:
        made = await store.insert_key(connection, tenant_id, key, "active", now, now)
    else:
        signs_at = context.schedule.signs_at(now)
        signs_by = context.schedule.signs_by(now) if wanted.waits else None
        made = await store.insert_key(connection, tenant_id, key, "pending", now, signs_at, signs_by)
    if not made:
        return []
    await insert_event(connection, tenant_id, key.kid, SigningKeyCreated(alg=key.alg), now)
    if wanted.signs_at_once:
        await insert_event(connection, tenant_id, key.kid, SigningKeyActivated(alg=key.alg), now)
    log.info("signing key made", tenant_id=str(tenant_id), kid=key.kid, alg=key.alg)
    return [store.Turned(key.kid, key.alg)]
