"""The authorization code: once, soon, by its own client, with its own redirect_uri."""

import time
from typing import Any

import httpx2
import pytest

from tests.attacks.outcomes import A, F, T, dead
from tests.support.at_once import at_once
from tests.support.eventually import eventually
from tests.support.home import Home
from tests.support.product import App, pkce
from tests.support.seed import Seed
from tests.support.tokens import family_of


def test_a_replay_revokes_what_the_first_one_gave(acme: Home) -> None:
    code, verifier = acme.code(scope="openid offline_access")
    tokens = acme.product.redeem(acme.web, code, verifier).json()
    replay = acme.product.redeem(acme.web, code, verifier)
    F(acme.product, acme.web, replay, tokens["access_token"], "code_reused")
    T(acme.product.refresh(acme.web, tokens["refresh_token"]), "invalid_grant")


def test_a_replay_by_a_thief_without_the_verifier_revokes_too(acme: Home) -> None:
    code, verifier = acme.code()
    tokens = acme.product.redeem(acme.web, code, verifier).json()
    T(acme.product.redeem(acme.web, code, pkce()[0]), "invalid_grant")
    dead(acme.product, acme.web, tokens["access_token"])


async def test_64_at_once_give_at_most_one_family(acme: Home, truth: Seed) -> None:
    code, verifier = acme.code()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": acme.web.redirect_uri,
        "code_verifier": verifier,
    }

    async def exchange(http: httpx2.AsyncClient) -> httpx2.Response:
        return await http.post(f"{acme.issuer}/token", data=form, **acme.web.credentials)

    answers = await at_once(64, exchange)
    given = [answer for answer in answers if answer.status_code == 200]
    assert len(given) == 1
    for answer in answers:
        if answer not in given:
            T(answer, "invalid_grant")
    families = await truth.fetch(
        "select revoked_reason from token.families where family_id = $1",
        family_of(given[0].json()["access_token"]),
    )
    assert [family["revoked_reason"] for family in families] == ["code_reused"]
    dead(acme.product, acme.web, given[0].json()["access_token"])


@pytest.mark.parametrize("thief", ["spa", "native", "web"])
def test_another_clients_code_is_worth_nothing_and_burned(acme: Home, thief: str) -> None:
    victim = acme.client("web")
    code, verifier = acme.code(victim)
    refused = acme.product.redeem(getattr(acme, thief), code, verifier, redirect_uri=victim.redirect_uri)
    T(refused, "invalid_grant")
    T(acme.product.redeem(victim, code, verifier), "invalid_grant")


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback/",
        "https://app.example/callback?",
        "https://evil.example/",
        "HTTPS://app.example/callback",
    ],
)
def test_another_redirect_uri_burns_the_code(acme: Home, uri: str) -> None:
    code, verifier = acme.code()
    T(acme.product.redeem(acme.web, code, verifier, redirect_uri=uri), "invalid_grant")
    T(acme.product.redeem(acme.web, code, verifier), "invalid_grant")


def test_no_redirect_uri_is_no_request(acme: Home) -> None:
    code, verifier = acme.code()
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    T(acme.product.token(acme.web, form), "invalid_request")


def test_an_expired_code_is_worth_nothing(acme: Home) -> None:
    app = acme.product.register_app()
    assert acme.product.api("PATCH", f"/apps/{app.app_id}", json={"code_ttl_s": 1}).status_code == 200
    email, _ = acme.product.create_user(app)
    with acme.product.browser() as browser:
        answer, verifier = acme.product.sign_in(browser, app, email)
    time.sleep(1.1)  # what is awaited here is time itself
    T(acme.product.redeem(app, answer["code"], verifier), "invalid_grant")


def test_a_part_of_a_code_is_worth_nothing_and_harms_nothing(acme: Home) -> None:
    code, verifier = acme.code()
    for almost in (
        code[:-1],
        code[:8],
        code[1:],
        code + "A",
        code.swapcase(),
        " " + code,
        code + "\n",
        "é" * 43,
    ):
        T(acme.product.redeem(acme.web, almost, verifier), "invalid_grant")
    assert acme.product.redeem(acme.web, code, verifier).status_code == 200


def test_a_user_disabled_meanwhile_gets_nothing(acme: Home) -> None:
    email, user_id = acme.product.create_user(acme.web)
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.web, email)
        path = f"/apps/{acme.slug}/users/{user_id}"
        assert acme.product.api("POST", f"{path}/disable").status_code == 200
        T(acme.product.redeem(acme.web, answer["code"], verifier), "invalid_grant")
        # Enabled again, the user is new to us: what was issued before stays void.
        assert acme.product.api("POST", f"{path}/enable").status_code == 200
        T(acme.product.redeem(acme.web, answer["code"], verifier), "invalid_grant")
        again = browser.http.get(acme.web.authorize_url(pkce()[1], prompt="none"))
        assert "error=login_required" in again.headers["location"]


