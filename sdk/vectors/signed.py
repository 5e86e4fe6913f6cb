"""Vectors of JWTs: access tokens (RFC 9068) and ID tokens (OIDC Core §2)."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from sdk.vectors.sealed import APP_ID, ISSUER, NOW, b64, compact, next_letter
from sdk.vectors.signing import KEY_SET, ec_key, rsa_jwk, rsa_key, sign

LEEWAY: Final = 30
NONCE: Final = "nonce-0123456789"
SUB: Final = "018f6f2e-7b7a-7c3e-9a55-0d8e6a1b2c3d"
RESOURCE: Final = "https://api.example.com"


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
        "exp beyond any number": {"exp": 10**400},
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
    yield (
        "spare bits in the signature",
        f"{head}.{body}.{signature[:-1]}{next_letter(signature[-1])}",
        False,
        {},
    )
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
