"""Proof Key for Code Exchange (RFC 7636; RFC 9700 §2.1.1): S256, always, and one guess."""

import pytest

from tests.attacks.outcomes import R, T
from tests.support.home import Home
from tests.support.product import App, pkce

VERIFIER, CHALLENGE = pkce()


@pytest.fixture(scope="module")
def exempted(acme: Home) -> App:
    """A confidential client that may leave PKCE out, by an explicit setting."""
    return acme.client("web", pkce_required=False)


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        pytest.param(None, None, id="no challenge"),
        pytest.param(None, "S256", id="method alone"),
        pytest.param(CHALLENGE, None, id="no method"),
        pytest.param(VERIFIER, "plain", id="plain"),
        pytest.param(CHALLENGE, "s256", id="method in lower case"),
        pytest.param(CHALLENGE, "S512", id="unknown method"),
        pytest.param("", "S256", id="empty"),
        pytest.param(CHALLENGE[:-1], "S256", id="42 characters"),
        pytest.param(CHALLENGE + "A", "S256", id="44 characters"),
        pytest.param(CHALLENGE[:-1] + "=", "S256", id="padded"),
        pytest.param(CHALLENGE[:-1] + "+", "S256", id="base64, not base64url"),
        pytest.param(CHALLENGE[:-1] + "\n", "S256", id="line break"),
        pytest.param(CHALLENGE[:-1] + "é", "S256", id="not ASCII"),
    ],
)
def test_a_request_without_a_good_challenge_is_refused(
    acme: Home, client_type: str, challenge: str | None, method: str | None
) -> None:
    client: App = getattr(acme, client_type)
    url = client.authorize_url(challenge, code_challenge_method=method)
    R(acme.browser.http.get(url), "invalid_request", client)


def test_an_exemption_does_not_let_plain_in(acme: Home, exempted: App) -> None:
    assert "code" in acme.answer(exempted, challenge=None)[0]
    url = exempted.authorize_url(VERIFIER, code_challenge_method="plain")
    R(acme.browser.http.get(url), "invalid_request", exempted)


@pytest.mark.parametrize("client_type", ["spa", "native"])
def test_a_public_client_cannot_be_exempted(acme: Home, client_type: str) -> None:
    client: App = getattr(acme, client_type)
    path = f"/apps/{acme.slug}/clients/{client.client_id}"
    assert acme.product.api("PATCH", path, json={"pkce_required": False}).status_code == 422
    assert acme.product.api("GET", path).json()["pkce_required"] is True


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda _: None, id="missing"),
        pytest.param(lambda _: pkce()[0], id="another"),
        pytest.param(lambda verifier: verifier[:-1], id="truncated"),
        pytest.param(lambda verifier: verifier + "a", id="longer"),
        pytest.param(lambda verifier: verifier.swapcase(), id="case"),
        pytest.param(lambda verifier: verifier + " ", id="space"),
    ],
)
def test_one_wrong_verifier_burns_the_code(acme: Home, client_type: str, wrong: object) -> None:
    assert callable(wrong)
    client: App = getattr(acme, client_type)
    code, verifier = acme.code(client)
    T(acme.product.redeem(client, code, wrong(verifier)), "invalid_grant")
    T(acme.product.redeem(client, code, verifier), "invalid_grant")


def test_the_challenge_itself_is_no_verifier(acme: Home) -> None:
    """As it would be if the method had been taken for plain."""
    code, _ = acme.code(challenge=CHALLENGE)
    T(acme.product.redeem(acme.web, code, CHALLENGE), "invalid_grant")


def test_a_verifier_where_no_challenge_was_is_a_downgrade(acme: Home, exempted: App) -> None:
    """RFC 9700 §4.8.2: somebody took the challenge out of the request."""
    code, verifier = acme.code(exempted, challenge=None)
    T(acme.product.redeem(exempted, code, verifier), "invalid_grant")
    T(acme.product.redeem(exempted, code, None), "invalid_grant")
