"""RFC 8252, OAuth 2.0 for Native Apps."""

import pytest

from tests.support.browser import answer_at
from tests.support.home import Home
from tests.support.product import App, pkce

LOOPBACK_4, LOOPBACK_6 = "http://127.0.0.1/callback", "http://[::1]/callback"
LOCALHOST, PRIVATE = "http://localhost:4000/callback", "com.example.app:/callback"


@pytest.fixture(scope="module")
def native(acme: Home) -> App:
    uris = [LOOPBACK_4, LOOPBACK_6, LOCALHOST, PRIVATE]
    return acme.product.add_client(acme.web, "native", redirect_uris=uris)


def exchanged(home: Home, client: App, uri: str) -> int:
    """Authorize and redeem at this URI, and the status of the token response."""
    verifier, challenge = pkce()
    response = home.browser.http.get(client.authorize_url(challenge, redirect_uri=uri))
    assert response.headers["location"].startswith(uri + "?")
    code = answer_at(response)["code"]
    return home.product.redeem(client, code, verifier, redirect_uri=uri).status_code


def test_8_4_a_native_app_is_a_public_client(acme: Home, native: App) -> None:
    shown = acme.product.api("GET", f"/apps/{acme.slug}/clients/{native.client_id}").json()
    assert shown["is_confidential"] is False
    assert shown["pkce_required"] is True
    assert shown["secrets"] == []


@pytest.mark.parametrize("port", ["", ":1", ":8000", ":49152", ":65535"])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_7_3_any_port_on_loopback(acme: Home, native: App, host: str, port: str) -> None:
    assert exchanged(acme, native, f"http://{host}{port}/callback") == 200


def test_7_3_the_code_is_for_the_port_it_went_to(acme: Home, native: App) -> None:
    verifier, challenge = pkce()
    uri = "http://127.0.0.1:8000/callback"
    code = answer_at(acme.browser.http.get(native.authorize_url(challenge, redirect_uri=uri)))["code"]
    other = acme.product.redeem(native, code, verifier, redirect_uri=uri.replace("8000", "8001"))
    assert other.json()["error"] == "invalid_grant"


def test_8_3_localhost_is_taken_as_it_is_registered(acme: Home, native: App) -> None:
    """Not recommended: its port is no exception."""
    assert exchanged(acme, native, LOCALHOST) == 200
    other = acme.browser.http.get(
        native.authorize_url(pkce()[1], redirect_uri=LOCALHOST.replace("4000", "4001"))
    )
    assert other.status_code == 400


def test_7_1_a_private_use_scheme(acme: Home, native: App) -> None:
    assert exchanged(acme, native, PRIVATE) == 200


def test_7_2_a_claimed_https_uri(acme: Home) -> None:
    claimed = acme.product.add_client(acme.web, "native", redirect_uris=["https://app.example/native"])
    assert exchanged(acme, claimed, "https://app.example/native") == 200


def test_8_1_without_pkce_nothing(acme: Home, native: App) -> None:
    answer, _ = acme.answer(native, challenge=None, redirect_uri=LOOPBACK_4)
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("client_type", ["web", "spa"])
def test_7_1_a_private_use_scheme_is_for_native_apps(acme: Home, client_type: str) -> None:
    body = {"type": client_type, "name": "Not native", "redirect_uris": [PRIVATE]}
    assert acme.product.api("POST", f"/apps/{acme.slug}/clients", json=body).status_code == 422
