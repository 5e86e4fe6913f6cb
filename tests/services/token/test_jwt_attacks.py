"""Tokens that were tampered with never pass as ours (RFC 8725, ATTACKS: JWT and keys)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from joserfc.jwk import RSAKey

from tests.services.token.conftest import World, seed_key
from tests.support.seed import some_slug

Forge = Callable[[dict[str, Any], dict[str, Any], Any], str]


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(alg: str) -> Forge:
    return lambda header, claims, key: f"{part(header | {'alg': alg})}.{part(claims)}."


def hs256(secret_of: Callable[[Any], bytes]) -> Forge:
    def forge(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
        signing_input = f"{part(header | {'alg': 'HS256'})}.{part(claims)}"
        mac = hmac.digest(secret_of(key), signing_input.encode(), hashlib.sha256)
        return f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return forge


def own_key(extra: Callable[[RSAKey], dict[str, Any]]) -> Forge:
    """Signed properly, with a key of the attacker's that the header brings along."""

    def forge(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
        attacker = RSAKey.generate_key(2048)
        pem = attacker.as_pem(private=True)
        headers = {k: v for k, v in header.items() if k != "alg"} | extra(attacker)
        return jwt.encode(claims, pem, algorithm="RS256", headers=headers)

    return forge


def pem(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


FORGERIES: list[Any] = [
    *(pytest.param(unsigned(alg), id=f"alg {alg}") for alg in ("none", "None", "NONE", "nOnE", "")),
    pytest.param(hs256(pem), id="HS256 with the public PEM"),
    pytest.param(
        hs256(lambda key: key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        id="HS256 with the public DER",
    ),
    pytest.param(
        hs256(lambda key: str(RSAKey(key, key).as_dict(private=False)["n"]).encode()), id="HS256 with the JWK"
    ),
    pytest.param(hs256(lambda key: b""), id="HS256 with an empty key"),
    pytest.param(own_key(lambda key: {"jwk": key.as_dict(private=False)}), id="embedded jwk"),
    pytest.param(own_key(lambda key: {"jku": "http://127.0.0.1:1/jwks.json"}), id="jku"),
    pytest.param(own_key(lambda key: {"x5u": "http://127.0.0.1:1/cert.pem"}), id="x5u"),
    pytest.param(own_key(lambda key: {}), id="same kid, other key"),
]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_forged_token_is_inactive(world: World, forge: Forge) -> None:
    genuine = (await world.sign_in())["access_token"]
    header = jwt.get_unverified_header(genuine)
    claims = jwt.decode(genuine, options={"verify_signature": False})
    (row,) = await world.seed.fetch(
        "select public_jwk from jwks.signing_keys where tenant_id = $1", world.tenant_id
    )
    public = RSAKey.import_key(json.loads(row["public_jwk"])).public_key
    assert not await world.is_active(forge(header, claims, public))
    assert await world.is_active(genuine)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        pytest.param({"typ": "JWT"}, {}, id="typ of an ID token"),
        pytest.param({"crit": ["exp"], "exp": 1}, {}, id="unknown crit"),
        pytest.param({"crit": ["b64"], "b64": False}, {}, id="b64 false"),
        pytest.param({"crit": [["x"]]}, {}, id="crit that is no list of names"),
        pytest.param({"zip": "DEF"}, {}, id="zip"),
        pytest.param({"jku": "http://127.0.0.1:1"}, {}, id="jku beside a good signature"),
        pytest.param({}, {"iss": ["a", "b"]}, id="iss is an array"),
        pytest.param({}, {"iss": "http://localhost/t/other"}, id="another issuer"),
        pytest.param({}, {"aud": None}, id="no audience"),
        pytest.param({}, {"exp": 1}, id="expired"),
        pytest.param({}, {"exp": None}, id="no expiry"),
        pytest.param({}, {"sub": json.loads("[" * 200 + "]" * 200)}, id="deep nesting"),
        pytest.param({}, {"sub": 7}, id="sub is a number"),
        pytest.param({}, {"filler": "x" * 32768}, id="32 KB"),
    ],
)
async def test_a_well_signed_but_wrong_token_is_inactive(
    world: World, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Signed with the tenant's own key, so only the check of this one thing refuses it."""
    genuine = (await world.sign_in())["access_token"]
    (row,) = await world.seed.fetch(
        "select kid, kek_id, sealed_private_key from jwks.signing_keys where tenant_id = $1", world.tenant_id
    )
    der = await world.sealer.open(row["kek_id"], row["sealed_private_key"], world.tenant_id, row["kid"])
    key = load_der_private_key(der, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    good = jwt.decode(genuine, options={"verify_signature": False})
    changed = {name: value for name, value in (good | claims).items() if value is not None}
    base = {"typ": "at+jwt", "alg": "RS256", "kid": row["kid"]} | header
    signing_input = f"{part(base)}.{part(changed)}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signing_input.encode(), key
    )
    token = f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert not await world.is_active(token)


async def test_another_tenants_token_is_inactive_here(world: World) -> None:
    other = some_slug("other")
    other_id = await world.seed.tenant(other)
    secret = await world.seed.client(other_id, other)
    assert secret is not None
    await seed_key(world.seed, world.sealer, other_id)
    theirs = (
        await world.http.post(
            f"/t/{other}/token", data={"grant_type": "client_credentials"}, auth=(other, secret)
        )
    ).json()["access_token"]
    assert not await world.is_active(theirs)
    bearer = {"Authorization": f"Bearer {theirs}"}
    assert (await world.http.get(f"/t/{world.slug}/userinfo", headers=bearer)).status_code == 401
    assert (
        await world.http.post(
            f"/t/{other}/token",
            data={"grant_type": "client_credentials"},
            auth=(world.client_id, world.client_secret),
        )
    ).status_code == 401


async def test_another_tenants_code_and_refresh_token_are_worth_nothing_and_unharmed(world: World) -> None:
    other = some_slug("other")
    other_id = await world.seed.tenant(other)
    secret = await world.seed.client(other_id, other)
    assert secret is not None
    await seed_key(world.seed, world.sealer, other_id)
    code, tokens = await world.code(), await world.sign_in()
    theirs = (other, secret)
    url = f"/t/{other}/token"
    stolen = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://app.example/callback",
        "code_verifier": "a-verifier-of-at-least-forty-three-characters",
    }
    assert (await world.http.post(url, data=stolen, auth=theirs)).json()["error"] == "invalid_grant"
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await world.http.post(url, data=refresh, auth=theirs)).json()["error"] == "invalid_grant"
    assert (await world.redeem(code)).status_code == 200
    assert (await world.refresh(tokens["refresh_token"])).status_code == 200
