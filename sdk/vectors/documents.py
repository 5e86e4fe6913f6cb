"""Vectors of what a server publishes: key sets (RFC 7517) and discovery documents (OIDC Discovery §3)."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from sdk.vectors.sealed import ISSUER, next_letter
from sdk.vectors.signing import b64_int, ec_jwk, ec_key, rsa_jwk, rsa_key


def jwks() -> dict[str, Any]:
    one, ec_one = rsa_key("rsa one"), ec_key("ec one")
    good_rsa, good_ec = rsa_jwk("a", one), ec_jwk("a", ec_one)
    point = good_ec | {"y": b64_int((ec_one.public_key().public_numbers().y + 1) % 2**256, 32)}
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
            {"keys": [good_rsa | {"n": good_rsa["n"][:-1] + next_letter(good_rsa["n"][-1])}]},
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


def _private(jwk: dict[str, Any]) -> dict[str, Any]:
    return jwk | {"d": "AQAB"}
