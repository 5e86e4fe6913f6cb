"""RFC 9068, JWT Profile for OAuth 2.0 Access Tokens."""

import time
from typing import Any

import pytest

from tests.support.home import API, Home
from tests.support.product import App
from tests.support.tokens import header, verified


def own(home: Home, **more: str) -> str:
    """A token that a machine has for itself."""
    form = {"grant_type": "client_credentials"} | more
    return str(home.product.token(home.machine, form).json()["access_token"])


@pytest.fixture(scope="module")
def tokens(acme: Home) -> dict[str, Any]:
    return acme.tokens()


def test_2_1_the_header(acme: Home, tokens: dict[str, Any]) -> None:
    for token in (tokens["access_token"], own(acme)):
        assert header(token)["typ"] == "at+jwt"
        assert header(token)["alg"] == "RS256"
        assert header(token).keys() == {"typ", "alg", "kid"}


def test_2_2_the_claims(acme: Home, tokens: dict[str, Any]) -> None:
    claims = verified(acme.product, acme.web, tokens["access_token"])
    assert claims["iss"] == acme.issuer
    assert claims["aud"] == acme.slug
    assert claims["sub"] == acme.user_id
    assert claims["client_id"] == acme.web.client_id
    assert claims["scope"] == "openid email profile"
    assert abs(claims["iat"] - time.time()) < 30
    assert claims["exp"] == claims["iat"] + tokens["expires_in"]
    assert claims.keys() == {
        "iss", "aud", "sub", "client_id", "scope", "iat", "exp", "jti", "sid", "auth_time",
    }  # fmt: skip


def test_2_2_1_auth_time_is_when_the_user_signed_in(acme: Home, tokens: dict[str, Any]) -> None:
    """And stays so when it is refreshed."""
    first = verified(acme.product, acme.web, tokens["access_token"])
    assert first["auth_time"] <= first["iat"]
    refreshed = acme.product.refresh(acme.web, tokens["refresh_token"]).json()
    again = verified(acme.product, acme.web, refreshed["access_token"])
    assert (again["auth_time"], again["sid"]) == (first["auth_time"], first["sid"])


def test_2_2_a_client_is_the_subject_of_its_own_token(acme: Home) -> None:
    claims = verified(acme.product, acme.machine, own(acme, scope="orders.read"))
    assert claims["sub"] == claims["client_id"] == acme.machine.client_id
    assert claims["scope"] == "orders.read"
    assert not claims.keys() & {"sid", "auth_time"}


def test_2_2_no_token_is_another(acme: Home) -> None:
    ids = [verified(acme.product, acme.machine, own(acme))["jti"] for _ in range(10)]
    assert len(set(ids)) == 10


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
def test_3_the_audience_is_the_app_for_every_client_of_it(acme: Home, client_type: str) -> None:
    client: App = getattr(acme, client_type)
    claims = verified(acme.product, client, acme.tokens(client)["access_token"])
    assert (claims["aud"], claims["client_id"]) == (acme.slug, client.client_id)


def test_3_a_resource_that_was_asked_for_is_the_audience(acme: Home) -> None:
    """RFC 8707 §2."""
    tokens = acme.tokens(resource=API)
    assert verified(acme.product, acme.web, tokens["access_token"], audience=API)["aud"] == API
    refreshed = acme.product.refresh(acme.web, tokens["refresh_token"]).json()
    assert verified(acme.product, acme.web, refreshed["access_token"], audience=API)["aud"] == API
    assert verified(acme.product, acme.machine, own(acme, resource=API), audience=API)["aud"] == API
    # An ID token is for the client, whatever the access token is for.
    assert verified(acme.product, acme.web, tokens["id_token"], audience=acme.web.client_id)


@pytest.mark.parametrize("resource", ["https://other.example", "https://api.example/", "not a uri"])
def test_3_a_resource_of_nobodys_is_refused(acme: Home, resource: str) -> None:
    answer, _ = acme.answer(resource=resource)
    assert answer["error"] == "invalid_target"
    form = {"grant_type": "client_credentials", "resource": resource}
    assert acme.product.token(acme.machine, form).json()["error"] == "invalid_target"


def test_lifetimes_are_the_tenants(acme: Home) -> None:
    app = acme.product.register_app()
    changes = {"access_token_ttl_s": 120, "id_token_ttl_s": 240}
    assert acme.product.api("PATCH", f"/apps/{app.app_id}", json=changes).status_code == 200
    tokens = acme.product.tokens(app)
    assert tokens["expires_in"] == 120
    for kind, ttl in (("access_token", 120), ("id_token", 240)):
        claims = verified(acme.product, app, tokens[kind])
        assert claims["exp"] - claims["iat"] == ttl


def test_lifetimes_are_ten_minutes_unless_changed(acme: Home, tokens: dict[str, Any]) -> None:
    for kind in ("access_token", "id_token"):
        claims = verified(acme.product, acme.web, tokens[kind])
        assert claims["exp"] - claims["iat"] == 600
