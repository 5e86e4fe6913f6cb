"""Make a key pair; its private half is sealed before anything else sees it."""

import asyncio
from typing import TypeAlias
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, Key, RSAKey

from services.jwks import store
from shared.keys import KeySealer

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey


async def generate(sealer: KeySealer, tenant_id: UUID, alg: str, bits: int = 2048) -> store.NewKey:
    """A new key pair, made off the event loop; `bits` are an RSA key's. Raises: SealerAway."""
    return await sealed(sealer, tenant_id, await asyncio.to_thread(_make, alg, bits))


async def sealed(
    sealer: KeySealer, tenant_id: UUID, private: PrivateKey, *, is_imported: bool = False
) -> store.NewKey:
    """The pair as it is stored. The kid is the JWK thumbprint (RFC 7638). Raises: SealerAway."""
    alg = alg_of(private)
    jwk = _jwk(private)
    kid = jwk.thumbprint()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    kek_id, sealed_key = await sealer.seal(der, tenant_id, kid)
    return store.NewKey(
        kid=kid,
        alg=alg,
        rsa_bits=private.key_size if isinstance(private, RSAPrivateKey) else None,
        is_imported=is_imported,
        public_jwk={**jwk.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"},
        sealed_private_key=sealed_key,
        kek_id=kek_id,
    )


def thumbprint(private: PrivateKey) -> str:
    return _jwk(private).thumbprint()


def alg_of(private: PrivateKey) -> str:
    return "RS256" if isinstance(private, RSAPrivateKey) else "ES256"


def _jwk(private: PrivateKey) -> Key:
    return RSAKey(private, private) if isinstance(private, RSAPrivateKey) else ECKey(private, private)


def _make(alg: str, bits: int) -> PrivateKey:
    if alg == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    raise ValueError(f"unknown signing algorithm: {alg}")
