"""RFC 7517, JSON Web Key: the set, as two stock libraries read it."""

import json

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from joserfc.jwt import decode as decode_jwt

from tests.support.home import Home
from tests.support.product import App, Product


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def app(request: pytest.FixtureRequest, product: Product) -> App:
    return product.register_app(signing_alg=request.param)


def test_5_a_set(product: Product, app: App) -> None:
    response = product.http.get(f"{app.issuer}/jwks.json")
    assert response.headers["content-type"].partition(";")[0] in (
        "application/jwk-set+json",
        "application/json",
    )
    keys = response.json()["keys"]
    assert keys
    for key in keys:
        assert key["use"] == "sig"
        assert key["alg"] in ("RS256", "ES256")
        assert key["kid"]
    assert len({key["kid"] for key in keys}) == len(keys)


def test_9_nothing_private(product: Product, app: App) -> None:
    text = product.http.get(f"{app.issuer}/jwks.json").text
    assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & {
        name for key in json.loads(text)["keys"] for name in key
    }


def test_the_kid_is_the_thumbprint(product: Product, app: App) -> None:
    """RFC 7638."""
    keys = KeySet.import_key_set(product.http.get(f"{app.issuer}/jwks.json").json())
    for key in keys.keys:
        assert key.kid == key.thumbprint()


def test_an_rsa_key_is_large_enough(acme: Home) -> None:
    """RFC 7518 §3.3: 2048 bits or more."""
    keys = jwt.PyJWKSet.from_dict(acme.product.http.get(f"{acme.issuer}/jwks.json").json())
    for key in keys.keys:
        assert key.key.key_size >= 2048


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_what_is_signed_verifies_with_pyjwt_and_joserfc(acme: Home, kind: str) -> None:
    token = acme.tokens()[kind]
    document = acme.product.http.get(f"{acme.issuer}/jwks.json").json()
    signing = jwt.PyJWKClient(f"{acme.issuer}/jwks.json").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, signing, algorithms=["RS256"], audience=acme.slug, issuer=acme.issuer)
    decoded = decode_jwt(token, KeySet.import_key_set(document), algorithms=["RS256"])
    JWTClaimsRegistry(iss={"essential": True, "value": acme.issuer}).validate(decoded.claims)
    assert decoded.claims == claims
    assert jws.deserialize_compact(token, KeySet.import_key_set(document), algorithms=["RS256"])


def test_es256_verifies_too(product: Product) -> None:
    app = product.register_app(signing_alg="ES256")
    token = product.token(app, {"grant_type": "client_credentials"}).json()["access_token"]
    key = jwt.PyJWKClient(f"{app.issuer}/jwks.json").get_signing_key_from_jwt(token)
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
    assert jwt.decode(token, key, algorithms=["ES256"], audience=app.app_id)["iss"] == app.issuer


def test_a_set_may_be_revalidated(acme: Home) -> None:
    """RFC 9110 §13.1.2."""
    first = acme.product.http.get(f"{acme.issuer}/jwks.json")
    assert "public" in first.headers["cache-control"]
    tag = {"If-None-Match": first.headers["etag"]}
    again = acme.product.http.get(f"{acme.issuer}/jwks.json", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_two_tenants_share_no_key(acme: Home, globex: Home) -> None:
    sets = [
        {key["kid"] for key in home.product.http.get(f"{home.issuer}/jwks.json").json()["keys"]}
        for home in (acme, globex)
    ]
    assert not sets[0] & sets[1]
