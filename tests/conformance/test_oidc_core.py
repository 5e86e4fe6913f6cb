"""OpenID Connect Core 1.0: ID token, authentication request, UserInfo, refresh."""

import base64
import hashlib
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.home import API, Home
from tests.support.product import App, pkce
from tests.support.tokens import header, verified


@pytest.fixture(scope="module")
def tokens(acme: Home) -> dict[str, Any]:
    return acme.tokens(scope="openid email profile offline_access")


def id_token(home: Home, client: App, tokens: dict[str, Any]) -> dict[str, Any]:
    return verified(home.product, client, tokens["id_token"], audience=client.client_id)


# §2 ID token ----------------------------------------------------------------------------------


def test_2_the_claims(acme: Home, tokens: dict[str, Any]) -> None:
    claims = id_token(acme, acme.web, tokens)
    assert claims["iss"] == acme.issuer
    assert claims["sub"] == acme.user_id
    assert claims["aud"] == acme.web.client_id
    assert claims["nonce"] == "n-1"
    assert claims["auth_time"] <= claims["iat"] <= time.time() + 5
    assert claims["exp"] > claims["iat"]
    assert claims.get("azp", acme.web.client_id) == acme.web.client_id


def test_2_the_subject_is_short_ascii_and_one_for_all_clients(acme: Home) -> None:
    """§8: subject type public."""
    subjects = {
        id_token(acme, client, acme.tokens(client))["sub"] for client in (acme.web, acme.spa, acme.native)
    }
    assert subjects == {acme.user_id}
    assert acme.user_id.isascii()
    assert len(acme.user_id) <= 255


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
def test_2_the_audience_is_the_client(acme: Home, client_type: str) -> None:
    client: App = getattr(acme, client_type)
    assert id_token(acme, client, acme.tokens(client))["aud"] == client.client_id


def test_2_without_a_nonce_there_is_none(acme: Home) -> None:
    assert "nonce" not in id_token(acme, acme.web, acme.tokens(nonce=None))


@pytest.mark.parametrize("nonce", ["n", "ü✓", "a b+c&d", "x" * 1024])
def test_2_a_nonce_comes_back_as_it_was(acme: Home, nonce: str) -> None:
    assert id_token(acme, acme.web, acme.tokens(nonce=nonce))["nonce"] == nonce


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_3_1_3_6_at_hash_is_the_access_tokens(acme: Home, alg: str) -> None:
    app = acme.product.register_app(signing_alg=alg)
    tokens = acme.product.tokens(app)
    assert header(tokens["id_token"])["alg"] == alg
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
    assert verified(acme.product, app, tokens["id_token"])["at_hash"] == half


def test_3_1_2_1_without_openid_it_is_plain_oauth(acme: Home) -> None:
    assert "id_token" not in acme.tokens(scope="email")


# §3.1.2 Authentication request ----------------------------------------------------------------


def asked(home: Home, **changes: Any) -> str:
    """Which page the signed-in user is sent to: a question's name, or where the code went."""
    response = home.browser.http.get(home.web.authorize_url(pkce()[1], **changes))
    location = urlsplit(response.headers["location"])
    return (
        location.path.rpartition("/")[2] if not location.netloc else f"{location.netloc}?{location.query[:4]}"
    )


DONE = "app.example?code"


@pytest.mark.parametrize(
    ("changes", "page"),
    [
        pytest.param({}, DONE, id="nothing"),
        pytest.param({"prompt": "none"}, DONE, id="none"),
        pytest.param({"prompt": "login"}, "login", id="login"),
        pytest.param({"prompt": "consent"}, "consent", id="consent"),
        pytest.param({"prompt": "select_account"}, "select-account", id="select_account"),
        pytest.param({"prompt": "login consent"}, "login", id="login, then consent"),
        pytest.param({"max_age": "0"}, "login", id="max_age 0"),
        pytest.param({"max_age": "100000"}, DONE, id="max_age long enough"),
        pytest.param({"prompt": "none", "max_age": "100000"}, DONE, id="none, max_age long enough"),
    ],
)
def test_3_1_2_1_prompt_and_max_age(acme: Home, changes: dict[str, str], page: str) -> None:
    assert asked(acme, **changes) == page


@pytest.mark.parametrize(
    "changes", [{"prompt": "login"}, {"max_age": "0"}], ids=["prompt=login", "max_age=0"]
)
def test_3_1_2_1_a_new_sign_in_moves_auth_time(acme: Home, changes: dict[str, str]) -> None:
    with acme.visitor() as browser:
        times = []
        for more in ({}, changes):
            began = int(time.time())
            answer, verifier = acme.product.sign_in(browser, acme.web, acme.email, **more)
            tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
            times.append(id_token(acme, acme.web, tokens)["auth_time"])
            assert times[-1] >= began
    assert times == sorted(times)


