"""Make a key pair; its private half is sealed before anything else sees it."""

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


def generate(sealer: KeySealer, tenant_id: UUID, alg: str) -> store.NewKey:
    """A new key pair. The kid is the JWK thumbprint (RFC 7638)."""
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
