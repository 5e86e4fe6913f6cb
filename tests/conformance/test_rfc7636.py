"""RFC 7636, Proof Key for Code Exchange."""

import base64
import hashlib
import string

import pytest

from tests.support.home import Home

# Appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
UNRESERVED = string.ascii_letters + string.digits + "-._~"


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize("client_type", ["web", "spa", "native"])
def test_appendix_b(acme: Home, client_type: str) -> None:
    client = getattr(acme, client_type)
    code, _ = acme.code(client, challenge=CHALLENGE)
    assert acme.product.redeem(client, code, VERIFIER).status_code == 200


@pytest.mark.parametrize(
    "verifier",
    ["a" * 43, "a" * 128, UNRESERVED, "~" * 43, "." * 64],
    ids=["43 characters", "128 characters", "every unreserved character", "tildes", "dots"],
)
def test_4_1_every_verifier_that_may_be(acme: Home, verifier: str) -> None:
    code, _ = acme.code(challenge=s256(verifier))
    assert acme.product.redeem(acme.web, code, verifier).status_code == 200


@pytest.mark.parametrize(
    "verifier",
    ["a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + " ", "a" * 42 + "é"],
    ids=["42", "129", "+", "space", "é"],
)
def test_4_1_no_verifier_that_may_not(acme: Home, verifier: str) -> None:
    """Though its hash fits."""
    code, _ = acme.code(challenge=s256(verifier))
    assert acme.product.redeem(acme.web, code, verifier).json()["error"] == "invalid_grant"


def test_4_4_1_no_challenge_is_an_error_of_the_request(acme: Home) -> None:
    answer, _ = acme.answer(challenge=None)
    assert answer["error"] == "invalid_request"
    assert "code_challenge" in answer["error_description"]


def test_4_3_the_default_method_is_plain_and_not_supported(acme: Home) -> None:
    answer, _ = acme.answer(challenge=CHALLENGE, code_challenge_method=None)
    assert answer["error"] == "invalid_request"


def test_4_6_a_verifier_that_does_not_fit_is_invalid_grant(acme: Home) -> None:
    code, _ = acme.code(challenge=CHALLENGE)
    response = acme.product.redeem(acme.web, code, VERIFIER[::-1])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
