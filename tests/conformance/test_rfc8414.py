"""RFC 8414, Authorization Server Metadata, and OpenID Connect Discovery 1.0: what it says is so."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.home import Home
from tests.support.product import Product, pkce
from tests.support.tokens import claims_of

OIDC = "{issuer}/.well-known/openid-configuration"
RFC_8414 = "{origin}/.well-known/oauth-authorization-server/t/{slug}"


def fetch(home: Home, form: str = OIDC) -> Any:
    url = form.format(issuer=home.issuer, origin=home.product.origin, slug=home.slug)
    return home.product.http.get(url)


@pytest.mark.parametrize("form", [OIDC, RFC_8414], ids=["OpenID Connect", "RFC 8414"])
def test_3_2_a_response(acme: Home, form: str) -> None:
    response = fetch(acme, form)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert "max-age=" in response.headers["cache-control"]


def test_3_both_forms_say_the_same(acme: Home) -> None:
    assert fetch(acme, OIDC).json() == fetch(acme, RFC_8414).json()


def test_3_3_the_issuer_is_the_one_that_was_asked(acme: Home, globex: Home) -> None:
    for home in (acme, globex):
        assert fetch(home).json()["issuer"] == home.issuer == f"{home.product.origin}/t/{home.slug}"


def test_2_the_issuer_has_no_query_or_fragment(acme: Home) -> None:
    parts = urlsplit(fetch(acme).json()["issuer"])
    assert (parts.query, parts.fragment) == ("", "")


def test_2_what_is_required_is_there(acme: Home) -> None:
    """RFC 8414 §2, and OpenID Connect Discovery 1.0 §3."""
    metadata = fetch(acme).json()
    assert metadata.keys() >= {
        "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
        "subject_types_supported", "id_token_signing_alg_values_supported", "userinfo_endpoint",
    }  # fmt: skip
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in str(metadata["id_token_signing_alg_values_supported"])
    assert "openid" in metadata["scopes_supported"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]


def test_2_every_endpoint_is_below_the_issuer_and_answers(acme: Home) -> None:
    metadata = fetch(acme).json()
    endpoints = {name: url for name, url in metadata.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(endpoints) == 7
    for name, url in endpoints.items():
        assert url.startswith(acme.issuer + "/"), name
        assert acme.product.http.get(url).status_code != 404, name


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_2_every_authentication_method_that_it_names_works(acme: Home, endpoint: str, method: str) -> None:
    metadata = fetch(acme).json()
    supported = metadata[f"{endpoint}_endpoint_auth_methods_supported"]
    client = acme.spa if method == "none" else acme.web
    form = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    options: dict[str, Any] = {}
    if method == "client_secret_basic":
        options = client.credentials
    elif method == "client_secret_post":
        form |= {"client_id": client.client_id, "client_secret": client.client_secret or ""}
    else:
        form |= {"client_id": client.client_id}
    response = acme.product.http.post(metadata[f"{endpoint}_endpoint"], data=form, **options)
    assert (response.status_code != 401) == (method in supported)


def test_2_every_grant_that_it_names_is_known(acme: Home) -> None:
    for grant_type in fetch(acme).json()["grant_types_supported"]:
        error = acme.product.token(acme.web, {"grant_type": grant_type}).json().get("error")
        assert error in (None, "invalid_request"), grant_type


def test_2_every_response_mode_and_prompt_that_it_names_is_known(acme: Home) -> None:
    metadata = fetch(acme).json()
    changes = [{"response_mode": mode} for mode in metadata["response_modes_supported"]]
    changes += [{"prompt": prompt} for prompt in metadata["prompt_values_supported"]]
    changes += [{"scope": scope} for scope in metadata["scopes_supported"]]
    for change in changes:
        response = acme.browser.http.get(acme.web.authorize_url(pkce()[1], **change))
        assert response.status_code in (200, 303), change
        assert "error=" not in response.headers.get("location", ""), change


def test_2_every_language_that_it_names_is_spoken(acme: Home) -> None:
    """OpenID Connect Discovery 1.0 §3, `ui_locales_supported`."""
    languages = fetch(acme).json()["ui_locales_supported"]
    assert languages == ["en", "de"]
    with acme.product.browser() as browser:
        for tag in languages:
            page = browser.get(acme.web.authorize_url(pkce()[1], ui_locales=tag))
            assert f'<html lang="{tag}"' in page.text


def test_2_the_claims_that_it_names_are_the_ones_given(acme: Home) -> None:
    given = claims_of(acme.tokens(scope="openid profile email")["id_token"])
    assert given.keys() <= set(fetch(acme).json()["claims_supported"])


@pytest.mark.parametrize("form", [OIDC, RFC_8414], ids=["OpenID Connect", "RFC 8414"])
@pytest.mark.parametrize("slug", ["no-such-tenant", "x", "a" * 41])
def test_3_another_issuer_is_not_found(acme: Home, form: str, slug: str) -> None:
    origin = acme.product.origin
    url = form.format(issuer=f"{origin}/t/{slug}", origin=origin, slug=slug)
    response = acme.product.http.get(url)
    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "form", [OIDC, RFC_8414, "{issuer}/jwks.json"], ids=["OpenID Connect", "RFC 8414", "JWKS"]
)
def test_head_is_get_without_a_body(acme: Home, form: str) -> None:
    """RFC 9110 §9.3.2."""
    url = form.format(issuer=acme.issuer, origin=acme.product.origin, slug=acme.slug)
    get, head = acme.product.http.get(url), acme.product.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers[name] == get.headers[name]


def test_an_es256_tenant_says_so(product: Product) -> None:
    app = product.register_app(signing_alg="ES256")
    metadata = product.http.get(f"{app.issuer}/.well-known/openid-configuration").json()
    assert "ES256" in metadata["id_token_signing_alg_values_supported"]
