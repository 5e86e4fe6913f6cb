"""RFC 6750, Bearer Token Usage: at userinfo, the one resource that we serve."""

import re
from typing import Any

import httpx2
import pytest

from tests.support.home import Home


def userinfo(home: Home, method: str = "GET", **options: Any) -> httpx2.Response:
    return home.product.http.request(method, f"{home.issuer}/userinfo", **options)


@pytest.fixture(scope="module")
def token(acme: Home) -> str:
    return str(acme.tokens()["access_token"])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_2_1_in_the_header(acme: Home, token: str, method: str, scheme: str) -> None:
    response = userinfo(acme, method, headers={"Authorization": f"{scheme} {token}"})
    assert response.status_code == 200
    assert response.json()["sub"] == acme.user_id


def test_2_2_in_a_form(acme: Home, token: str) -> None:
    assert userinfo(acme, "POST", data={"access_token": token}).json()["sub"] == acme.user_id


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            {"content": b'{"access_token": "TOKEN"}', "headers": {"Content-Type": "application/json"}},
            id="JSON",
        ),
        pytest.param({"content": b"access_token=TOKEN"}, id="no media type"),
    ],
)
def test_2_2_only_in_a_form(acme: Home, token: str, options: dict[str, Any]) -> None:
    options = options | {"content": options["content"].replace(b"TOKEN", token.encode())}
    assert userinfo(acme, "POST", **options).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_2_3_never_in_the_url(acme: Home, token: str, method: str) -> None:
    """The method is NOT RECOMMENDED, so it is not there."""
    assert userinfo(acme, method, params={"access_token": token}).status_code == 401


def test_2_one_way_at_a_time(acme: Home, token: str) -> None:
    twice = userinfo(acme, "POST", headers={"Authorization": f"Bearer {token}"}, data={"access_token": token})
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body", ["access_token=TOKEN&access_token=TOKEN", "access_token=TOKEN&access_token="]
)
def test_3_1_a_repeated_parameter_is_an_invalid_request(acme: Home, token: str, body: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = userinfo(acme, "POST", headers=headers, content=body.replace("TOKEN", token))
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}],
    ids=["nothing", "another scheme", "no token", "empty token"],
)
def test_3_1_without_a_token_the_challenge_has_no_error(acme: Home, headers: dict[str, str]) -> None:
    headers = {name: value.rstrip() for name, value in headers.items()}
    response = userinfo(acme, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert "error" not in response.headers["www-authenticate"]
    assert response.content == b""


def challenge(response: httpx2.Response) -> dict[str, str]:
    scheme, _, parameters = response.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', parameters))


@pytest.mark.parametrize("token", ["x", "a.b.c", "mtas_rt_x"])
def test_3_1_invalid_token(acme: Home, token: str) -> None:
    response = userinfo(acme, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert challenge(response)["error"] == "invalid_token"
    assert response.headers["cache-control"] == "no-store"


def test_3_1_insufficient_scope(acme: Home) -> None:
    for token in (
        acme.tokens(scope="email")["access_token"],
        acme.product.token(acme.machine, {"grant_type": "client_credentials"}).json()["access_token"],
    ):
        response = userinfo(acme, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 403
        assert challenge(response)["error"] == "insufficient_scope"


def test_5_3_nobody_keeps_what_was_asked_with_a_token(acme: Home, token: str) -> None:
    response = userinfo(acme, headers={"Authorization": f"Bearer {token}"})
    assert response.headers["cache-control"] in ("no-store", "private")
