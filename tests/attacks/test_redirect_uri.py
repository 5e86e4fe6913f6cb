"""Redirect URIs: exact at use, strict at registration (RFC 9700 §4.1.3, RFC 8252 §7)."""

from typing import Any

import pytest

from tests.attacks.mutations import REGISTERED, mutations
from tests.attacks.outcomes import P0
from tests.support.browser import answer_at, forms
from tests.support.home import BYE, LOOPBACK, Home
from tests.support.product import App, Product, pkce

MUTATIONS = mutations()


@pytest.fixture(scope="module")
def exact(acme: Home) -> App:
    return acme.product.add_client(acme.web, "web", redirect_uris=[REGISTERED])


@pytest.fixture(scope="module")
def native(acme: Home) -> App:
    """The same for a client whose loopback ports may differ: nothing else may."""
    uris = ["http://127.0.0.1/callback?a=1", REGISTERED]
    return acme.product.add_client(acme.web, "native", redirect_uris=uris)


def test_there_are_two_hundred() -> None:
    assert len(set(MUTATIONS.values())) >= 200


def test_the_registered_one_works(acme: Home, exact: App) -> None:
    answer = acme.browser.http.get(exact.authorize_url(pkce()[1]))
    assert answer_at(answer)["tenant"] == "a"
    assert "code" in answer_at(answer)


@pytest.mark.parametrize("uri", MUTATIONS.values(), ids=MUTATIONS)
def test_almost_the_registered_uri_is_not_it(acme: Home, exact: App, uri: str) -> None:
    P0(acme.browser.http.get(exact.authorize_url(pkce()[1], redirect_uri=uri)))


@pytest.mark.parametrize("uri", MUTATIONS.values(), ids=MUTATIONS)
def test_nor_for_a_native_client(acme: Home, native: App, uri: str) -> None:
    P0(acme.browser.http.get(native.authorize_url(pkce()[1], redirect_uri=uri)))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8000/callback",
        "http://127.0.0.1:8000/callback?a=2",
        "http://127.0.0.1:8000/callback?a=1&b=2",
        "http://127.0.0.1:8000/callback/?a=1",
        "http://127.0.0.1:8000/CALLBACK?a=1",
        "http://127.0.0.1:8000/callback?a=1#f",
        "https://127.0.0.1:8000/callback?a=1",
        "http://127.0.0.2:8000/callback?a=1",
        "http://localhost:8000/callback?a=1",
        "http://[::1]:8000/callback?a=1",
        "http://127.0.0.1.evil.example:8000/callback?a=1",
        "http://127.0.0.1:8000@evil.example/callback?a=1",
        "http://evil.example@127.0.0.1:8000/callback?a=1",
        "http://127.0.0.1:800000/callback?a=1",
        "http://127.0.0.1:/callback?a=1",
        "http://127.0.0.1:80:80/callback?a=1",
        "http://127.0.0.1:8000\\@evil.example/callback?a=1",
        "http://127.0.0.1:8000.evil.example/callback?a=1",
        "http://0x7f.0.0.1:8000/callback?a=1",
        "http://127.1:8000/callback?a=1",
        "HTTP://127.0.0.1:8000/callback?a=1",
    ],
)
def test_on_loopback_the_port_alone_may_differ(acme: Home, native: App, uri: str) -> None:
    """RFC 8252 §7.3."""
    P0(acme.browser.http.get(native.authorize_url(pkce()[1], redirect_uri=uri)))


def test_and_that_for_native_clients_only(acme: Home) -> None:
    web = acme.product.add_client(acme.web, "web", redirect_uris=[LOOPBACK])
    assert "code" in acme.answer(web)[0]
    P0(acme.browser.http.get(web.authorize_url(pkce()[1], redirect_uri="http://127.0.0.1:9/callback")))


def test_a_code_is_only_for_the_uri_it_went_to(acme: Home) -> None:
    """RFC 6749 §4.1.3: another registered URI of the same client is another one."""
    uris = ["https://app.example/one", "https://app.example/two"]
    client = acme.product.add_client(acme.web, "web", redirect_uris=uris)
    code, verifier = acme.code(client)
    refused = acme.product.redeem(client, code, verifier, redirect_uri=uris[1])
    assert refused.json()["error"] == "invalid_grant"
    assert acme.product.redeem(client, code, verifier).json()["error"] == "invalid_grant"


