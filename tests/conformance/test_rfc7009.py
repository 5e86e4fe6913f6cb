"""RFC 7009, Token Revocation."""

from typing import Any

import httpx2
import pytest

from tests.support.home import Home
from tests.support.product import App


def revoke(home: Home, client: App, token: str, **more: str) -> httpx2.Response:
    return home.product.ask(client, "revoke", {"token": token, **more})


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
def test_2_1_either_token_ends_the_grant(acme: Home, client_type: str, kind: str) -> None:
    """§2.1: the refresh token's revocation takes the access tokens along; here both ways."""
    client: App = getattr(acme, client_type)
    tokens = acme.tokens(client, scope="openid offline_access")
    assert revoke(acme, client, tokens[kind]).status_code == 200
    assert acme.product.refresh(client, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert acme.product.userinfo(client, tokens["access_token"]).status_code == 401


def test_2_1_what_was_refreshed_ends_too(acme: Home) -> None:
    first = acme.tokens()
    second = acme.product.refresh(acme.web, first["refresh_token"]).json()
    assert revoke(acme, acme.web, first["access_token"]).status_code == 200
    assert not acme.product.is_active(acme.web, second["access_token"])
    assert not acme.product.is_active(acme.web, second["refresh_token"])


def test_2_1_another_grant_of_the_same_user_goes_on(acme: Home) -> None:
    ended, kept = acme.tokens(), acme.tokens()
    revoke(acme, acme.web, ended["refresh_token"])
    assert acme.product.is_active(acme.web, kept["access_token"])


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_2_1_a_hint_is_only_a_hint(acme: Home, kind: str, hint: str) -> None:
    tokens = acme.tokens()
    assert revoke(acme, acme.web, tokens[kind], token_type_hint=hint).status_code == 200
    assert not acme.product.is_active(acme.web, tokens["access_token"])


@pytest.mark.parametrize("token", ["x", "a.b.c", "mtas_rt_x", "é" * 100])
def test_2_2_an_unknown_token_is_200(acme: Home, token: str) -> None:
    response = revoke(acme, acme.web, token)
    assert (response.status_code, response.content) == (200, b"")


def test_2_2_twice_is_200_as_well(acme: Home) -> None:
    token = acme.tokens()["refresh_token"]
    assert [revoke(acme, acme.web, token).status_code for _ in range(2)] == [200, 200]


def test_2_1_the_client_authenticates(acme: Home) -> None:
    token = acme.tokens()["refresh_token"]
    response = acme.product.http.post(f"{acme.issuer}/revoke", data={"token": token})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert acme.product.is_active(acme.web, token)


@pytest.mark.parametrize(
    ("credentials", "status", "error"),
    [
        pytest.param(None, 401, "invalid_client", id="none"),
        pytest.param(("nobody", "x"), 401, "invalid_client", id="unknown"),
        pytest.param("web", 400, "invalid_request", id="token missing"),
    ],
)
def test_2_2_1_an_error_is_one_of_the_token_endpoints(
    acme: Home, credentials: Any, status: int, error: str
) -> None:
    """RFC 6749 §5.2: JSON that nobody keeps; a 401 names a scheme by which the client may come."""
    auth = acme.web.credentials["auth"] if credentials == "web" else credentials
    response = acme.product.http.post(f"{acme.issuer}/revoke", data={"x": "y"}, auth=auth)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in response.headers) == (status == 401)
    if status == 401:
        assert response.headers["www-authenticate"].startswith("Basic realm=")


def test_2_2_success_has_no_body_and_does_not_call_it_json(acme: Home) -> None:
    response = revoke(acme, acme.web, acme.tokens()["refresh_token"])
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_2_1_revoking_is_a_post(acme: Home, method: str) -> None:
    assert acme.product.http.request(method, f"{acme.issuer}/revoke").status_code == 405


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token_type_hint": "access_token"}])
def test_2_1_token_is_required(acme: Home, form: dict[str, Any]) -> None:
    response = acme.product.ask(acme.web, "revoke", form | {"unheard_of": "x"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_2_2_1_a_clients_own_token_cannot_be_revoked(acme: Home) -> None:
    token = acme.product.token(acme.machine, {"grant_type": "client_credentials"}).json()["access_token"]
    response = revoke(acme, acme.machine, token)
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_token_type")
