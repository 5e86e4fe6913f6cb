"""OAuth 2.0 Form Post Response Mode."""

from typing import Any

import pytest

from tests.support.browser import forms
from tests.support.home import Home
from tests.support.product import pkce


def page(home: Home, **changes: Any) -> Any:
    verifier, challenge = pkce()
    response = home.browser.http.get(home.web.authorize_url(challenge, response_mode="form_post", **changes))
    return response, verifier


def test_2_a_form_that_posts_to_the_redirect_uri(acme: Home) -> None:
    response, verifier = page(acme, state="a b&c")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    (form,) = forms(response)
    assert (form.method, form.action) == ("post", acme.web.redirect_uri)
    assert form.fields.keys() == {"code", "state", "iss"}
    assert form.fields["state"] == "a b&c"
    assert acme.product.redeem(acme.web, form.fields["code"], verifier).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"scope": "nope"}, {"response_type": "token"}], ids=["scope", "response_type"]
)
def test_2_errors_too(acme: Home, changes: dict[str, str]) -> None:
    response, _ = page(acme, **changes)
    fields = forms(response)[0].fields
    assert fields.keys() == {"error", "error_description", "state", "iss"}


def test_4_nobody_keeps_the_page(acme: Home) -> None:
    response, _ = page(acme)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_query_is_the_default(acme: Home) -> None:
    for mode in (None, "query"):
        assert "code" in acme.answer(response_mode=mode)[0]
