"""Access tokens: only what the tenant signed as one, for this use, is one (RFC 8725, RFC 9068 §4)."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

from tests.attacks.forgery import Genuine, genuine, hs256, part, rs256
from tests.attacks.listener import listener
from tests.attacks.outcomes import R, V
from tests.support.eventually import eventually
from tests.support.home import API, Home
from tests.support.product import App, Product, pkce
from tests.support.seed import Seed
from tests.support.tokens import header, verified

Forge = Callable[[Genuine], str]
ATTACKER = rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
async def good(acme: Home, truth: Seed) -> Genuine:
    """Verifies as it is, and when it is signed again."""
    found = await genuine(acme, truth, acme.tokens()["access_token"])
    for token in (found.token, found.signed({}, {})):
        assert acme.product.is_active(acme.web, token)
        assert acme.product.userinfo(acme.web, token).status_code == 200
    return found


def unsigned(alg: str) -> Forge:
    return lambda good: f"{part(good.header | {'alg': alg})}.{part(good.claims)}."


def still_signed(alg: str) -> Forge:
    """Another `alg` in front of the genuine signature."""
    return lambda good: f"{part(good.header | {'alg': alg})}." + good.token.partition(".")[2]


def with_public_key(encode: Callable[[rsa.RSAPublicKey], bytes]) -> Forge:
    return lambda good: hs256(good.header, good.claims, encode(good.key.public_key()))


def own_key(**header: Any) -> Forge:
    """Signed properly, by the attacker, whose header says where to find the key."""
    return lambda good: rs256(good.header | header, good.claims, ATTACKER)


def jwk_of(key: rsa.RSAPublicKey) -> dict[str, Any]:
    return dict(RSAKey(key, key).as_dict(private=False))


FORGERIES: dict[str, Forge] = {
    **{f"alg {alg!r}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", "none ")},
    **{f"signed, alg {alg}": still_signed(alg) for alg in ("none", "HS256", "RS512", "PS256", "ES256")},
    "HS256 with the public PEM": with_public_key(
        lambda key: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HS256 with the public PEM, stripped": with_public_key(
        lambda key: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip()
    ),
    "HS256 with the public PKCS 1 PEM": with_public_key(
        lambda key: key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    ),
    "HS256 with the public DER": with_public_key(
        lambda key: key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HS256 with the JWK": with_public_key(lambda key: json.dumps(jwk_of(key)).encode()),
    "HS256 with the modulus": with_public_key(lambda key: str(jwk_of(key)["n"]).encode()),
    "HS256 with an empty key": with_public_key(lambda _key: b""),
    "embedded jwk": own_key(jwk=jwk_of(ATTACKER.public_key())),
    "embedded jwk without kid": own_key(jwk=jwk_of(ATTACKER.public_key()), kid=None),
    "same kid, another key": own_key(),
    "kid of nobody": own_key(kid="nobody"),
    "kid that is a path": own_key(kid="../../../../dev/null"),
    "kid that is SQL": own_key(kid="' union select '"),
    "x5c": own_key(x5c=["MIIB"]),
    "signature cut": lambda good: good.token[:-4],
    "signature of other claims": lambda good: ".".join(
        (good.token.split(".")[0], part(good.claims | {"sub": "x"}), good.token.split(".")[2])
    ),
    "no signature": lambda good: good.token.rpartition(".")[0] + ".",
    "four parts": lambda good: good.token + ".x",
    "JSON serialization": lambda good: json.dumps(
        dict(zip(("protected", "payload", "signature"), good.token.split("."), strict=True))
    ),
}  # fmt: skip

# Each signed with the tenant's own key: only the one check refuses it.
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "typ of an ID token": ({"typ": "JWT"}, {}),
    "no typ": ({"typ": None}, {}),
    "typ of another use": ({"typ": "logout+jwt"}, {}),
    "unknown crit": ({"crit": ["exp"], "exp": 1}, {}),
    "empty crit": ({"crit": []}, {}),
    "b64 false": ({"crit": ["b64"], "b64": False}, {}),
    "zip": ({"zip": "DEF"}, {}),
    "cty of a nested token": ({"cty": "JWT"}, {}),
    "jku beside a good signature": ({"jku": "https://evil.example/jwks.json"}, {}),
    "iss is an array": ({}, {"iss": ["a", "b"]}),
    "no iss": ({}, {"iss": None}),
    "another issuer": ({}, {"iss": "https://evil.example"}),
    "no aud": ({}, {"aud": None}),
    "aud is an array": ({}, {"aud": ["a", "b"]}),
    "expired": ({}, {"exp": int(time.time()) - 1}),
    "no exp": ({}, {"exp": None}),
    "exp is text": ({}, {"exp": "9999999999"}),
    "no sub": ({}, {"sub": None}),
    "sub is a number": ({}, {"sub": 7}),
    "no client_id": ({}, {"client_id": None}),
    "sid of nobody": ({}, {"sid": "A" * 22}),
    "sid is not ours": ({}, {"sid": "../x"}),
    "deep nesting": ({}, {"sub": json.loads("[" * 300 + "]" * 300)}),
    "32 KB": ({}, {"filler": "x" * 32_768}),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forgery_is_refused(acme: Home, good: Genuine, forge: Forge) -> None:
    V(acme.product, acme.web, forge(good))


@pytest.mark.parametrize(("header", "claims"), WRONG.values(), ids=WRONG)
async def test_a_well_signed_token_that_is_wrong_is_refused(
    acme: Home, good: Genuine, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    V(acme.product, acme.web, good.signed(header, claims))


@pytest.mark.parametrize("member", ["jku", "x5u"])
async def test_no_key_is_fetched_from_where_a_token_says(acme: Home, good: Genuine, member: str) -> None:
    with listener() as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/keys"
        V(acme.product, acme.web, own_key(**{member: url})(good))
        V(acme.product, acme.web, good.signed({member: url}, {}))
        with pytest.raises(BlockingIOError):
            server.accept()


async def test_a_token_of_64_kb_is_refused_before_it_is_decoded(acme: Home) -> None:
    token = "a" * 22_000 + "." + "b" * 22_000 + "." + "c" * 18_000
    answer = acme.product.ask(acme.web, "introspect", {"token": token})
    assert answer.json() == {"active": False}
    huge = acme.product.ask(acme.web, "introspect", {"token": token * 2})
    assert huge.status_code == 413


@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "dir", "PBES2-HS256+A128KW"])
async def test_an_encrypted_token_is_refused(acme: Home, good: Genuine, alg: str) -> None:
    """A million rounds of PBES2 would be somebody's free load (CVE-2023-52428)."""
    if alg == "RSA-OAEP-256":
        public = good.key.public_key()
        key: Any = RSAKey(public, public)
    else:
        key = OctKey.import_key(b"0" * 32)
    header = {"alg": alg, "enc": "A256GCM", "typ": "at+jwt"} | (
        {"p2c": 1000} if alg.startswith("PBES2") else {}
    )
    token = jwe.encrypt_compact(header, json.dumps(good.claims), key, algorithms=[alg, "A256GCM"])
    if alg.startswith("PBES2"):
        heavy = part({"alg": alg, "enc": "A256GCM", "p2c": 1_000_000_000, "p2s": "AAAA"})
        token = heavy + "." + token.partition(".")[2]
    began = time.perf_counter()
    V(acme.product, acme.web, token)
    assert time.perf_counter() - began < 2


