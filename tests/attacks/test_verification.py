"""Sign-up, reset, verification: links keep our origin, work once, and end what was there before."""

import json
import re
import urllib.request
from typing import Any

import pytest

from tests.support.at_once import at_once
from tests.support.browser import Browser, forms
from tests.support.eventually import eventually
from tests.support.home import Home
from tests.support.product import PASSWORD, App, Product

NEW = "eleven quiet lanterns over water"
SPOOFS = {
    "Host": {"Host": "evil.example"},
    "X-Forwarded-Host": {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    "Forwarded": {"Forwarded": "host=evil.example;proto=https"},
    "X-Original-URL": {"X-Original-URL": "https://evil.example/", "X-Forwarded-Prefix": "/evil"},
}


def mails(product: Product, email: str) -> list[dict[str, Any]]:
    """What the local run's mailbox has for an address, newest first."""
    port = product.stack.ports["mailbox"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/messages.json?to={email}") as answer:
        return list(json.load(answer))


def link(mail: dict[str, Any]) -> str:
    (found, *_) = re.findall(r"https?://\S+", mail["text"])
    return str(found)


def reset_link(product: Product, app: App, email: str, **headers: Any) -> str:
    before = len(mails(product, email))
    with product.browser() as browser:
        page = browser.get(f"/t/{app.app_id}/forgot", **headers)
        assert "Check your mail" in browser.submit(page, {"email": email}, **headers).text
    eventually(lambda: len(mails(product, email)) > before)
    return link(mails(product, email)[0])


@pytest.fixture
def user(acme: Home) -> tuple[str, str]:
    """One who is nobody else's: email and id."""
    return acme.product.create_user(acme.web)


@pytest.mark.parametrize("headers", SPOOFS.values(), ids=SPOOFS)
def test_a_spoofed_host_is_in_no_mail(acme: Home, user: tuple[str, str], headers: dict[str, str]) -> None:
    email, _ = user
    found = reset_link(acme.product, acme.web, email, headers=headers)
    assert found.startswith(f"{acme.issuer}/reset?")
    assert "evil" not in json.dumps(mails(acme.product, email))


def test_a_reset_ends_sessions_and_grants(acme: Home, user: tuple[str, str]) -> None:
    """What was issued before is refused over HTTP, whoever holds it."""
    email, _ = user
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.web, email)
        tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
        waiting, its_verifier = acme.product.sign_in(browser, acme.web, email)
        with acme.visitor() as elsewhere:
            page = elsewhere.get(reset_link(acme.product, acme.web, email))
            assert "Your new password is set" in elsewhere.submit(page, {"password": NEW}).text
        refused = acme.product.refresh(acme.web, tokens["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert not acme.product.is_active(acme.web, tokens["access_token"])
        assert acme.product.redeem(acme.web, waiting["code"], its_verifier).json()["error"] == "invalid_grant"
        assert browser.get(f"/t/{acme.slug}/account").url.path.endswith("/login")
    with acme.visitor() as browser:
        page = browser.get(f"/t/{acme.slug}/login")
        assert browser.submit(page, {"email": email, "password": PASSWORD}).status_code == 422


async def test_a_reset_link_used_at_once_by_many_works_once(acme: Home, user: tuple[str, str]) -> None:
    email, _ = user
    found = reset_link(acme.product, acme.web, email)
    with acme.visitor() as browser:
        page = browser.get(found)
        (form,) = forms(page)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
        url = f"{acme.issuer}/reset"
        fields, headers = form.fields | {"password": NEW}, {"Cookie": cookie}
        answers = await at_once(16, lambda http: http.post(url, data=fields, headers=headers))
        assert sorted(answer.status_code for answer in answers) == [303] + [410] * 15
        assert browser.http.post(url, data=form.fields | {"password": PASSWORD}).status_code == 410
        assert browser.get(found).status_code == 410


def test_a_link_is_worth_nothing_at_another_tenant(acme: Home, globex: Home, user: tuple[str, str]) -> None:
    found = reset_link(acme.product, acme.web, user[0])
    with globex.visitor() as browser:
        assert browser.get(found.replace(acme.slug, globex.slug)).status_code == 410
        assert browser.get(found.replace("/reset?", "/verify?")).status_code == 410
        assert browser.get(found.replace("/reset?", "/new-email?")).status_code == 410
        assert browser.get(found).status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_form_resets_nothing(
    acme: Home, user: tuple[str, str], headers: dict[str, str]
) -> None:
    with acme.visitor() as browser:
        page = browser.get(reset_link(acme.product, acme.web, user[0]))
        (form,) = forms(page)
        url = f"{acme.issuer}/reset"
        refused = browser.http.post(url, data=form.fields | {"password": NEW}, headers=headers)
        assert refused.status_code == 403
        assert browser.submit(page, {"password": NEW}).status_code == 200


def test_asking_tells_nobody_who_has_an_account(acme: Home, user: tuple[str, str]) -> None:
    def asked(email: str) -> tuple[int, str]:
        with acme.visitor() as browser:
            answer = browser.submit(browser.get(f"/t/{acme.slug}/forgot"), {"email": email})
            text = re.sub(r'(form_token" value=")[\w-]+', r"\1", answer.text)
            return answer.status_code, text.replace(email, "…")

    assert asked(user[0]) == asked("nobody-at-all@example.com")


def test_a_deleted_account_is_gone_for_its_apps(acme: Home, user: tuple[str, str]) -> None:
    email, user_id = user
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.web, email)
        tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
        page = browser.get(f"/t/{acme.slug}/account/delete")
        gone = browser.submit(page, {"confirm": email, "password": PASSWORD})
        assert "is deleted" in gone.text
        refused = acme.product.refresh(acme.web, tokens["refresh_token"])
        assert refused.json()["error"] == "invalid_grant"
        assert acme.product.userinfo(acme.web, tokens["access_token"]).status_code == 401
    assert user_id not in acme.product.api("GET", f"/apps/{acme.slug}/users").text


def test_a_disconnected_apps_tokens_are_refused_at_once(acme: Home, user: tuple[str, str]) -> None:
    with acme.visitor() as browser:
        answer, verifier = acme.product.sign_in(browser, acme.web, user[0], scope="openid offline_access")
        tokens = acme.product.redeem(acme.web, answer["code"], verifier).json()
        page = browser.get(f"/t/{acme.slug}/account/apps")
        browser.submit(page, {"client_id": acme.web.client_id})
        refused = acme.product.refresh(acme.web, tokens["refresh_token"])
        assert refused.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "name", ["account/profile", "account/email", "account/password", "account/sessions", "account/apps",
             "account/data", "account/delete", "forgot", "verify-again", "reset", "verify", "new-email"]
)  # fmt: skip
def test_every_form_of_the_account_is_guarded(acme: Home, name: str) -> None:
    fields = {"email": "eve@example.com", "password": PASSWORD, "confirm": acme.email, "session": "others"}
    refused = acme.browser.http.post(f"{acme.issuer}/{name}", data=fields | {"form_token": "A" * 43})
    assert refused.status_code == 403
    assert_still_there(acme.browser, acme)


def assert_still_there(browser: Browser, home: Home) -> None:
    assert home.email in browser.get(f"/t/{home.slug}/account").text
