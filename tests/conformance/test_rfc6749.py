"""RFC 6749, The OAuth 2.0 Authorization Framework: what is a MUST of the parts that we have."""

import base64
import re
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import httpx2
import pytest

from tests.support.browser import answer_at
from tests.support.home import Home
from tests.support.product import App, pkce

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MACHINE = {"grant_type": "client_credentials", "scope": "orders.read"}


def post(home: Home, client: App, body: str, **options: Any) -> httpx2.Response:
    """A body as it is, to the token endpoint."""
    return home.product.http.post(
        f"{home.issuer}/token", content=body, headers=FORM | options.pop("headers", {}), **options
    )


# §2.1, §2.3 Clients --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_type", "confidential"), [("web", True), ("spa", False), ("native", False), ("machine", True)]
)
def test_2_1_a_client_that_can_keep_a_secret_has_one(
    acme: Home, client_type: str, confidential: bool
) -> None:
    client: App = getattr(acme, client_type)
    assert (client.client_secret is not None) == confidential


@pytest.mark.parametrize(
    ("client_type", "refresh_token"),
    [("web", True), ("native", True), ("spa", False)],
    ids=["web", "native", "spa"],
)
def test_2_1_first_party_clients_get_a_refresh_token_without_asking(
    acme: Home, client_type: str, refresh_token: bool
) -> None:
    client: App = getattr(acme, client_type)
    assert ("refresh_token" in acme.tokens(client)) == refresh_token
    assert "refresh_token" in acme.tokens(client, scope="openid offline_access")


def test_2_3_1_basic_and_body(acme: Home) -> None:
    machine = acme.machine
    assert acme.product.token(machine, MACHINE).status_code == 200
    in_body = MACHINE | {"client_id": machine.client_id, "client_secret": machine.client_secret or ""}
    assert acme.product.http.post(f"{acme.issuer}/token", data=in_body).status_code == 200


def test_2_3_1_basic_is_form_encoded_first(acme: Home) -> None:
    encoded = ":".join(
        "".join(f"%{ord(character):02x}" for character in part)
        for part in (acme.machine.client_id, acme.machine.client_secret or "")
    )
    headers = {"Authorization": "Basic " + base64.b64encode(encoded.encode()).decode()}
    assert post(acme, acme.machine, urlencode(MACHINE), headers=headers).status_code == 200


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_2_3_1_the_scheme_has_no_case(acme: Home, scheme: str) -> None:
    """RFC 9110 §11.1."""
    pair = f"{acme.machine.client_id}:{acme.machine.client_secret}"
    headers = {"Authorization": f"{scheme} {base64.b64encode(pair.encode()).decode()}"}
    assert post(acme, acme.machine, urlencode(MACHINE), headers=headers).status_code == 200


# §3 Endpoints ---------------------------------------------------------------------------------


def test_3_1_authorize_takes_get_and_post(acme: Home) -> None:
    verifier, challenge = pkce()
    url, _, query = acme.web.authorize_url(challenge).partition("?")
    for response in (
        acme.browser.http.get(f"{url}?{query}"),
        acme.browser.http.post(url, content=query, headers=FORM),
    ):
        code = answer_at(response)["code"]
        assert acme.product.redeem(acme.web, code, verifier).status_code == 200


@pytest.mark.parametrize("twice", ["scope=&scope=openid", "scope=openid&scope=", "nonce=&nonce="])
def test_3_1_twice_is_repeated_though_one_is_empty(acme: Home, twice: str) -> None:
    url = acme.web.authorize_url(pkce()[1], scope=None, nonce=None)
    answer = answer_at(acme.browser.http.get(f"{url}&{twice}"))
    assert (answer["error"], answer["state"]) == ("invalid_request", "s-1")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_3_1_nor_does_an_empty_one_hide_where_the_answer_goes(acme: Home, name: str) -> None:
    page = acme.browser.http.get(f"{acme.web.authorize_url(pkce()[1])}&{name}=")
    assert (page.status_code, "location" in page.headers) == (400, False)


