"""Import a tenant's own signing key: checked once and thoroughly, then it takes its place in the schedule.

It is published now and signs after the usual lead, like a key that was made here. From then on
nobody looks at its arithmetic again, so it is looked at here.
"""

import asyncio
from typing import Final
from uuid import UUID

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.jwks import store
from services.jwks.flows.context import Context
from services.jwks.flows.key_generation import PrivateKey, alg_of, sealed, thumbprint
from services.jwks.flows.retirement import tell_of_retired
from services.jwks.flows.rotate_now import Rotated, lock_choice, tell
from shared.events.catalog import SigningKeyCreated
from shared.events.outbox import insert_event
from shared.secret import Secret

log = structlog.get_logger()

LEAST_BITS: Final = 2048
MOST_BITS: Final = 4096
EXPONENT: Final = 65537
MAX_PEM: Final = 8 * 1024


class InvalidKey(Exception):
    """The key may not be imported; the message says why, and nothing of the key."""


class KeyTaken(Exception):
    """The key is, or was, a signing key already: of this tenant or of another."""


async def import_key(
    context: Context, tenant_id: UUID, pem: Secret, actor: str | None, *, waits: bool | None = None
) -> Rotated:
    """The key as it is published. A next key that was made here and never signed gives way to it.

    Raises: InvalidKey, KeyTaken, UnknownTenant, SealerAway.
    """
    private = await asyncio.to_thread(read_key, pem)
    alg, kid = alg_of(private), thumbprint(private)
    now = context.clock()
    async with context.database.tenant(tenant_id) as connection:
        choice = await lock_choice(connection, tenant_id)
        if alg != choice.alg:
            raise InvalidKey(f"The app signs with {choice.alg}, and this is a key for {alg}.")
        if await store.is_known_key(connection, kid):
            raise KeyTaken
        key = await sealed(context.sealer, tenant_id, private, is_imported=True)
        former = await store.drop_pending_key(connection, tenant_id, alg, now)
        await tell_of_retired(connection, tenant_id, former, "unused", now, actor=actor)
        signs_by = context.schedule.signs_by(now) if (choice.waits if waits is None else waits) else None
        signs_at = context.schedule.signs_at(now)
        if not await store.insert_key(connection, tenant_id, key, "pending", now, signs_at, signs_by):
            raise KeyTaken  # by another tenant, since we looked
        created = SigningKeyCreated(alg=alg, actor=actor, imported=True)
        await insert_event(connection, tenant_id, kid, created, now)
        pending = await store.get_pending_key(connection, tenant_id, alg)
    assert pending is not None, "the lock keeps it"
    tell(context, tenant_id)
    log.info("signing key imported", tenant_id=str(tenant_id), kid=kid, alg=alg, actor=actor)
    return Rotated(**msgspec.structs.asdict(pending))


def read_key(pem: Secret) -> PrivateKey:
    """An RSA key of 2048 to 4096 bits with e=65537, or an EC key on P-256; whole. Raises: InvalidKey."""
    raw = pem.reveal().encode("utf-8", "replace")
    if len(raw) > MAX_PEM:
        raise InvalidKey("The file is too long for a private key.")
    try:
        private = load_pem_private_key(raw, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(private, RSAPrivateKey):
            _check_rsa(private)
            # Checks what makes an RSA key one: that p and q are primes, and that n, e and d go with
            # them. After the size: with a much longer key it would take minutes.
            private = load_pem_private_key(raw, None)
    except TypeError:
        raise InvalidKey("The key is under a passphrase. Send it without.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey("This is not a whole private key in PEM.") from None
    if isinstance(private, EllipticCurvePrivateKey):
        if not isinstance(private.curve, ec.SECP256R1):
            raise InvalidKey("An EC key must be on the curve P-256.")
    elif not isinstance(private, RSAPrivateKey):
        raise InvalidKey("The key must be RSA or EC.")
    _check_signature(private)
    return private


def _check_rsa(private: RSAPrivateKey) -> None:
    numbers = private.private_numbers()
    bits = private.key_size
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise InvalidKey(f"An RSA key must have {LEAST_BITS} to {MOST_BITS} bits; this one has {bits}.")
    if numbers.public_numbers.e != EXPONENT:
        raise InvalidKey(f"The public exponent must be {EXPONENT}.")
    # FIPS 186-5 §A.1.1: primes that lie close together are found by Fermat's method.
    if abs(numbers.p - numbers.q) <= 1 << (bits // 2 - 100):
        raise InvalidKey("The two primes lie too close together.")


def _check_signature(private: PrivateKey) -> None:
    """Whatever the container says: what the private half signs, the public half must verify."""
    message = b"mtas import check"
    try:
        if isinstance(private, RSAPrivateKey):
            signature = private.sign(message, padding.PKCS1v15(), SHA256())
            private.public_key().verify(signature, message, padding.PKCS1v15(), SHA256())
        else:
            signature = private.sign(message, ec.ECDSA(SHA256()))
            private.public_key().verify(signature, message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise InvalidKey("The private and the public half do not belong together.") from None
