"""Parameters, PKCE and scope: pure functions of the protocol."""

import pytest

from shared.oauth import pkce, scope
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params


def test_a_repeated_parameter_has_no_value() -> None:
    params = Params.parse(b"a=1&a=2&b=3&c=")
    assert params.get("a") is None
    assert params.repeated == {"a"}
    assert params.get("b") == "3"
    assert params.get("c") is None  # RFC 6749 §3.1: empty is as if omitted
    with pytest.raises(OAuthError):
        params.refuse_repeated()


@pytest.mark.parametrize("body", [b"a=&a=1", b"a=1&a=", b"a=&a=", b"a&a=1", b"a=1&%61=", b"a=1&b=&a=2"])
def test_empty_or_not_twice_is_repeated(body: bytes) -> None:
    params = Params.parse(body)
    assert params.get("a") is None
    with pytest.raises(OAuthError, match="invalid_request"):
        params.refuse_repeated()


def test_only_one_resource_has_an_error_of_its_own() -> None:
    """RFC 8707 §2: a client may send several; we know but one."""
    with pytest.raises(OAuthError, match="invalid_target"):
        Params.parse(b"resource=https://a&resource=https://b").refuse_repeated()
    with pytest.raises(OAuthError, match="invalid_request"):
        Params.parse(b"resource=https://a&resource=https://b&code=1&code=2").refuse_repeated()


@pytest.mark.parametrize("body", [b"a=%ff", b"a=%00", b"\xff=1", b"&".join(b"a%d=1" % n for n in range(60))])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(OAuthError, match="invalid_request"):
        Params.parse(body)


CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def test_the_example_of_rfc_7636_verifies() -> None:
    assert pkce.read_challenge(CHALLENGE, "S256", required=True) == CHALLENGE
    assert pkce.verify(CHALLENGE, VERIFIER)


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        pytest.param(None, None, id="missing, §4.4.1"),
        pytest.param(None, "S256", id="method alone"),
        pytest.param(VERIFIER, "plain", id="plain, §7.2"),
        pytest.param(CHALLENGE, None, id="no method means plain, §4.3"),
        pytest.param(CHALLENGE[:-1], "S256", id="too short"),
        pytest.param(CHALLENGE + "A", "S256", id="too long"),
        pytest.param(CHALLENGE[:-1] + "=", "S256", id="padded"),
        pytest.param(CHALLENGE, "s256", id="wrong case"),
    ],
)
def test_other_challenges_are_refused(challenge: str | None, method: str | None) -> None:
    with pytest.raises(OAuthError, match="invalid_request"):
        pkce.read_challenge(challenge, method, required=True)


@pytest.mark.parametrize("verifier", [None, "", VERIFIER[:-1], VERIFIER + "A", VERIFIER.lower(), "é" * 43])
def test_other_verifiers_do_not_fit(verifier: str | None) -> None:
    assert not pkce.verify(CHALLENGE, verifier)


def test_a_verifier_without_a_challenge_is_a_downgrade() -> None:
    assert not pkce.verify(None, VERIFIER)
    assert pkce.verify(None, None)


@pytest.mark.parametrize("text", ["a  b", " a", "a ", 'a"', "a\\", "ä", "a\tb"])
def test_malformed_scope_is_refused(text: str) -> None:
    with pytest.raises(OAuthError, match="invalid_scope"):
        scope.parse(text)


def test_scope_is_a_set_in_order() -> None:
    assert scope.parse("b a b") == ("b", "a")
    assert scope.within(("b",), {"a", "b"}) == ("b",)
    with pytest.raises(OAuthError, match="invalid_scope"):
        scope.within(("c",), {"a", "b"})
