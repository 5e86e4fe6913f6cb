"""RFC 9207, Authorization Server Issuer Identification."""

from typing import Any

import pytest

from tests.support.browser import answer_at, forms
from tests.support.home import Home
from tests.support.product import App, pkce
from tests.support.tokens import verified


def metadata_issuer(home: Home) -> Any:
    return home.product.http.get(f"{home.issuer}/.well-known/openid-configuration").json()["issuer"]


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"scope": "nope"}, {"response_type": "token"}],
    ids=["code", "invalid_scope", "response_type"],
)
def test_2_iss_is_in_every_response(acme: Home, client_type: str, changes: dict[str, str]) -> None:
    client: App = getattr(acme, client_type)
    answer, _ = acme.answer(client, **changes)
    assert answer["iss"] == metadata_issuer(acme)
    assert ("code" in answer) != ("error" in answer)


@pytest.mark.parametrize("changes", [{}, {"scope": "nope"}], ids=["code", "error"])
def test_2_iss_is_in_a_form_as_well(acme: Home, changes: dict[str, str]) -> None:
    page = acme.browser.get(acme.web.authorize_url(pkce()[1], response_mode="form_post", **changes))
    assert forms(page)[0].fields["iss"] == metadata_issuer(acme)


def test_2_iss_is_there_after_a_question_too(acme: Home) -> None:
    for answer in ("allow", "deny"):
        page = acme.browser.get(acme.web.authorize_url(pkce()[1], prompt="consent"))
        assert answer_at(acme.browser.submit(page, {"answer": answer}))["iss"] == acme.issuer


def test_2_4_iss_is_the_id_tokens(acme: Home) -> None:
    answer, verifier = acme.answer()
    tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
    assert verified(acme.product, acme.web, tokens["id_token"])["iss"] == answer["iss"]
