"""Vectors of JWTs (RFC 7519, RFC 9068, OIDC Core §2), key sets (RFC 7517) and discovery documents.

The keys are derived from fixed text, so that no private key lies in the repository and every run makes
the same ones. They are worth nothing outside these vectors.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from sdk.vectors.sealed import APP_ID, ISSUER, NOW, b64, compact

LEEWAY: Final = 30
NONCE: Final = "nonce-0123456789"
SUB: Final = "018f6f2e-7b7a-7c3e-9a55-0d8e6a1b2c3d"
RESOURCE: Final = "https://api.example.com"


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


def _int(number: int, length: int | None = None) -> str:
    return b64(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def rsa_jwk(kid: str, key: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "n": _int(numbers.n), "e": _int(numbers.e)} | more


def ec_jwk(kid: str, key: ec.EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    size = (key.curve.key_size + 7) // 8
    crv = {256: "P-256", 384: "P-384"}[key.curve.key_size]
    return {
        "kty": "EC",
        "kid": kid,
        "crv": crv,
        "x": _int(numbers.x, size),
        "y": _int(numbers.y, size),
    } | more


def _private(jwk: dict[str, Any]) -> dict[str, Any]:
    return jwk | {"d": "AQAB"}


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


def at_claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "iat": NOW - 5,
        "sid": "c2lkLW9mLWEtZmFtaWx5",
        "auth_time": NOW - 60,
        "exp": NOW + 595,
        "aud": APP_ID,
        "sub": SUB,
        "client_id": APP_ID,
        "jti": "anRpLW9mLXRoZS10b2tlbg",
        "scope": "openid profile email",
    }
    return _without(claims | changes)


def id_claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "iat": NOW - 5,
        "exp": NOW + 595,
        "aud": APP_ID,
        "sub": SUB,
        "nonce": NONCE,
        "auth_time": NOW - 60,
        "email": "ada@example.com",
        "email_verified": True,
    }
    return _without(claims | changes)


_ABSENT: Final = object()


def _without(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not _ABSENT}


RS: Final = {"typ": "at+jwt", "alg": "RS256", "kid": "rsa-1"}
ES: Final = {"typ": "at+jwt", "alg": "ES256", "kid": "ec-1"}
ID: Final = {"typ": "JWT", "alg": "RS256", "kid": "rsa-1"}


def jwt() -> dict[str, Any]:
    return {
        "now": NOW,
        "leeway": LEEWAY,
        "issuer": ISSUER,
        "app_id": APP_ID,
        "jwks": KEY_SET,
        "access_token": [_case(*case) for case in (*_accepted_at(), *_refused_at(), *_refused_jws())],
        "id_token": [_id_case(*case) for case in (*_accepted_id(), *_refused_id())],
    }


def _case(
    name: str, token: str, accept: bool, options: dict[str, Any] | None = None, **_: Any
) -> dict[str, Any]:
    return {"name": name, "audience": APP_ID} | (options or {}) | {"token": token, "accept": accept}


def _id_case(name: str, token: str, accept: bool, options: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "nonce": NONCE} | (options or {}) | {"token": token, "accept": accept}


def _accepted_at() -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    one = rsa_key("rsa one")
    yield "RS256", sign(RS, at_claims(), one), True, {}
    yield "ES256", sign(ES, at_claims(), ec_key("ec one")), True, {}
    yield "RS256, kid of two keys", sign(RS | {"kid": "both"}, at_claims(), rsa_key("rsa two")), True, {}
    yield "ES256, kid of two keys", sign(ES | {"kid": "both"}, at_claims(), ec_key("ec two")), True, {}
    yield (
        "header members in another order",
        sign({"kid": "rsa-1", "alg": "RS256", "typ": "at+jwt"}, at_claims(), one),
        True,
        {},
    )
    yield "aud an array", sign(RS, at_claims(aud=["other", APP_ID]), one), True, {}
    yield "aud a resource", sign(RS, at_claims(aud=RESOURCE), one), True, {"audience": RESOURCE}
    yield "exp within the leeway", sign(RS, at_claims(exp=NOW - LEEWAY + 1), one), True, {}
    yield "iat within the leeway", sign(RS, at_claims(iat=NOW + LEEWAY), one), True, {}
    yield "nbf within the leeway", sign(RS, at_claims(nbf=NOW + LEEWAY), one), True, {}
    yield "claims nobody knows", sign(RS, at_claims(roles=["admin"], org={"id": 1}), one), True, {}
    yield "as long as may be", _around(8192)[0], True, {}
    yield "no scope", sign(RS, at_claims(scope=_ABSENT), one), True, {}
    yield "of a client itself", sign(RS, at_claims(sub=APP_ID, sid=_ABSENT, auth_time=_ABSENT), one), True, {}


def _refused_at() -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    one = rsa_key("rsa one")
    wrong: dict[str, dict[str, Any]] = {
        "another tenant's issuer": {"iss": "https://auth.example.com/t/globex"},
        "iss with a slash more": {"iss": ISSUER + "/"},
        "iss an array": {"iss": [ISSUER]},
        "no iss": {"iss": _ABSENT},
        "aud another": {"aud": "globex"},
        "aud in another case": {"aud": "ACME"},
        "aud that begins alike": {"aud": APP_ID + "-2"},
        "aud an empty array": {"aud": []},
        "aud an array with a number": {"aud": [APP_ID, 1]},
        "aud an object": {"aud": {APP_ID: True}},
        "no aud": {"aud": _ABSENT},
        "expired at the leeway": {"exp": NOW - LEEWAY},
        "expired long ago": {"exp": 1},
        "exp as text": {"exp": str(NOW + 595)},
        "exp true": {"exp": True},
        "exp null": {"exp": None},
        "no exp": {"exp": _ABSENT},
        "iat in the future": {"iat": NOW + LEEWAY + 1},
        "iat as text": {"iat": str(NOW)},
        "no iat": {"iat": _ABSENT},
        "nbf in the future": {"nbf": NOW + LEEWAY + 1},
        "nbf as text": {"nbf": str(NOW)},
        "no sub": {"sub": _ABSENT},
        "an empty sub": {"sub": ""},
        "sub a number": {"sub": 1},
        "no client_id": {"client_id": _ABSENT},
        "no jti": {"jti": _ABSENT},
        "scope an array": {"scope": ["openid"]},
    }
    for name, changes in wrong.items():
        yield name, sign(RS, at_claims(**changes), one), False, {}
    yield (
        "aud is the app where a resource is wanted",
        sign(RS, at_claims(), one),
        False,
        {"audience": RESOURCE},
    )
    yield "an ID token", sign(ID, id_claims(), one), False, {}
    yield "no typ", sign({"alg": "RS256", "kid": "rsa-1"}, at_claims(), one), False, {}
    for typ in ("AT+JWT", "application/at+jwt", "jwt", "dpop+jwt", "logout+jwt"):
        yield f"typ {typ}", sign(RS | {"typ": typ}, at_claims(), one), False, {}


def _refused_jws() -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """What no verification may accept, whatever the claims (RFC 8725)."""
    one, good = rsa_key("rsa one"), at_claims()
    pem = one.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    der = one.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    token = sign(RS, good, one)
    head, body, signature = token.split(".")
    for alg in ("none", "None", "NONE", "nOnE", ""):
        header = b64(compact(RS | {"alg": alg}).encode())
        yield f"alg {alg!r} without a signature", f"{header}.{body}.", False, {}
        yield f"alg {alg!r} with a signature", f"{header}.{body}.{signature}", False, {}
    for name, key in {
        "PEM": pem,
        "PEM without its last line break": pem.rstrip(),
        "DER": der,
        "JWK": compact(KEY_SET["keys"][0]).encode(),
        "modulus": KEY_SET["keys"][0]["n"].encode(),
        "empty key": b"",
    }.items():
        yield f"HS256 with the {name}", sign(RS | {"alg": "HS256"}, good, key), False, {}
    for alg in ("RS384", "RS512", "PS256", "ES384", "EdDSA", "rs256", "HS256"):
        yield f"alg {alg}", sign(RS | {"alg": alg}, good, one), False, {}
    attacker = rsa_key("attacker")
    members: dict[str, dict[str, Any]] = {
        "jwk": {"jwk": rsa_jwk("rsa-1", attacker)},
        "jku": {"jku": "https://attacker.example/jwks.json"},
        "x5u": {"x5u": "https://attacker.example/cert.pem"},
        "x5c": {"x5c": ["AAAA"]},
        "crit": {"crit": ["exp"]},
        "crit with b64 false": {"crit": ["b64"], "b64": False},
        "b64 true": {"b64": True},
        "zip": {"zip": "DEF"},
        "cty": {"cty": "JWT"},
        "nobody knows": {"x": 1},
    }
    for name, member in members.items():
        yield f"header member {name}", sign(RS | member, good, one), False, {}
        if "jwk" in member:
            yield f"header member {name}, signed with it", sign(RS | member, good, attacker), False, {}
    yield "signed by an unknown key under a known kid", sign(RS, good, attacker), False, {}
    yield "signed by another key of the set", sign(RS | {"kid": "rsa-2"}, good, one), False, {}
    yield "a kid that is not in the set", sign(RS | {"kid": "rsa-9"}, good, one), False, {}
    yield "no kid", sign({"typ": "at+jwt", "alg": "RS256"}, good, one), False, {}
    yield "kid a number", sign(RS | {"kid": 1}, good, one), False, {}
    yield "kid with a path", sign(RS | {"kid": "../../dev/null"}, good, one), False, {}
    yield "RS256 with the kid of an EC key", sign(RS | {"kid": "ec-1"}, good, one), False, {}
    yield "ES256 with the kid of an RSA key", sign(ES | {"kid": "rsa-1"}, good, ec_key("ec one")), False, {}
    yield "ES256 signed with RSA", sign(ES, good, one), False, {}
    es_head, es_body, es_signature = sign(ES, good, ec_key("ec one")).split(".")
    yield "ES256 all zeros", f"{es_head}.{es_body}.{b64(bytes(64))}", False, {}
    yield "ES256 cut short", f"{es_head}.{es_body}.{es_signature[:84]}", False, {}
    raw = base64.urlsafe_b64decode(es_signature + "==")
    der_signature = ec_key("ec one").sign(
        f"{es_head}.{es_body}".encode(), ec.ECDSA(SHA256(), deterministic_signing=True)
    )
    yield "ES256 in DER", f"{es_head}.{es_body}.{b64(der_signature)}", False, {}
    yield "ES256 with a byte more", f"{es_head}.{es_body}.{b64(raw + bytes(1))}", False, {}
    yield "RS256 with a zero byte in front", f"{head}.{body}.{b64(bytes(1) + _raw(signature))}", False, {}
    yield "without a signature", f"{head}.{body}.", False, {}
    yield "two parts", f"{head}.{body}", False, {}
    yield "four parts", f"{token}.{signature}", False, {}
    yield "five parts, as a JWE", f"{head}..{body}.{body}.{signature}", False, {}
    yield (
        "JSON serialization",
        json.dumps({"protected": head, "payload": body, "signature": signature}),
        False,
        {},
    )
    yield "empty", "", False, {}
    yield "dots", "..", False, {}
    yield "padding", f"{head}.{body}.{signature}==", False, {}
    yield "a space in front", f" {token}", False, {}
    yield "a line break behind", f"{token}\n", False, {}
    yield "spare bits in the signature", f"{head}.{body}.{signature[:-1]}{_sibling(signature[-1])}", False, {}
    yield "the standard alphabet", f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}", False, {}
    yield (
        "another's claims under this signature",
        f"{head}.{b64(compact(at_claims(sub='x')).encode())}.{signature}",
        False,
        {},
    )
    yield (
        "a header member twice",
        sign('{"typ":"at+jwt","alg":"RS256","kid":"rsa-1","kid":"rsa-1"}', good, one),
        False,
        {},
    )
    yield "header an array", sign('["RS256"]', good, one), False, {}
    yield "header not JSON", sign("RS256", good, one), False, {}
    yield "a claim twice", sign(RS, compact(good)[:-1] + f',"aud":"{APP_ID}"}}', one), False, {}
    yield "claims an array", sign(RS, f"[{compact(good)}]", one), False, {}
    yield "claims null", sign(RS, "null", one), False, {}
    yield "claims not JSON", sign(RS, "hello", one), False, {}
    yield "claims with NaN", sign(RS, compact(good)[:-1] + ',"x":NaN}', one), False, {}
    yield "claims not UTF-8", sign(RS, compact(good)[:-1].encode() + b',"x":"\xff"}', one), False, {}
    yield (
        "deep nesting",
        sign(RS, compact(good)[:-1] + ',"x":' + "[" * 2500 + "]" * 2500 + "}", one),
        False,
        {},
    )
    yield "longer than 8192 bytes by a little", _around(8192)[1], False, {}
    yield "64 KB", sign(RS, at_claims(x="x" * 48_000), one), False, {}


def _around(limit: int) -> tuple[str, str]:
    """The longest well-signed token within the limit, and the next longer one."""
    one = rsa_key("rsa one")
    spare = limit - len(sign(RS, at_claims(x=""), one))
    within = ""
    for filler in range(spare * 3 // 4 - 4, spare):
        token = sign(RS, at_claims(x="x" * filler), one)
        if len(token) > limit:
            return within, token
        within = token
    raise AssertionError(limit)


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sibling(letter: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


def _accepted_id() -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    one = rsa_key("rsa one")
    access_token = "an-access-token"
    half = b64(hashlib.sha256(access_token.encode()).digest()[:16])
    yield "typ JWT", sign(ID, id_claims(), one), True, {}
    yield "no typ", sign({"alg": "RS256", "kid": "rsa-1"}, id_claims(), one), True, {}
    yield "ES256", sign(ID | {"alg": "ES256", "kid": "ec-1"}, id_claims(), ec_key("ec one")), True, {}
    yield "aud an array of one", sign(ID, id_claims(aud=[APP_ID]), one), True, {}
    yield "two in aud, azp the app", sign(ID, id_claims(aud=["other", APP_ID], azp=APP_ID), one), True, {}
    yield "at_hash", sign(ID, id_claims(at_hash=half), one), True, {"access_token": access_token}
    yield "no at_hash", sign(ID, id_claims(), one), True, {"access_token": access_token}
    yield (
        "of a refresh: no nonce wanted, none there",
        sign(ID, id_claims(nonce=_ABSENT), one),
        True,
        {"nonce": None},
    )
    yield (
        "of a refresh: no nonce wanted, the old one there",
        sign(ID, id_claims(), one),
        True,
        {"nonce": None},
    )


def _refused_id() -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    one = rsa_key("rsa one")
    wrong: dict[str, dict[str, Any]] = {
        "nonce missing": {"nonce": _ABSENT},
        "nonce of another login": {"nonce": NONCE + "x"},
        "nonce empty": {"nonce": ""},
        "nonce an array": {"nonce": [NONCE]},
        "aud another app": {"aud": "globex"},
        "two in aud without azp": {"aud": [APP_ID, "other"]},
        "azp another": {"azp": "other"},
        "two in aud, azp the other": {"aud": [APP_ID, "other"], "azp": "other"},
        "another issuer": {"iss": "https://auth.example.com/t/globex"},
        "expired": {"exp": NOW - LEEWAY},
        "no exp": {"exp": _ABSENT},
        "iat in the future": {"iat": NOW + LEEWAY + 1},
        "no iat": {"iat": _ABSENT},
        "no sub": {"sub": _ABSENT},
        "auth_time as text": {"auth_time": "yesterday"},
    }
    for name, changes in wrong.items():
        yield name, sign(ID, id_claims(**changes), one), False, {}
    yield (
        "at_hash of another access token",
        sign(ID, id_claims(at_hash=b64(hashlib.sha256(b"other").digest()[:16])), one),
        False,
        {"access_token": "an-access-token"},
    )
    yield "at_hash a number", sign(ID, id_claims(at_hash=1), one), False, {"access_token": "an-access-token"}
    yield "an access token", sign(RS, at_claims(nonce=NONCE), one), False, {}
    yield (
        "alg none",
        b64(compact(ID | {"alg": "none"}).encode()) + "." + b64(compact(id_claims()).encode()) + ".",
        False,
        {},
    )


def jwks() -> dict[str, Any]:
    one, ec_one = rsa_key("rsa one"), ec_key("ec one")
    good_rsa, good_ec = rsa_jwk("a", one), ec_jwk("a", ec_one)
    point = good_ec | {"y": _int((ec_one.public_key().public_numbers().y + 1) % 2**256, 32)}
    sets: dict[str, tuple[Any, list[list[str]] | None]] = {
        "RSA and EC": ({"keys": [good_rsa, ec_jwk("b", ec_one)]}, [["a", "RSA"], ["b", "EC"]]),
        "unknown members": ({"keys": [good_rsa | {"x5t": "AA"}], "more": 1}, [["a", "RSA"]]),
        "use sig": ({"keys": [good_rsa | {"use": "sig"}]}, [["a", "RSA"]]),
        "use enc": ({"keys": [good_rsa | {"use": "enc"}]}, []),
        "key_ops verify": ({"keys": [good_rsa | {"key_ops": ["verify"]}]}, [["a", "RSA"]]),
        "key_ops sign": ({"keys": [good_rsa | {"key_ops": ["sign"]}]}, []),
        "key_ops text": ({"keys": [good_rsa | {"key_ops": "verify"}]}, []),
        "alg that fits": ({"keys": [good_rsa | {"alg": "RS256"}]}, [["a", "RSA"]]),
        "alg that does not fit": ({"keys": [good_rsa | {"alg": "ES256"}]}, []),
        "alg RSA-OAEP": ({"keys": [good_rsa | {"alg": "RSA-OAEP"}]}, []),
        "a private RSA member": ({"keys": [_private(good_rsa)]}, []),
        "a private EC member": ({"keys": [_private(good_ec)]}, []),
        "a symmetric key": ({"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}, []),
        "RSA of 1024 bits": ({"keys": [rsa_jwk("a", rsa_key("small", 1024))]}, []),
        "an even exponent": ({"keys": [good_rsa | {"e": "BA"}]}, []),
        "exponent 1": ({"keys": [good_rsa | {"e": "AQ"}]}, []),
        "a modulus with padding": ({"keys": [good_rsa | {"n": good_rsa["n"] + "="}]}, []),
        "a modulus with spare bits": (
            {"keys": [good_rsa | {"n": good_rsa["n"][:-1] + _sibling(good_rsa["n"][-1])}]},
            [],
        ),
        "P-384": ({"keys": [ec_jwk("a", ec_key("ec", ec.SECP384R1))]}, []),
        "a point off the curve": ({"keys": [point]}, []),
        "a coordinate of 31 bytes": ({"keys": [good_ec | {"x": good_ec["x"][:42]}]}, []),
        "OKP": ({"keys": [{"kty": "OKP", "kid": "a", "crv": "Ed25519", "x": "AA"}]}, []),
        "no kid": ({"keys": [{k: v for k, v in good_rsa.items() if k != "kid"}]}, []),
        "an empty kid": ({"keys": [good_rsa | {"kid": ""}]}, []),
        "one kid twice, one type: the first": (
            {"keys": [good_rsa, rsa_jwk("a", rsa_key("rsa two"))]},
            [["a", "RSA"]],
        ),
        "one kid, two types": ({"keys": [good_rsa, good_ec]}, [["a", "RSA"], ["a", "EC"]]),
        "bad ones beside a good one": ({"keys": [1, None, {}, good_rsa]}, [["a", "RSA"]]),
        "no keys": ({"keys": []}, []),
        "not a set": ({"key": []}, None),
        "keys an object": ({"keys": {}}, None),
        "an array": ([], None),
    }
    return {
        "cases": [{"name": name, "jwks": given, "usable": usable} for name, (given, usable) in sets.items()]
    }


def discovery() -> dict[str, Any]:
    good = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks.json",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "end_session_endpoint": f"{ISSUER}/logout",
    }
    bare = {name: good[name] for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")}
    cases: dict[str, tuple[Any, bool]] = {
        "complete": (good, True),
        "no more than is needed": (bare, True),
        "members nobody knows": (good | {"x": {"y": 1}}, True),
        "another path of the same origin": (good | {"jwks_uri": "https://auth.example.com/keys"}, True),
        "another issuer": (good | {"issuer": "https://auth.example.com/t/globex"}, False),
        "issuer with a slash more": (good | {"issuer": ISSUER + "/"}, False),
        "issuer in capitals": (good | {"issuer": ISSUER.upper()}, False),
        "no issuer": ({k: v for k, v in good.items() if k != "issuer"}, False),
        "no token endpoint": ({k: v for k, v in good.items() if k != "token_endpoint"}, False),
        "no jwks_uri": ({k: v for k, v in good.items() if k != "jwks_uri"}, False),
        "token endpoint of another host": (good | {"token_endpoint": "https://evil.example/token"}, False),
        "token endpoint of a host that begins alike": (
            good | {"token_endpoint": "https://auth.example.com.evil.example/token"},
            False,
        ),
        "user name in the URL": (
            good | {"token_endpoint": "https://auth.example.com@evil.example/token"},
            False,
        ),
        "another port": (good | {"jwks_uri": "https://auth.example.com:8443/jwks.json"}, False),
        "plain http": (good | {"jwks_uri": "http://auth.example.com/jwks.json"}, False),
        "end session at another host": (
            good | {"end_session_endpoint": "https://evil.example/logout"},
            False,
        ),
        "a relative URL": (good | {"token_endpoint": "/t/acme/token"}, False),
        "a fragment": (good | {"authorization_endpoint": f"{ISSUER}/authorize#x"}, False),
        "an endpoint that is no text": (good | {"token_endpoint": 1}, False),
        "an array": ([good], False),
        "null": (None, False),
    }
    return {
        "issuer": ISSUER,
        "cases": [
            {"name": name, "document": given, "accept": accept} for name, (given, accept) in cases.items()
        ],
    }
