"""The authorize endpoint. Everybody here is signed in: only the defence stands before a code."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.attacks.listener import listener
from tests.attacks.outcomes import P0, R
from tests.support.browser import answer_at, forms
from tests.support.eventually import eventually
from tests.support.home import Home
from tests.support.product import PASSWORD, App, Product, pkce


def ask(home: Home, client: App | None = None, more: str = "", /, **changes: Any) -> httpx2.Response:
    """A request of the signed-in user's browser; `more` goes onto the URL as it is."""
    url = (client or home.web).authorize_url(**({"challenge": pkce()[1]} | changes))
    return home.browser.http.get(url + more)


# Who asks, and where an answer may go --------------------------------------------------------


@pytest.mark.parametrize(
    "client_id",
    [None, "", "no-such-client", "ACME", "acme%00", "' or 1=1--", "x" * 4000],
    ids=["missing", "empty", "unknown", "case", "escape", "SQL", "long"],
)
def test_an_unknown_client_gets_no_redirect(acme: Home, client_id: str | None) -> None:
    P0(ask(acme, client_id=client_id))


def test_another_tenants_client_gets_no_redirect(acme: Home, globex: Home) -> None:
    P0(ask(acme, client_id=globex.web.client_id))


def test_a_disabled_client_gets_no_redirect(acme: Home) -> None:
    client = acme.client()
    assert "code" in answer_at(ask(acme, client))
    acme.product.configure(client, disabled=True)
    # The change reaches every cache by its event.
    P0(eventually(lambda: page if (page := ask(acme, client)).status_code == 400 else None))


def test_a_disabled_tenant_gets_no_redirect(product: Product) -> None:
    app = product.register_app()
    assert product.api("POST", f"/apps/{app.app_id}/disable").status_code == 200
    P0(product.http.get(app.authorize_url(pkce()[1])))


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_who_asks_and_where_to_comes_once(acme: Home, name: str) -> None:
    value = acme.web.client_id if name == "client_id" else acme.web.redirect_uri
    P0(ask(acme, **{name: None}))
    P0(ask(acme, **{name: ""}))
    P0(ask(acme, None, "&" + urlencode({name: value})))
    P0(ask(acme, None, "&" + urlencode({name: "https://evil.example/"})))


# What is wrong with the rest goes to the client ----------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "unheard_of"],
)
def test_a_repeated_parameter_is_refused(acme: Home, name: str) -> None:
    more = "&" + urlencode([(name, "s-1"), (name, "s-2")])
    R(ask(acme, None, more), "invalid_request", acme.web, state=None if name == "state" else "s-1")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": None}, "invalid_request", id="no response_type"),
        *(
            pytest.param({"response_type": value}, "unsupported_response_type", id=value)
            for value in ("token", "id_token", "code token", "code id_token", "none", "CODE", "code code")
        ),
        pytest.param({"scope": "openid admin"}, "invalid_scope", id="unknown scope"),
        pytest.param({"scope": "openid orders.read"}, "invalid_scope", id="another client's scope"),
        pytest.param({"scope": "openid  email"}, "invalid_scope", id="scope with two spaces"),
        pytest.param({"scope": 'openid "'}, "invalid_scope", id="scope with a quote"),
        pytest.param({"resource": "https://evil.example"}, "invalid_target", id="unregistered resource"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="prompt none and login"),
        pytest.param({"prompt": "create"}, "invalid_request", id="unknown prompt"),
        pytest.param({"max_age": "-1"}, "invalid_request", id="max_age below zero"),
        pytest.param({"max_age": "1e3"}, "invalid_request", id="max_age not a number"),
        pytest.param({"response_mode": "fragment"}, "invalid_request", id="fragment"),
        pytest.param({"response_mode": "web_message"}, "invalid_request", id="web_message"),
        pytest.param({"id_token_hint": "a.b.c"}, "invalid_request", id="id_token_hint of nobody"),
        pytest.param({"nonce": "n" * 2000}, "invalid_request", id="endless nonce"),
    ],
)
def test_the_client_hears_what_is_wrong(acme: Home, changes: dict[str, str | None], error: str) -> None:
    R(ask(acme, **changes), error, acme.web)


