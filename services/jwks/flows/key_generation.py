"""Make a tenant's first signing key, once, whoever asks first.

`tenant.created` asks at once. A look at all tenants every few seconds asks again: it finds what
was registered while NATS was away, and needs no event at all.
"""

import asyncio
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, Key, RSAKey

from services.jwks import store
from services.jwks.flows.context import Context
from shared.db import UNAVAILABLE
from shared.events.catalog import SigningKeyActivated, SigningKeyCreated
from shared.events.outbox import insert_event
from shared.keys import KeySealer

log = structlog.get_logger()

RSA_BITS: Final = 2048
PERIOD_S: Final = 2.0
BATCH: Final = 100


async def ensure_active_key(context: Context, tenant_id: UUID, alg: str) -> bool:
    """Make and activate a key unless the tenant has one for `alg`. True when it was made here.

    A first key signs from the start: nobody has cached a JWKS without it.
    """
    async with context.database.tenant(tenant_id) as connection:
        if await store.get_active_kid(connection, tenant_id, alg) is not None:
            return False
    key = await asyncio.to_thread(generate, context.sealer, tenant_id, alg)
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        if not await store.insert_active_key(connection, tenant_id, key, now):
            return False
        await insert_event(connection, tenant_id, key.kid, SigningKeyCreated(alg=alg), now)
        await insert_event(connection, tenant_id, key.kid, SigningKeyActivated(alg=alg), now)
    context.published.forget(tenant_id)
    context.relay.nudge()
    log.info("signing key made", tenant_id=str(tenant_id), kid=key.kid, alg=alg)
    return True


async def ensure_every_tenant_has_a_key(context: Context) -> None:
    """Every two seconds, until cancelled."""
    while True:
        try:
            async with context.database.connection() as connection:
                missing = await store.list_tenants_without_key(connection, BATCH)
            for tenant_id, alg in missing:
                await ensure_active_key(context, tenant_id, alg)
            if len(missing) == BATCH:
                continue
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.debug("keys wait for the database", error=type(error).__name__)
        await asyncio.sleep(PERIOD_S)


def generate(sealer: KeySealer, tenant_id: UUID, alg: str) -> store.NewKey:
    """A new key pair, its private half sealed at once. The kid is the JWK thumbprint (RFC 7638)."""
    private: RSAPrivateKey | EllipticCurvePrivateKey
    jwk: Key
    if alg == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        jwk = RSAKey(private, private)
    elif alg == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
        jwk = ECKey(private, private)
    else:
        raise ValueError(f"unknown signing algorithm: {alg}")
    kid = jwk.thumbprint()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    kek_id, sealed = sealer.seal(der, tenant_id, kid)
    return store.NewKey(
        kid=kid,
        alg=alg,
        public_jwk={**jwk.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"},
        sealed_private_key=sealed,
        kek_id=kek_id,
    )