@pytest.mark.parametrize(
    "changes",
    [{}, {"max_age": "0"}, {"login_hint": "x@example.com"}],
    ids=["none", "max_age", "login_hint"],
)
def test_3_1_2_6_nobody_is_asked_when_nobody_may_be(acme: Home, changes: dict[str, str]) -> None:
    with acme.visitor() as browser:
        url = acme.web.authorize_url(pkce()[1], prompt="none", **changes)
        assert "error=login_required" in browser.http.get(url).headers["location"]


def test_3_1_2_6_a_session_too_old_is_none(acme: Home) -> None:
    answer, _ = acme.answer(prompt="none", max_age="0")
    assert answer["error"] == "login_required"


@pytest.mark.parametrize("prompt", ["none login", "none consent", "none none login", "nope"])
def test_3_1_2_1_none_stands_alone(acme: Home, prompt: str) -> None:
    assert acme.answer(prompt=prompt)[0]["error"] == "invalid_request"


def test_3_1_2_1_login_hint_fills_the_form(acme: Home) -> None:
    with acme.visitor() as browser:
        page = browser.get(acme.web.authorize_url(pkce()[1], login_hint="ada@example.com"))
    assert 'value="ada@example.com"' in page.text


def test_3_1_2_1_id_token_hint(acme: Home, tokens: dict[str, Any]) -> None:
    hint = tokens["id_token"]
    assert "code" in acme.answer(prompt="none", id_token_hint=hint)[0]
    email, _ = acme.product.create_user(acme.web)
    with acme.visitor() as browser:
        acme.product.sign_in(browser, acme.web, email)
        url = acme.web.authorize_url(pkce()[1], prompt="none", id_token_hint=hint)
        assert "error=login_required" in browser.http.get(url).headers["location"]


@pytest.mark.parametrize(
    "changes",
    [
        {"display": "popup", "ui_locales": "fr de", "claims_locales": "en", "acr_values": "1 2"},
        {"claims": '{"id_token": {"email": {"essential": true}}}'},
        {"display": "nope"},
    ],
    ids=["display, locales, acr", "claims", "unknown display"],
)
def test_15_1_what_has_no_effect_is_no_error(acme: Home, changes: dict[str, str]) -> None:
    assert "code" in acme.answer(**changes)[0]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ],
)
def test_6_what_is_not_supported_says_so(acme: Home, name: str, error: str) -> None:
    assert acme.answer(**{name: "https://app.example/x"})[0]["error"] == error


# §5 Claims and UserInfo -----------------------------------------------------------------------


def userinfo(home: Home, method: str, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return home.product.http.request(method, f"{home.issuer}/userinfo", headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_5_3_userinfo(acme: Home, tokens: dict[str, Any], method: str) -> None:
    response = userinfo(acme, method, tokens["access_token"])
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    claims = response.json()
    assert claims["sub"] == id_token(acme, acme.web, tokens)["sub"]
    assert claims["email"] == acme.email
    assert claims["email_verified"] is False
    assert claims["name"] == "Ada Lovelace"
    assert isinstance(claims["updated_at"], int)


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", {"sub"}),
        ("openid email", {"sub", "email", "email_verified"}),
        ("openid profile", {"sub", "name", "updated_at"}),
        ("openid email profile", {"sub", "email", "email_verified", "name", "updated_at"}),
    ],
)
def test_5_4_a_scope_opens_its_claims_and_no_others(acme: Home, scope: str, names: set[str]) -> None:
    tokens = acme.tokens(scope=scope)
    assert userinfo(acme, "GET", tokens["access_token"]).json().keys() == names
    about_the_user = {"sub", "email", "email_verified", "name", "updated_at"}
    assert id_token(acme, acme.web, tokens).keys() & about_the_user == names


def test_5_3_2_userinfo_is_for_the_apps_own_tokens(acme: Home) -> None:
    assert userinfo(acme, "GET", acme.tokens(resource=API)["access_token"]).status_code == 401


# §11, §12 Refresh -----------------------------------------------------------------------------


def test_11_offline_access_outlives_the_session(acme: Home) -> None:
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.spa, acme.email, scope="openid offline_access")
        tokens = acme.product.redeem(acme.spa, answer["code"], verifier).json()
        browser.http.get(f"{acme.issuer}/logout", params={"id_token_hint": tokens["id_token"]})
    assert acme.product.refresh(acme.spa, tokens["refresh_token"]).status_code == 200


def test_12_2_an_id_token_on_refresh_is_the_same_users(acme: Home) -> None:
    client = acme.client("web", id_token_on_refresh=True)
    first = acme.tokens(client)
    second = acme.product.refresh(client, first["refresh_token"]).json()
    before, after = (id_token(acme, client, tokens) for tokens in (first, second))
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert after[name] == before[name]
    assert after["iat"] >= before["iat"]
    assert "nonce" not in after


def test_12_2_by_default_there_is_none(acme: Home, tokens: dict[str, Any]) -> None:
    assert "id_token" not in acme.product.refresh(acme.web, tokens["refresh_token"]).json()