# One use, one tenant --------------------------------------------------------------------------


def test_an_id_token_is_no_access_token(acme: Home) -> None:
    V(acme.product, acme.web, acme.tokens()["id_token"])


def test_an_access_token_is_no_id_token(acme: Home) -> None:
    """Neither as a hint at authorize, nor to sign its user out."""
    token = acme.tokens()["access_token"]
    asked = acme.browser.http.get(acme.web.authorize_url(pkce()[1], id_token_hint=token))
    R(asked, "invalid_request", acme.web)
    page = acme.browser.http.get(f"{acme.issuer}/logout", params={"id_token_hint": token})
    assert page.status_code == 200
    assert "code" in acme.answer()[0], "still signed in"


def test_a_refresh_token_is_no_access_token(acme: Home) -> None:
    token = acme.tokens()["refresh_token"]
    assert acme.product.userinfo(acme.web, token).status_code == 401


def test_a_token_for_an_api_is_none_for_userinfo(acme: Home) -> None:
    """RFC 9068 §4: or every API could ask for its callers' email addresses."""
    token = acme.tokens(resource=API)["access_token"]
    refused = acme.product.userinfo(acme.web, token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert acme.product.is_active(acme.web, token), "its own resource server may ask"


def test_another_tenants_token_is_none_here(acme: Home, globex: Home) -> None:
    V(globex.product, globex.web, acme.tokens()["access_token"])


async def test_another_tenants_issuer_is_not_believed(
    acme: Home, globex: Home, truth: Seed, good: Genuine
) -> None:
    """Whichever of the two signed it, and whichever of the two is asked."""
    theirs = await genuine(globex, truth, globex.tokens()["access_token"])
    for token in (
        good.signed({}, {"iss": globex.issuer}),
        good.signed({"kid": theirs.header["kid"]}, theirs.claims),
        theirs.signed({}, {"iss": acme.issuer}),
        theirs.signed({"kid": good.header["kid"]}, good.claims),
    ):
        V(acme.product, acme.web, token)
        V(globex.product, globex.web, token)


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_the_jwks_never_shows_a_private_member(product: Product, alg: str) -> None:
    app = product.register_app(signing_alg=alg)
    keys = product.http.get(f"{app.issuer}/jwks.json").json()["keys"]
    assert keys
    for key in keys:
        assert key.keys() <= {"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"}


# Rotation -------------------------------------------------------------------------------------


def kids(home: Home, app: App) -> list[str]:
    keys = home.product.http.get(f"{app.issuer}/jwks.json").json()["keys"]
    return [key["kid"] for key in keys]


def rotate(home: Home, app: App, **body: Any) -> str:
    """The kid of the key that this made."""
    rotated = home.product.api("POST", f"/apps/{app.app_id}/signing-keys/rotate", json=body)
    assert rotated.status_code == 200, rotated.text
    return str(rotated.json()["kid"])


def test_a_key_is_published_before_it_signs(acme: Home) -> None:
    """So that no verifier meets a token whose key it has not seen."""
    app = acme.product.register_app()
    tokens = acme.product.tokens(app)
    (signing,) = kids(acme, app)
    following = rotate(acme, app)
    eventually(lambda: sorted(kids(acme, app)) == sorted([signing, following]))
    fresh = acme.product.refresh(app, tokens["refresh_token"]).json()
    for token in (tokens["access_token"], fresh["access_token"]):
        assert header(token)["kid"] == signing
        assert verified(acme.product, app, token)["iss"] == app.issuer


def test_what_a_withdrawn_key_has_signed_is_worth_nothing(acme: Home) -> None:
    """In every service, within a second; grants go on under the new key."""
    app = acme.product.register_app()
    tokens = acme.product.tokens(app)
    (withdrawn,) = kids(acme, app)
    assert acme.product.is_active(app, tokens["access_token"])
    new = rotate(acme, app, emergency=True, reason="key_compromise")
    eventually(lambda: not acme.product.is_active(app, tokens["access_token"]), within=5)
    V(acme.product, app, tokens["access_token"])
    eventually(lambda: kids(acme, app) == [new], within=5)
    assert withdrawn != new
    fresh = acme.product.refresh(app, tokens["refresh_token"]).json()
    assert header(fresh["access_token"])["kid"] == new
    assert verified(acme.product, app, fresh["access_token"])["iss"] == app.issuer
    with acme.visitor() as browser:
        # As a hint, too, the old ID token names nobody.
        url = app.authorize_url(pkce()[1], id_token_hint=tokens["id_token"])
        R(browser.http.get(url), "invalid_request", app)
