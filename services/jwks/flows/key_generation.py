"""Make a key pair; its private half is sealed before anything else sees it."""

import asyncio
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, Key, RSAKey

from services.jwks import store
from shared.keys import KeySealer

RSA_BITS: Final = 2048


async def generate(sealer: KeySealer, tenant_id: UUID, alg: str) -> store.NewKey:
    """A new key pair, made off the event loop. Raises: SealerAway."""
    return await sealed(sealer, tenant_id, alg, await asyncio.to_thread(_make, alg))


async def sealed(
    sealer: KeySealer, tenant_id: UUID, alg: str, private: RSAPrivateKey | EllipticCurvePrivateKey
) -> store.NewKey:
    """The pair as it is stored. The kid is the JWK thumbprint (RFC 7638). Raises: SealerAway."""
    jwk: Key = RSAKey(private, private) if isinstance(private, RSAPrivateKey) else ECKey(private, private)
    kid = jwk.thumbprint()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    kek_id, sealed_key = await sealer.seal(der, tenant_id, kid)
    return store.NewKey(
        kid=kid,
        alg=alg,
        public_jwk={**jwk.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"},
        sealed_private_key=sealed_key,
        kek_id=kek_id,
    )


def _make(alg: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    if alg == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    raise ValueError(f"unknown signing algorithm: {alg}")
