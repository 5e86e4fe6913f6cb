"""Signing keys as token and jwks meet them: each must open with the key-encryption keys that are set."""

from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg

from deploy.doctor.finding import Finding, fail, ok
from shared.hosts import Primary
from shared.keys import KeySealer, SealerAway, UnsealError
from shared.sealing import SealingSettings, choose_sealer

_CHECK: Final = "signing keys"
_MOST: Final = 1000
"""Apps: the newest. A key-encryption key that is missing shows in each that it sealed."""
_TENANTS: Final = "select tenant_id, slug from admin.tenants order by created_at desc limit $1"
_KEYS: Final = """
select kid, kek_id, sealed_private_key as sealed from jwks.signing_keys
 where tenant_id = $1 and state <> 'retired' and sealed_private_key is not null
"""


async def check(settings: SealingSettings) -> AsyncIterator[Finding]:
    """Nothing when the database does not answer: that has been found."""
    try:
        connection: Any = await Primary(settings.database_url.reveal(), timeout_s=5).connect()
    except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError, ValueError):
        return
    sealer = choose_sealer(settings)
    try:
        async with connection.transaction(readonly=True):
            yield await _open_all(connection, sealer)
    except asyncpg.PostgresError as error:
        yield fail(_CHECK, str(error), "Run provisioning with this version: `provision`.")
    except SealerAway as error:
        yield fail(
            _CHECK, str(error), "Is the KMS of MTAS_TRANSIT_URL running, open, and reachable from here?"
        )
    finally:
        await sealer.close()
        await connection.close(timeout=5)


async def _open_all(connection: Any, sealer: KeySealer) -> Finding:
    """Raises: SealerAway."""
    opened, closed = 0, []
    for tenant in await connection.fetch(_TENANTS, _MOST):
        await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(tenant["tenant_id"]))
        for key in await connection.fetch(_KEYS, tenant["tenant_id"]):
            try:
                await sealer.open(key["kek_id"], bytes(key["sealed"]), tenant["tenant_id"], key["kid"])
                opened += 1
            except UnsealError as error:
                closed.append(f"{tenant['slug']}: {error}")
    if closed:
        return fail(
            _CHECK,
            f"{len(closed)} of {opened + len(closed)} do not open; {closed[0]}",
            "Add the key-encryption key that sealed them to MTAS_KEY_ENCRYPTION_KEYS, behind the first, at "
            "token and jwks (docs/signing-keys.md). Was the database restored without its secrets?",
        )
    return ok(_CHECK, f"all {opened} open")