# Registration ---------------------------------------------------------------------------------

NOT_TO_REGISTER = [
    "https://app.example/callback#fragment",
    "https://app.example/callback#",
    "https://*.app.example/callback",
    "https://app.example/*",
    "https://app.example/.*",
    "^https://app\\.example/callback$",
    "https://app.example/(callback|other)|x",
    "http://app.example/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://localhost.evil.example/callback",
    "http://10.0.0.1/callback",
    "http://[::2]/callback",
    "http://0.0.0.0/callback",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "javascript://app.example/%0aalert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "DATA:text/html;base64,eA==",
    "vbscript:x",
    "file:///etc/passwd",
    "HTTPS://app.example/callback",
    "https://APP.example/callback",
    "https:app.example/callback",
    "https:/app.example/callback",
    "//app.example/callback",
    "/callback",
    "callback",
    "",
    " ",
    "https://",
    "https:///callback",
    "https://user@app.example/callback",
    "https://user:password@app.example/callback",
    "https://app.example\\@evil.example/callback",
    "https://app.example/call back",
    "https://app.example/callback\n",
    "https://app.example/callback\x00",
    "https://app.example/%zz",
    "https://app.example/a/../callback",
    "https://app.example/a/%2e%2E/callback",
    "https://app.example:99999/callback",
    "https://app.example:0443/callback",
    "https://app.example:0/callback",
    "https://app.example:/callback",
    "https://app.example./callback",
    "https://app.example/callback%00",
    "https://app.example/callback%0d%0aLocation:x",
    "https://app.example/callback?code=mine",
    "https://app.example/callback?state=mine",
    "https://app.example/callback?iss=mine",
    "https://app.example/callback?error=mine",
    "https://аpp.example/callback",
    "https://app.example/" + "a" * 2000,
    "com.example.app:/callback",
]


@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris"])
@pytest.mark.parametrize("uri", NOT_TO_REGISTER)
def test_a_dangerous_uri_is_not_registered(acme: Home, uri: str, field: str) -> None:
    path = f"/apps/{acme.slug}/clients/{acme.web.client_id}"
    before = acme.product.api("GET", path).json()
    refused = acme.product.api("PATCH", path, json={field: ["https://app.example/fine", uri]})
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == f"#/{field}/1"
    assert acme.product.api("GET", path).json() == before


@pytest.mark.parametrize("scheme", ["javascript", "data", "JavaScript", "intent", "myapp", "x-web-search"])
def test_a_native_scheme_is_a_domain_of_the_apps_own(acme: Home, scheme: str) -> None:
    """RFC 8252 §7.1: reverse domain name; a scheme that browsers act on has no dot."""
    body = {"type": "native", "name": "Native", "redirect_uris": [f"{scheme}:/callback"]}
    count = number_of_clients(acme.product, acme.web)
    assert acme.product.api("POST", f"/apps/{acme.slug}/clients", json=body).status_code == 422
    assert number_of_clients(acme.product, acme.web) == count


def test_an_app_with_a_dangerous_uri_is_not_registered(product: Product) -> None:
    body: dict[str, Any] = {"app_id": "never-registered", "name": "Never", "redirect_uris": ["data:,"]}
    assert product.api("POST", "/apps", json=body).status_code == 422
    assert product.api("GET", "/apps/never-registered").status_code == 404


def number_of_clients(product: Product, app: App) -> int:
    return len(product.api("GET", f"/apps/{app.app_id}/clients", params={"limit": 100}).json()["items"])


# After signing out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        "//evil.example/",
        BYE + "/",
        BYE + "?x=1",
        BYE.upper(),
        BYE.replace("https", "http"),
        "https://app.example/callback",
        "javascript:alert(1)",
    ],
)
def test_signing_out_leads_nowhere_unregistered(acme: Home, uri: str) -> None:
    """RP-Initiated Logout 1.0 §3: the user is asked, and stays here."""
    id_token = acme.tokens()["id_token"]
    page = acme.browser.http.get(
        f"{acme.issuer}/logout", params={"id_token_hint": id_token, "post_logout_redirect_uri": uri}
    )
    assert page.status_code == 200
    assert forms(page)[0].action == f"/t/{acme.slug}/signed-out"
    assert "post_logout_redirect_uri" not in forms(page)[0].fields
    assert "code" in acme.answer()[0], "nobody was signed out"