@pytest.mark.parametrize("twice", ["grant_type=&{}", "{}&grant_type=", "{}&scope=&scope="])
def test_3_2_twice_is_repeated_though_one_is_empty(acme: Home, twice: str) -> None:
    body = twice.format("grant_type=client_credentials")
    response = post(acme, acme.machine, body, **acme.machine.credentials)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_3_1_unknown_parameters_are_ignored(acme: Home) -> None:
    answer, verifier = acme.answer(unheard_of="x", vendor_extension="<y>")
    assert answer.keys() == {"code", "state", "iss"}
    form = {"code_verifier": verifier, "unheard_of": "x"}
    code = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": acme.web.redirect_uri}
    assert acme.product.token(acme.web, code | form).status_code == 200


def test_3_1_an_empty_parameter_is_an_absent_one(acme: Home) -> None:
    assert "code" in acme.answer(prompt="", max_age="", nonce="", response_mode="", resource="")[0]
    assert acme.product.token(acme.machine, MACHINE | {"resource": "", "code": ""}).status_code == 200
    answer, _ = acme.answer(state="")
    assert "state" not in answer


def test_3_1_2_the_uris_own_query_stays(acme: Home) -> None:
    uri = "https://app.example/callback?tenant=a&x=%20y"
    client = acme.product.add_client(acme.web, "web", redirect_uris=[uri])
    response = acme.browser.http.get(client.authorize_url(pkce()[1]))
    location = urlsplit(response.headers["location"])
    assert location.query.startswith("tenant=a&x=%20y&")
    assert parse_qs(location.query).keys() == {"tenant", "x", "code", "state", "iss"}
    assert location.fragment == ""


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
)
def test_3_2_a_media_type_may_have_parameters_and_any_case(acme: Home, kind: str) -> None:
    response = post(
        acme, acme.machine, urlencode(MACHINE), headers={"Content-Type": kind}, **acme.machine.credentials
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("orders.read", "orders.read"),
        ("orders.write orders.read", "orders.write orders.read"),
        ("orders.read orders.read", "orders.read"),
        (None, ""),
    ],
)
def test_3_3_scope_is_what_was_asked_for(acme: Home, asked: str | None, granted: str) -> None:
    form = {"grant_type": "client_credentials"} | ({} if asked is None else {"scope": asked})
    response = acme.product.token(acme.machine, form)
    assert response.json().get("scope", "") == granted


# §4.1 Authorization code ----------------------------------------------------------------------


@pytest.mark.parametrize("state", ["s-1", "a b+c&d=e%20/?#", "é✓😀", "x" * 2048])
def test_4_1_2_state_comes_back_as_it_was(acme: Home, state: str) -> None:
    assert acme.answer(state=state)[0]["state"] == state
    assert acme.answer(state=state, scope="nope")[0]["state"] == state


def test_4_1_2_without_a_state_there_is_none(acme: Home) -> None:
    assert acme.answer(state=None)[0].keys() == {"code", "iss"}


def test_4_1_2_a_code_is_short_lived_by_default(acme: Home) -> None:
    shown = acme.product.api("GET", f"/apps/{acme.slug}").json()
    assert shown["code_ttl_s"] == 60  # at most ten minutes are recommended


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": None}, "invalid_request", id="invalid_request"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="unsupported_response_type"),
        pytest.param({"scope": "openid nope"}, "invalid_scope", id="invalid_scope"),
    ],
)
def test_4_1_2_1_errors_go_back_to_the_client(acme: Home, changes: dict[str, Any], error: str) -> None:
    answer, _ = acme.answer(**changes)
    assert answer["error"] == error
    assert answer.keys() <= {"error", "error_description", "error_uri", "state", "iss"}
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*", answer.get("error_description", ""))


def test_4_1_2_1_access_denied(acme: Home) -> None:
    page = acme.browser.get(acme.web.authorize_url(pkce()[1], prompt="consent"))
    answer = answer_at(acme.browser.submit(page, {"answer": "deny"}))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "s-1"


# §4.4 Client credentials ----------------------------------------------------------------------


def test_4_4_3_no_refresh_token(acme: Home) -> None:
    tokens = acme.product.token(acme.machine, MACHINE).json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}


