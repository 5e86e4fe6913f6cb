"""A certified relying party that we did not write (idpyoidc), through discovery and back."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from idpyoidc.client.rp_handler import RPHandler

from tests.support.browser import answer_at
from tests.support.product import CALLBACK, PASSWORD, Product


def relying_party(issuer: str, client_id: str, secret: str) -> RPHandler:
    config: dict[str, Any] = {
        "client_type": "oidc",
        "issuer": issuer,
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uris": [CALLBACK],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "email", "profile", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
            }
        },
        "services": {
            "discovery": {"class": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery"},
            "authorization": {"class": "idpyoidc.client.oidc.authorization.Authorization"},
            "accesstoken": {"class": "idpyoidc.client.oidc.access_token.AccessToken"},
            "refresh": {"class": "idpyoidc.client.oidc.refresh_access_token.RefreshAccessToken"},
            "userinfo": {"class": "idpyoidc.client.oidc.userinfo.UserInfo"},
        },
    }
    return RPHandler(base_url="https://app.example", client_configs={issuer: config})


def test_idpyoidc_signs_a_user_in(product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # it keeps keys of its own in the working directory
    app = product.register_app()
    assert app.client_secret is not None
    email, user_id = product.create_user(app)
    rp = relying_party(app.issuer, app.client_id, app.client_secret)
    url = rp.begin(app.issuer)
    with product.browser() as browser:
        page = browser.get(url)
        consent = browser.submit(page, {"email": email, "password": PASSWORD})
        back = browser.submit(consent, {"answer": "allow"})  # it asks with prompt=consent
    answer = answer_at(back)
    assert parse_qs(urlsplit(back.headers["location"]).query)["iss"] == [app.issuer]
    result = rp.finalize(app.issuer, answer)
    assert result["userinfo"]["sub"] == user_id
    assert result["userinfo"]["email"] == email
    assert result["id_token"]["iss"] == app.issuer
