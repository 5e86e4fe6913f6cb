"""Rotate because somebody asks: in order, or in an emergency.

In order, the next key is published now and signs after the usual lead: nobody notices. In an
emergency a new key signs at once and every other leaves the JWKS at once: what they signed is void,
and verifiers fetch the JWKS anew for the unknown `kid`.
"""

from uuid import UUID

import msgspec
import structlog

from services.jwks import store
from services.jwks.flows.context import Context
from services.jwks.flows.key_generation import generate
from services.jwks.flows.retirement import tell_of_retired
from shared.db import Connection
from shared.events.catalog import Cause, SigningKeyActivated, SigningKeyCreated
from shared.events.outbox import insert_event

log = structlog.get_logger()


class UnknownTenant(Exception):
    """There is no tenant with this id."""


class Rotated(store.KeyState, frozen=True, kw_only=True):
    """The tenant's next key, or in an emergency the one that signs now; and what was withdrawn."""

    withdrawn: tuple[str, ...] = ()


async def publish_next(
    context: Context, tenant_id: UUID, actor: str | None, *, waits: bool | None = None
) -> Rotated:
    """Asked twice it happens once: a next key that is published already, and fits, is the answer.

    `waits`: whether it waits to be fetched; None is as the tenant has it. Raises: UnknownTenant, SealerAway.
    """
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        choice = await lock_choice(connection, tenant_id)
        unused = await store.drop_unused_keys(connection, tenant_id, now)
        await tell_of_retired(connection, tenant_id, unused, "unused", now, actor=actor)
        made = None
        if await store.get_pending_key(connection, tenant_id, choice.alg) is None:
            made = await generate(context.sealer, tenant_id, choice.alg, choice.bits)
            signs_by = context.schedule.signs_by(now) if (choice.waits if waits is None else waits) else None
            await store.insert_key(
                connection, tenant_id, made, "pending", now, context.schedule.signs_at(now), signs_by
            )
            event = SigningKeyCreated(alg=choice.alg, actor=actor)
            await insert_event(connection, tenant_id, made.kid, event, now)
        key = await store.get_pending_key(connection, tenant_id, choice.alg)
    assert key is not None, "the lock keeps it"
    if made is not None:
        tell(context, tenant_id)
        log.info("signing key made on request", tenant_id=str(tenant_id), kid=key.kid, actor=actor)
    return Rotated(**msgspec.structs.asdict(key))


async def withdraw_and_replace(
    context: Context, tenant_id: UUID, actor: str | None, cause: Cause | None
) -> Rotated:
    """All keys of the tenant go: who knows how one leaked does not know that the others did not.

    The new one signs at once, whoever has fetched it. Raises: UnknownTenant, SealerAway.
    """
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        choice = await lock_choice(connection, tenant_id)
        new = await generate(context.sealer, tenant_id, choice.alg, choice.bits)
        withdrawn = await store.withdraw_keys(connection, tenant_id, now)
        made = await store.insert_key(connection, tenant_id, new, "active", now, now)
        assert made, "the lock keeps anybody else from activating one"
        await tell_of_retired(connection, tenant_id, withdrawn, "withdrawn", now, actor=actor, cause=cause)
        created = SigningKeyCreated(alg=new.alg, actor=actor)
        await insert_event(connection, tenant_id, new.kid, created, now)
        await insert_event(connection, tenant_id, new.kid, SigningKeyActivated(alg=new.alg), now)
    tell(context, tenant_id)
    kids = tuple(key.kid for key in withdrawn)
    log.warning("signing keys withdrawn", tenant_id=str(tenant_id), kids=kids, actor=actor, cause=cause)
    return Rotated(
        kid=new.kid,
        alg=new.alg,
        rsa_bits=new.rsa_bits,
        state="active",
        activates_at=now,
        activates_by=None,
        withdrawn=kids,
    )


async def lock_choice(connection: Connection, tenant_id: UUID) -> store.KeyChoice:
    """Keep every other rotator out until the transaction ends. Raises: UnknownTenant."""
    await store.lock_rotation(connection, tenant_id)
    choice = await store.get_key_choice(connection, tenant_id)
    if choice is None:
        raise UnknownTenant
    return choice


def tell(context: Context, tenant_id: UUID) -> None:
    context.published.forget(tenant_id)
    context.relay.nudge()
