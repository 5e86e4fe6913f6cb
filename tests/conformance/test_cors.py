"""CORS (Fetch standard §3.2) at the endpoints that a browser app calls: by tenant, without cookies."""

import httpx2
import pytest

from tests.support.eventually import eventually
from tests.support.home import FRONTEND, Home

ENDPOINTS = {
    "token": "POST",
    "revoke": "POST",
    "userinfo": "GET",
    "jwks.json": "GET",
    ".well-known/openid-configuration": "GET",
}


def preflight(home: Home, endpoint: str, method: str, origin: str) -> httpx2.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    return home.product.http.options(f"{home.issuer}/{endpoint}", headers=headers)


@pytest.mark.parametrize(("endpoint", "method"), ENDPOINTS.items())
def test_a_registered_origin_may_ask(acme: Home, endpoint: str, method: str) -> None:
    answer = preflight(acme, endpoint, method, FRONTEND)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == FRONTEND
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert "authorization" in allowed
    assert "content-type" in allowed
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil.example",
        "null",
    ],
)
@pytest.mark.parametrize(("endpoint", "method"), ENDPOINTS.items())
def test_another_origin_may_not(acme: Home, endpoint: str, method: str, origin: str) -> None:
    url = f"{acme.issuer}/{endpoint}"
    answers = [
        preflight(acme, endpoint, method, origin),
        acme.product.http.request(method, url, headers={"Origin": origin}),
    ]
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
        assert "Origin" in answer.headers["vary"]


def test_the_answer_is_readable_errors_too(acme: Home) -> None:
    headers = {"Origin": FRONTEND}
    code, verifier = acme.code(acme.spa)
    good = acme.product.redeem(acme.spa, code, verifier, headers=headers)
    again = acme.product.redeem(acme.spa, code, verifier, headers=headers)
    refused = acme.product.http.get(f"{acme.issuer}/userinfo", headers=headers)
    assert [answer.status_code for answer in (good, again, refused)] == [200, 400, 401]
    for answer in (good, again, refused):
        assert answer.headers["access-control-allow-origin"] == FRONTEND
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


def test_one_tenants_origin_is_not_anothers(acme: Home) -> None:
    app = acme.product.register_app(frontend_origins=["https://other.example"])
    for issuer, origin in ((acme.issuer, "https://other.example"), (app.issuer, FRONTEND)):
        answer = acme.product.http.get(f"{issuer}/jwks.json", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers


def test_a_new_origin_may_ask_within_a_second(acme: Home) -> None:
    app = acme.product.register_app()
    origin = "https://new.example"
    headers = {"Origin": origin}

    def is_allowed() -> bool:
        answer = acme.product.http.get(f"{app.issuer}/userinfo", headers=headers)
        return answer.headers.get("access-control-allow-origin") == origin

    assert not is_allowed()
    acme.product.configure(app, frontend_origins=[origin])
    eventually(is_allowed, within=5)


@pytest.mark.parametrize("page", ["authorize", "login", "account"])
def test_pages_are_for_no_script_of_anybodys(acme: Home, page: str) -> None:
    answer = acme.browser.http.get(f"{acme.issuer}/{page}", headers={"Origin": FRONTEND})
    assert "access-control-allow-origin" not in answer.headers
