"""JWTs as an attacker makes them: by hand, so that no library refuses to."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from shared.keys import LocalKeySealer, parse_keys
from shared.secret import Secret
from tests.support.home import Home
from tests.support.seed import Seed


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(content: dict[str, Any]) -> str:
    return b64(json.dumps(content).encode())


def hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signing_input = f"{part(header | {'alg': 'HS256'})}.{part(claims)}"
    return f"{signing_input}.{b64(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


def rs256(header: dict[str, Any], claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    signing_input = f"{part(header)}.{part(claims)}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode(), padding.PKCS1v15(), SHA256()))}"


@dataclass(frozen=True)
class Genuine:
    """A good token taken apart, and the key that signed it: what no attacker has, so that one
    check at a time can be put to the test."""

    token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    key: rsa.RSAPrivateKey

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """The same with these changes, signed as the tenant would; None takes a member away."""
        return rs256(_merged(self.header, header), _merged(self.claims, claims), self.key)


async def genuine(home: Home, truth: Seed, token: str) -> Genuine:
    (row,) = await truth.fetch(
        "select k.tenant_id, kid, kek_id, sealed_private_key from jwks.signing_keys k"
        " join admin.tenants t using (tenant_id) where slug = $1 and state = 'active'",
        home.slug,
    )
    sealer = LocalKeySealer(parse_keys(Secret(home.product.stack.secrets["key-encryption-keys"])))
    der = await sealer.open(row["kek_id"], row["sealed_private_key"], row["tenant_id"], row["kid"])
    key = load_der_private_key(der, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    claims = jwt.decode(token, options={"verify_signature": False})
    return Genuine(token, dict(jwt.get_unverified_header(token)), dict(claims), key)


def _merged(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (members | changes).items() if value is not None}
