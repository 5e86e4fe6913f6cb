"""OpenID Connect RP-Initiated Logout 1.0."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.support.browser import Browser, forms
from tests.support.home import BYE, Home
from tests.support.product import pkce


@dataclass
class Visit:
    """A user who signed in to the app in a browser of their own."""

    home: Home
    browser: Browser
    id_token: str

    def logout(self, method: str = "GET", **parameters: str) -> httpx2.Response:
        url = f"{self.home.issuer}/logout"
        if method == "GET":
            return self.browser.http.get(url, params=parameters)
        return self.browser.get(self.browser.http.post(url, data=parameters).headers["location"])

    @property
    def is_signed_in(self) -> bool:
        answer = self.browser.http.get(self.home.web.authorize_url(pkce()[1], prompt="none"))
        return "code=" in answer.headers["location"]


@pytest.fixture
def visit(acme: Home) -> Iterator[Visit]:
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.web, acme.email)
        tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
        yield Visit(acme, browser, tokens["id_token"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_2_a_hint_ends_the_session_and_leads_back(visit: Visit, method: str) -> None:
    response = visit.logout(method, id_token_hint=visit.id_token, post_logout_redirect_uri=BYE, state="s 9&x")
    location = urlsplit(response.headers["location"])
    assert response.status_code == 303
    assert f"{location.scheme}://{location.netloc}{location.path}" == BYE
    assert parse_qs(location.query) == {"state": ["s 9&x"]}
    assert not visit.is_signed_in


def test_2_without_a_state_there_is_none(visit: Visit) -> None:
    response = visit.logout(id_token_hint=visit.id_token, post_logout_redirect_uri=BYE)
    assert response.headers["location"] == BYE


def test_2_without_a_uri_it_ends_here(visit: Visit) -> None:
    response = visit.logout(id_token_hint=visit.id_token)
    assert response.headers["location"] == f"/t/{visit.home.slug}/signed-out"
    assert visit.browser.http.get(response.headers["location"]).status_code == 200
    assert not visit.is_signed_in


def test_2_client_id_must_be_the_hints(visit: Visit) -> None:
    own = visit.home.web.client_id
    other = visit.logout(
        id_token_hint=visit.id_token, client_id=visit.home.spa.client_id, post_logout_redirect_uri=BYE
    )
    assert other.status_code == 200
    assert visit.is_signed_in, "the user is asked"
    same = visit.logout(id_token_hint=visit.id_token, client_id=own, post_logout_redirect_uri=BYE)
    assert same.headers["location"] == BYE


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"client_id": "CLIENT", "post_logout_redirect_uri": BYE, "state": "s-9"},
        {"id_token_hint": "a.b.c", "post_logout_redirect_uri": BYE},
    ],
    ids=["nothing", "client_id", "a hint that is none"],
)
def test_2_without_a_hint_the_user_is_asked(visit: Visit, parameters: dict[str, str]) -> None:
    """§6: anybody can lead a browser here."""
    parameters = {
        name: value.replace("CLIENT", visit.home.web.client_id) for name, value in parameters.items()
    }
    page = visit.logout(**parameters)
    assert page.status_code == 200
    assert visit.is_signed_in
    signed_out = visit.browser.submit(page, {})
    assert not visit.is_signed_in
    if "client_id" in parameters:
        assert signed_out.headers["location"] == f"{BYE}?state=s-9"
    else:
        assert signed_out.url.path == f"/t/{visit.home.slug}/signed-out"


def test_2_another_users_hint_asks_as_well(visit: Visit) -> None:
    """The hint is of somebody who is not signed in here."""
    email, _ = visit.home.product.create_user(visit.home.web)
    with visit.home.visitor() as browser:
        visit.home.product.sign_in(browser, visit.home.web, email)
        page = browser.http.get(f"{visit.home.issuer}/logout", params={"id_token_hint": visit.id_token})
        assert page.status_code == 200
        assert forms(page)


@pytest.mark.parametrize("uri", [BYE + "/", "https://app.example/callback", "https://evil.example/"])
def test_3_an_unregistered_uri_is_not_led_to(visit: Visit, uri: str) -> None:
    page = visit.logout(id_token_hint=visit.id_token, post_logout_redirect_uri=uri)
    assert page.status_code == 200
    done = visit.browser.submit(page, {})
    assert done.url.path == f"/t/{visit.home.slug}/signed-out"
    assert not visit.is_signed_in


def test_who_is_not_signed_in_is_led_back_all_the_same(acme: Home, visit: Visit) -> None:
    with acme.visitor() as browser:
        parameters = {"id_token_hint": visit.id_token, "post_logout_redirect_uri": BYE}
        response = browser.http.get(f"{acme.issuer}/logout", params=parameters)
        assert response.headers["location"] == BYE
    assert visit.is_signed_in


def test_one_tenants_logout_is_not_anothers(globex: Home, visit: Visit) -> None:
    """A browser may be signed in to several."""
    globex.product.sign_in(visit.browser, globex.web, globex.email)
    visit.logout(id_token_hint=visit.id_token)
    url = globex.web.authorize_url(pkce()[1], prompt="none")
    assert "code=" in visit.browser.http.get(url).headers["location"]
