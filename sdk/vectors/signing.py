"""Keys that sign the vectors' tokens (RFC 7517, RFC 7515).

They are derived from fixed text, so that no private key lies in the repository and every run makes the
same ones. They are worth nothing outside these vectors.
"""

import hashlib
import hmac
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from sdk.vectors.sealed import b64, compact


@cache
def rsa_key(label: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    p, q = _prime(label + " p", bits // 2), _prime(label + " q", bits // 2)
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()


@cache
def ec_key(label: str, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(label.encode()).digest(), "big") >> 1, curve())


def _prime(label: str, bits: int) -> int:
    stream = b"".join(hashlib.sha256(f"{label} {i}".encode()).digest() for i in range(bits // 256))
    number = int.from_bytes(stream, "big") | (3 << (bits - 2)) | 1
    while not _is_prime(number) or (number - 1) % 65537 == 0:
        number += 2
    return number


def _is_prime(number: int) -> bool:
    """Miller and Rabin, with fixed bases: enough for numbers that nobody chose to deceive."""
    if any(number % small == 0 for small in range(3, 2000, 2)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19):
        x = pow(base, odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def b64_int(number: int, length: int | None = None) -> str:
    return b64(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def rsa_jwk(kid: str, key: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "n": b64_int(numbers.n), "e": b64_int(numbers.e)} | more


def ec_jwk(kid: str, key: ec.EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    size = (key.curve.key_size + 7) // 8
    crv = {256: "P-256", 384: "P-384"}[key.curve.key_size]
    return {
        "kty": "EC",
        "kid": kid,
        "crv": crv,
        "x": b64_int(numbers.x, size),
        "y": b64_int(numbers.y, size),
    } | more


KEY_SET: Final = {
    "keys": [
        rsa_jwk("rsa-1", rsa_key("rsa one"), use="sig", alg="RS256"),
        rsa_jwk("rsa-2", rsa_key("rsa two")),
        ec_jwk("ec-1", ec_key("ec one"), use="sig", alg="ES256", key_ops=["verify"]),
        # One kid, two key types: the one that fits the algorithm counts.
        ec_jwk("both", ec_key("ec two")),
        rsa_jwk("both", rsa_key("rsa two")),
    ]
}


def sign(header: str | dict[str, Any], payload: str | bytes | dict[str, Any], key: Any) -> str:
    head = header if isinstance(header, str) else compact(header)
    body = payload if isinstance(payload, str | bytes) else compact(payload)
    signed = f"{b64(head.encode())}.{b64(body if isinstance(body, bytes) else body.encode())}"
    return f"{signed}.{b64(_signature(signed.encode(), key))}"


def _signature(message: bytes, key: Any) -> bytes:
    if isinstance(key, bytes):
        return hmac.digest(key, message, "sha256")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")
