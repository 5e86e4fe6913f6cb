"""Client authentication: one answer for every cause, and nothing consumed before it."""

import base64
import statistics
import time
from typing import Any

import jwt
import pytest

from tests.attacks.outcomes import A, T
from tests.support.eventually import eventually
from tests.support.home import Home
from tests.support.product import App

GRANT = {"grant_type": "client_credentials"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
@pytest.mark.parametrize(
    "wrong",
    [
        "unknown",
        "secret",
        "another client's",
        "no secret",
        "empty secret",
        "nobody",
        "bearer",
        "garbage",
        "no colon",
    ],
)
def test_every_refusal_reads_the_same(acme: Home, endpoint: str, wrong: str) -> None:
    web, secret = acme.web.client_id, acme.web.client_secret or ""
    form = GRANT | {"token": "x"}
    headers: dict[str, str] = {}
    match wrong:
        case "unknown":
            headers = basic(f"no-such-client:{secret}")
        case "secret":
            headers = basic(f"{web}:{secret[:-1]}")
        case "another client's":
            headers = basic(f"{web}:{acme.machine.client_secret}")
        case "no secret":
            form |= {"client_id": web}
        case "empty secret":
            headers = basic(f"{web}:")
        case "bearer":
            headers = {"Authorization": f"Bearer {secret}"}
        case "garbage":
            headers = {"Authorization": "Basic %%%"}
        case "no colon":
            headers = basic(web)
        case _:
            assert wrong == "nobody"
    A(acme.product.http.post(f"{acme.issuer}/{endpoint}", data=form, headers=headers))


@pytest.mark.alone
def test_a_refusal_takes_as_long_for_an_unknown_client(acme: Home) -> None:
    """Medians of many, compared loosely: what is looked for is a look-up that one of them skips."""

    def seconds(client_id: str) -> float:
        began = time.perf_counter()
        A(acme.product.token(acme.web, GRANT, auth=(client_id, "mtas_cs_wrong")))
        return time.perf_counter() - began

    names = (acme.web.client_id, "no-such-client")
    samples: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(40):
        for name in names:
            samples[name].append(seconds(name))
    known, unknown = (statistics.median(samples[name]) for name in names)
    assert abs(known - unknown) < max(0.01, unknown / 2), (known, unknown)


def test_a_public_client_has_no_secret_to_send(acme: Home) -> None:
    code, verifier = acme.code(acme.spa)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": acme.spa.redirect_uri,
        "code_verifier": verifier,
        "client_secret": "anything",
    }
    A(acme.product.token(acme.spa, form))
    assert acme.product.redeem(acme.spa, code, verifier).status_code == 200


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_two_ways_at_once_are_refused(acme: Home, endpoint: str) -> None:
    """RFC 6749 §2.3."""
    form = GRANT | {"token": "x", "client_secret": acme.web.client_secret or ""}
    T(acme.product.ask(acme.web, endpoint, form), "invalid_request")
    T(acme.product.ask(acme.web, endpoint, form | {"client_id": acme.web.client_id}), "invalid_request")


def test_body_and_header_name_the_same_client(acme: Home) -> None:
    T(acme.product.ask(acme.web, "token", GRANT | {"client_id": acme.machine.client_id}), "invalid_request")


def test_a_rotated_secret_ends_when_it_was_to_end(acme: Home) -> None:
    client = acme.client("machine")
    path = f"/apps/{acme.slug}/clients/{client.client_id}/secrets"

    def works(secret: str | None) -> bool:
        assert secret is not None
        response = acme.product.token(client, GRANT, auth=(client.client_id, secret))
        if response.status_code != 200:
            A(response)
        return response.status_code == 200

    assert works(client.client_secret)
    second = acme.product.api("POST", path, json={"overlap_s": 3600}).json()["client_secret"]
    eventually(lambda: works(second), within=5)
    assert works(client.client_secret), "the overlap has begun"
    third = acme.product.api("POST", path, json={"overlap_s": 0}).json()["client_secret"]
    eventually(lambda: works(third), within=5)
    eventually(lambda: not works(second))
    eventually(lambda: not works(client.client_secret))
    assert works(third)


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.mark.parametrize("alg", ["HS256", "none"])
@pytest.mark.parametrize("audience", ["issuer", "token endpoint"])
@pytest.mark.parametrize("with_secret", [False, True], ids=["alone", "beside the secret"])
def test_no_assertion_authenticates(acme: Home, alg: str, audience: str, with_secret: bool) -> None:
    """Not supported (yet), so even one with the right secret in its MAC is nothing (RFC 7523)."""
    claims = {
        "iss": acme.web.client_id,
        "sub": acme.web.client_id,
        "aud": acme.issuer if audience == "issuer" else f"{acme.issuer}/token",
        "jti": "1",
        "exp": int(time.time()) + 60,
    }
    key = (acme.web.client_secret or "") if alg == "HS256" else ""
    form = GRANT | {
        "client_id": acme.web.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(claims, key, algorithm=alg),
    }
    options = acme.web.credentials if with_secret else {}
    A(acme.product.http.post(f"{acme.issuer}/token", data=form, **options))


@pytest.mark.parametrize("endpoint", ["revoke", "introspect"])
def test_a_failed_authentication_reveals_and_ends_nothing(acme: Home, endpoint: str) -> None:
    tokens = acme.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        A(acme.product.ask(acme.web, endpoint, {"token": token}, auth=(acme.web.client_id, "wrong")))
    assert acme.product.is_active(acme.web, tokens["access_token"])


# Introspection: who may look -----------------------------------------------------------------


def introspected(home: Home, client: App, token: str) -> Any:
    return home.product.introspect(client, token)


def test_a_public_client_may_not_introspect(acme: Home) -> None:
    """RFC 7662 §2.1: without authentication anybody could try tokens."""
    token = acme.tokens(acme.spa)["access_token"]
    A(acme.product.ask(acme.spa, "introspect", {"token": token}))
    assert acme.product.is_active(acme.web, token), "the app itself is its audience"


def test_another_clients_refresh_token_is_not_active(acme: Home) -> None:
    victim = acme.client("web")
    token = acme.tokens(victim)["refresh_token"]
    assert introspected(acme, acme.web, token) == {"active": False}
    assert introspected(acme, victim, token)["active"]


def test_a_token_for_another_audience_is_not_active(acme: Home) -> None:
    victim = acme.client("web")
    token = acme.tokens(victim)["access_token"]
    assert introspected(acme, acme.machine, token) == {"active": False}
    assert introspected(acme, victim, token)["active"]


def test_another_tenants_token_is_not_active(acme: Home, globex: Home) -> None:
    tokens = acme.tokens()
    for kind in ("access_token", "refresh_token", "id_token"):
        assert introspected(globex, globex.web, tokens[kind]) == {"active": False}


def test_revoking_another_clients_token_does_nothing(acme: Home, globex: Home) -> None:
    tokens = acme.tokens()
    for home, client in ((acme, acme.machine), (acme, acme.spa), (globex, globex.web)):
        for kind in ("access_token", "refresh_token"):
            assert home.product.ask(client, "revoke", {"token": tokens[kind]}).status_code == 200
    assert acme.product.is_active(acme.web, tokens["access_token"])
    assert acme.product.refresh(acme.web, tokens["refresh_token"]).status_code == 200
