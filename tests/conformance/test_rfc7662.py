"""RFC 7662, Token Introspection."""

import time

import pytest

from tests.support.home import API, Home
from tests.support.tokens import claims_of


def test_2_2_an_access_token(acme: Home) -> None:
    token = acme.tokens()["access_token"]
    response = acme.product.ask(acme.web, "introspect", {"token": token})
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert answer["active"] is True
    assert answer["token_type"] == "Bearer"
    claims = claims_of(token)
    told = ("iss", "sub", "aud", "client_id", "scope", "jti", "iat", "exp", "sid", "auth_time")
    assert {name: answer[name] for name in told} == {name: claims[name] for name in told}


def test_2_2_a_refresh_token(acme: Home) -> None:
    answer = acme.product.introspect(acme.web, acme.tokens()["refresh_token"])
    assert answer["active"] is True
    assert answer["sub"] == acme.user_id
    assert answer["client_id"] == acme.web.client_id
    assert answer["exp"] > time.time() + 24 * 3600
    assert "token_type" not in answer, "it is no token to call a resource with"


def test_2_2_a_clients_own_token(acme: Home) -> None:
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    token = acme.product.token(acme.machine, form).json()["access_token"]
    answer = acme.product.introspect(acme.machine, token)
    assert answer["sub"] == answer["client_id"] == acme.machine.client_id
    assert answer["scope"] == "orders.read"
    assert "sid" not in answer


@pytest.mark.parametrize("token", ["x", "a.b.c", "mtas_rt_x", "é"])
def test_2_2_inactive_says_nothing_else(acme: Home, token: str) -> None:
    assert acme.product.introspect(acme.web, token) == {"active": False}


def test_2_2_what_was_revoked_is_inactive(acme: Home) -> None:
    tokens = acme.tokens()
    acme.product.ask(acme.web, "revoke", {"token": tokens["refresh_token"]})
    for kind in ("access_token", "refresh_token"):
        assert acme.product.introspect(acme.web, tokens[kind]) == {"active": False}


def test_2_2_a_spent_refresh_token_is_inactive_after_its_grace(acme: Home) -> None:
    client = acme.client("web", refresh_grace_s=0)
    first = acme.tokens(client)
    second = acme.product.refresh(client, first["refresh_token"]).json()
    assert acme.product.introspect(client, first["refresh_token"]) == {"active": False}
    assert acme.product.is_active(client, second["refresh_token"])


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_2_1_a_hint_is_only_a_hint(acme: Home, kind: str, hint: str) -> None:
    form = {"token": acme.tokens()[kind], "token_type_hint": hint}
    assert acme.product.ask(acme.web, "introspect", form).json()["active"] is True


def test_2_1_token_is_required(acme: Home) -> None:
    response = acme.product.ask(acme.web, "introspect", {"token_type_hint": "access_token"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_2_1_somebody_must_authenticate(acme: Home) -> None:
    response = acme.product.http.post(f"{acme.issuer}/introspect", data={"token": "x"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_4_the_audience_may_ask(acme: Home) -> None:
    """The app's backend, about a token that its single-page client calls it with."""
    token = acme.tokens(acme.spa)["access_token"]
    assert acme.product.introspect(acme.web, token)["client_id"] == acme.spa.client_id


def test_4_who_may_call_a_resource_is_not_that_resource(acme: Home) -> None:
    """Both are registered for the same API; neither learns of the other's tokens for it."""
    token = acme.tokens(acme.web, resource=API)["access_token"]
    assert acme.product.introspect(acme.machine, token) == {"active": False}
    assert acme.product.introspect(acme.web, token)["aud"] == API