def test_an_error_goes_nowhere_before_the_uri_is_proven(acme: Home) -> None:
    P0(ask(acme, redirect_uri="https://evil.example/", response_type="token"))
    P0(ask(acme, redirect_uri="https://evil.example/", prompt="none"))


def test_without_a_session_prompt_none_asks_nobody(acme: Home) -> None:
    with acme.visitor() as browser:
        R(browser.http.get(acme.web.authorize_url(pkce()[1], prompt="none")), "login_required", acme.web)


@pytest.mark.parametrize(
    ("name", "error"),
    [("request_uri", "request_uri_not_supported"), ("request", "request_not_supported")],
)
def test_a_request_by_reference_is_refused_and_never_fetched(acme: Home, name: str, error: str) -> None:
    with listener() as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/request.jwt"
        R(ask(acme, **{name: url}), error, acme.web)
        with pytest.raises(BlockingIOError):
            server.accept()


# What comes back ------------------------------------------------------------------------------

HOSTILE = {
    "CRLF": "a\r\nLocation: https://evil.example",
    "LF": "a\nSet-Cookie: mtas_session=evil",
    "NUL": "a\x00b",
    "64 KB": "s" * 65_000,
}


@pytest.mark.parametrize("state", HOSTILE.values(), ids=HOSTILE)
def test_a_state_that_could_split_a_header_is_refused(acme: Home, state: str) -> None:
    """Over the wire or in a form: never an answer, and never a header of the sender's."""
    answers = [ask(acme, state=state)]
    query = acme.web.authorize_url(pkce()[1], state=state).partition("?")[2]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answers.append(acme.browser.http.post(f"{acme.issuer}/authorize", content=query, headers=kind))
    for answer in answers:
        assert answer.status_code in (400, 413, 431)
        assert "location" not in answer.headers
        assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "state", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a&code=evil&iss=evil", "é#%00"]
)
def test_a_hostile_state_comes_back_as_it_was(acme: Home, state: str) -> None:
    answer = answer_at(ask(acme, state=state))
    assert answer["state"] == state
    assert answer["iss"] == acme.issuer
    assert answer["code"] != "evil"


@pytest.mark.parametrize("state", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_a_hostile_state_stays_text_in_a_form(acme: Home, state: str) -> None:
    page = ask(acme, state=state, response_mode="form_post")
    (form,) = forms(page)
    assert form.fields["state"] == state
    assert state not in page.text


@pytest.mark.parametrize(
    "changes",
    [{}, {"prompt": "none"}, {"scope": "admin"}, {"response_type": "token"}, {"code_challenge": "short"}],
    ids=["code", "silent", "invalid_scope", "unsupported_response_type", "invalid_request"],
)
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_every_response_names_its_issuer(acme: Home, mode: str, changes: dict[str, str]) -> None:
    """RFC 9207 §2: what a mix-up attack cannot forge."""
    response = ask(acme, response_mode=mode, **changes)
    fields = answer_at(response) if mode == "query" else forms(response)[0].fields
    assert fields["iss"] == acme.issuer
    assert fields["state"] == "s-1"


def test_a_password_is_never_sent_on(acme: Home) -> None:
    """RFC 9700 §4.12: 303, so that no browser repeats the form at the client's."""
    with acme.visitor() as browser:
        page = browser.get(acme.web.authorize_url(pkce()[1]))
        (form,) = forms(page)
        typed = {"email": acme.email, "password": PASSWORD}
        answer = browser.http.post(form.action, data=form.fields | typed)
        assert answer.status_code == 303
        assert browser.http.get(answer.headers["location"]).status_code == 303