def test_who_fails_to_authenticate_consumes_nothing(acme: Home) -> None:
    code, verifier = acme.code()
    for auth in ((acme.web.client_id, "mtas_cs_wrong"), ("nobody", acme.web.client_secret or "")):
        A(acme.product.redeem(acme.web, code, verifier, auth=auth))
    assert acme.product.redeem(acme.web, code, verifier).status_code == 200


# How the endpoint is asked --------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_only_post_is_answered(acme: Home, endpoint: str, method: str) -> None:
    refused = acme.product.http.request(method, f"{acme.issuer}/{endpoint}", **acme.web.credentials)
    assert refused.status_code == 405
    assert "POST" in refused.headers["allow"]


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_parameters_in_the_url_are_refused_and_in_no_log(acme: Home, endpoint: str) -> None:
    """RFC 6749 §2.3.1, §3.2: what is in a URL is in every log on the way, but not in ours."""
    code, verifier = acme.code()
    secret = acme.web.client_secret or ""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "token": code,
        "redirect_uri": acme.web.redirect_uri,
        "code_verifier": verifier,
        "client_id": acme.web.client_id,
        "client_secret": secret,
    }
    url = f"{acme.issuer}/{endpoint}"
    assert acme.product.http.get(url, params=form).status_code == 405
    refused = acme.product.http.post(url, params=form, data=form)
    T(refused, "invalid_request")

    def logs() -> str:
        return "".join(log.read_text(errors="replace") for log in acme.product.stack.folder.logs.iterdir())

    line = f'"{refused.headers["x-request-id"]}"'
    eventually(lambda: logs().count(line) >= 2)  # the gateway's and the service's, each in its own time
    for value in (code, verifier, secret):
        assert value not in logs()
    assert acme.product.redeem(acme.web, code, verifier).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"grant_type": "client_credentials"}'),
        ("text/plain", b"grant_type=client_credentials"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nx\r\n--x--',
        ),
        (None, b"grant_type=client_credentials"),
    ],
    ids=["JSON", "text", "multipart", "no type"],
)
def test_only_forms_are_read(acme: Home, kind: str | None, body: bytes) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    refused = acme.product.http.post(
        f"{acme.issuer}/token", content=body, headers=headers, **acme.web.credentials
    )
    assert refused.status_code == 415
    assert "access_token" not in refused.text


URN = "urn:ietf:params:oauth:grant-type:"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({"scope": "openid"}, "invalid_request", id="none"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="password"),
        pytest.param({"grant_type": "implicit"}, "unsupported_grant_type", id="implicit"),
        pytest.param({"grant_type": "AUTHORIZATION_CODE"}, "unsupported_grant_type", id="case"),
        *(
            pytest.param({"grant_type": URN + name}, "unsupported_grant_type", id=name)
            for name in ("jwt-bearer", "saml2-bearer", "token-exchange", "device_code")
        ),
    ],
)
def test_an_unknown_grant_is_named_so(acme: Home, form: dict[str, str], error: str) -> None:
    T(acme.product.token(acme.web, form), error)


@pytest.mark.parametrize(
    ("client_type", "form"),
    [
        (
            "machine",
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": "https://app.example/"},
        ),
        ("machine", {"grant_type": "refresh_token", "refresh_token": "x"}),
        ("spa", {"grant_type": "client_credentials"}),
        ("native", {"grant_type": "client_credentials"}),
    ],
    ids=["machine code", "machine refresh", "spa credentials", "native credentials"],
)
def test_a_grant_that_is_not_the_clients_is_refused(
    acme: Home, client_type: str, form: dict[str, str]
) -> None:
    client: App = getattr(acme, client_type)
    T(acme.product.token(client, form), "unauthorized_client")


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "code_verifier", "unheard_of"])
def test_a_repeated_parameter_is_refused_and_consumes_nothing(acme: Home, name: str) -> None:
    code, verifier = acme.code()
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": acme.web.redirect_uri,
        "code_verifier": verifier,
        "unheard_of": "x",
    }
    twice = form | {name: [form[name], form[name]]}
    T(acme.product.http.post(f"{acme.issuer}/token", data=twice, **acme.web.credentials), "invalid_request")
    assert acme.product.redeem(acme.web, code, verifier).status_code == 200