def test_4_4_a_web_client_may_speak_for_itself_too(acme: Home) -> None:
    tokens = acme.product.token(acme.web, {"grant_type": "client_credentials"}).json()
    assert tokens.keys() <= {"access_token", "token_type", "expires_in", "scope"}
    asked = acme.product.token(acme.web, {"grant_type": "client_credentials", "scope": "openid"})
    assert asked.json()["error"] == "invalid_scope", "there is no user to tell of"


# §5 Issuing ------------------------------------------------------------------------------------


def test_5_1_a_successful_response(acme: Home) -> None:
    code, verifier = acme.code()
    response = acme.product.redeem(acme.web, code, verifier)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    tokens = response.json()
    assert tokens["token_type"].lower() == "bearer"
    assert isinstance(tokens["expires_in"], int)
    assert tokens["scope"] == "openid email profile"


def test_5_1_a_refresh_is_answered_alike(acme: Home) -> None:
    response = acme.product.refresh(acme.web, acme.tokens()["refresh_token"])
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert response.json().keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}


ERRORS = [
    pytest.param({}, 400, "invalid_request", id="grant_type missing"),
    pytest.param({"grant_type": "nope"}, 400, "unsupported_grant_type", id="unsupported_grant_type"),
    pytest.param({"grant_type": "authorization_code"}, 400, "invalid_request", id="code missing"),
    pytest.param(
        {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x"},
        400,
        "invalid_grant",
        id="invalid_grant",
    ),
    pytest.param({"grant_type": "refresh_token"}, 400, "invalid_request", id="refresh_token missing"),
    pytest.param(
        {"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", id="unknown token"
    ),
    pytest.param(
        {"grant_type": "client_credentials", "scope": "nope"}, 400, "invalid_scope", id="invalid_scope"
    ),
    pytest.param(
        {"grant_type": "client_credentials", "scope": '"'}, 400, "invalid_scope", id="malformed scope"
    ),
]


@pytest.mark.parametrize(("form", "status", "error"), ERRORS)
def test_5_2_an_error_response(acme: Home, form: dict[str, str], status: int, error: str) -> None:
    response = post(acme, acme.web, urlencode(form), **acme.web.credentials)
    assert response.status_code == status
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"error", "error_description"}
    assert response.json()["error"] == error
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", response.json()["error_description"])


def test_5_2_unauthorized_client(acme: Home) -> None:
    response = acme.product.token(acme.machine, {"grant_type": "refresh_token", "refresh_token": "x"})
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_5_2_invalid_client_names_the_scheme(acme: Home) -> None:
    response = acme.product.token(acme.web, MACHINE, auth=(acme.web.client_id, "wrong"))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "body", ["grant_type=%ff%fe", "grant_type=" + quote_plus("\x00"), "&".join(["a=1"] * 200)]
)
def test_5_2_what_cannot_be_read_is_an_invalid_request(acme: Home, body: str) -> None:
    response = post(acme, acme.web, body, **acme.web.credentials)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


# §6 Refreshing --------------------------------------------------------------------------------


def test_6_a_refresh_may_narrow_its_scope_for_itself_alone(acme: Home) -> None:
    first = acme.tokens(scope="openid email profile")
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "openid"}
    narrowed = acme.product.token(acme.web, form).json()
    assert narrowed["scope"] == "openid"
    userinfo = acme.product.userinfo(acme.web, narrowed["access_token"]).json()
    assert userinfo.keys() == {"sub"}
    again = acme.product.refresh(acme.web, narrowed["refresh_token"]).json()
    assert again["scope"] == "openid email profile"


def test_6_the_scope_never_widens(acme: Home) -> None:
    first = acme.tokens(scope="openid")
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "openid email"}
    assert acme.product.token(acme.web, form).json()["error"] == "invalid_scope"


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
def test_6_every_type_rotates(acme: Home, client_type: str) -> None:
    client: App = getattr(acme, client_type)
    first = acme.tokens(client, scope="openid offline_access")
    second = acme.product.refresh(client, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert acme.product.userinfo(client, second["access_token"]).json()["sub"] == acme.user_id
