"""RFC 8707, Resource Indicators: one resource a token, which its client registered."""

from urllib.parse import urlencode

import pytest

from tests.support.browser import answer_at
from tests.support.home import Home
from tests.support.product import App, pkce
from tests.support.tokens import claims_of

API, OTHER = "https://api.example", "https://other.example/v1"


@pytest.fixture(scope="module")
def client(acme: Home) -> App:
    client = acme.product.add_client(acme.web, "web")
    acme.product.configure(client, resources=[API, OTHER])
    return client


def test_2_1_the_resource_becomes_the_audience(acme: Home, client: App) -> None:
    assert claims_of(acme.tokens(client, resource=API)["access_token"])["aud"] == API


def test_2_several_at_once_are_an_invalid_target(acme: Home, client: App) -> None:
    """A client may send more than one; we know one a token, and say that rather than choose."""
    url = client.authorize_url(pkce()[1]) + "&" + urlencode([("resource", API), ("resource", OTHER)])
    assert answer_at(acme.browser.http.get(url))["error"] == "invalid_target"


def test_2_2_at_the_token_endpoint_as_well_and_nothing_is_spent(acme: Home, client: App) -> None:
    code, verifier = acme.code(client, resource=API)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
        "resource": [API, OTHER],
    }
    refused = acme.product.http.post(f"{acme.issuer}/token", data=form, **client.credentials)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert acme.product.redeem(client, code, verifier).status_code == 200


@pytest.mark.parametrize(
    "resource", ["https://unregistered.example", "/relative", API + "#fragment", API + "/"]
)
def test_2_one_that_is_not_registered_is_an_invalid_target(acme: Home, client: App, resource: str) -> None:
    url = client.authorize_url(pkce()[1], resource=resource)
    assert answer_at(acme.browser.http.get(url))["error"] == "invalid_target"


def test_2_2_a_refresh_cannot_change_it(acme: Home, client: App) -> None:
    token = acme.tokens(client, resource=API, scope="openid offline_access")["refresh_token"]
    refused = acme.product.token(
        client, {"grant_type": "refresh_token", "refresh_token": token, "resource": OTHER}
    )
    assert refused.json()["error"] == "invalid_target"
    assert acme.product.refresh(client, token).status_code == 200
