"""Seal keys anew that lie under another key-encryption key than the first configured.

So that a key-encryption key is replaced without a stop: put the new one first, wait until the log
is quiet, take the old one away. The token service needs both meanwhile.
"""

from uuid import UUID

import structlog

from services.jwks import store
from services.jwks.flows.context import Context
from shared.keys import UnsealError

log = structlog.get_logger()


async def reseal(context: Context, tenant_id: UUID) -> int:
    """How many of the tenant's keys were sealed anew. One that does not open stays as it is.

    Raises: SealerAway.
    """
    done = 0
    async with context.database.tenant(tenant_id) as connection:
        for former in await store.lock_keys_sealed_otherwise(
            connection, tenant_id, context.sealer.sealing_id
        ):
            try:
                der = await context.sealer.open(
                    former.kek_id, former.sealed_private_key, tenant_id, former.kid
                )
            except UnsealError as error:
                log.error("signing key not sealed anew", tenant_id=str(tenant_id), reason=str(error))  # noqa: TRY400
                continue
            kek_id, sealed = await context.sealer.seal(der, tenant_id, former.kid)
            done += await store.replace_seal(connection, tenant_id, former, sealed, kek_id)
    if done:
        log.info("signing keys sealed anew", tenant_id=str(tenant_id), keys=done)
    return done
