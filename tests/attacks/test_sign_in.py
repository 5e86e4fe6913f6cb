"""Guessing passwords and planting sessions."""

import math
import os
import time

import httpx2
import pytest

from tests.attacks.outcomes import R
from tests.support.at_once import at_once
from tests.support.browser import Browser, forms
from tests.support.home import Home
from tests.support.product import PASSWORD, App, Product, pkce

WRONG = "not the password at all"


def attempt(browser: Browser, app: App, email: str, password: str = WRONG) -> httpx2.Response:
    page = browser.get(f"/t/{app.app_id}/login")
    return browser.submit(page, {"email": email, "password": password})


def seen(answer: httpx2.Response, email: str) -> tuple[int, str, list[str]]:
    """All that a stranger can see, without what differs every time."""
    token = forms(answer)[0].fields["form_token"]
    text = answer.text.replace(email, "EMAIL").replace(token, "TOKEN")
    return answer.status_code, text, sorted(answer.headers)


# What the answer gives away -------------------------------------------------------------------


def test_nothing_tells_whether_an_account_exists(acme: Home) -> None:
    disabled, user_id = acme.product.create_user(acme.web)
    assert acme.product.api("POST", f"/apps/{acme.slug}/users/{user_id}/disable").status_code == 200
    with acme.visitor() as browser:
        known = seen(attempt(browser, acme.web, acme.email), acme.email)
        assert known[0] == 422
        for email, password in (("nobody@example.com", WRONG), (disabled, WRONG), (disabled, PASSWORD)):
            assert seen(attempt(browser, acme.web, email, password), email) == known


@pytest.mark.alone
def test_nor_does_the_time_it_takes(acme: Home) -> None:
    """The quickest of several: noise only adds, and a hash that is left out takes away the most."""
    with acme.visitor() as browser:

        def seconds(email: str) -> float:
            page = browser.get(f"/t/{acme.slug}/login")
            began = time.perf_counter()
            assert browser.submit(page, {"email": email, "password": WRONG}).status_code == 422
            return time.perf_counter() - began

        users = [acme.product.create_user(acme.web)[0] for _ in range(6)]
        timings = [(seconds(email), seconds(f"nobody-{os.urandom(4).hex()}@example.com")) for email in users]
    known, unknown = (min(column) for column in zip(*timings, strict=True))
    assert 0.5 < known / unknown < 2, timings


# How often one may guess ----------------------------------------------------------------------


def allowed(elapsed: float) -> int:
    """Five tries, and one more after 1, 3, 7 … seconds."""
    return 5 + int(math.log2(elapsed + 1))


async def test_in_parallel_no_more_are_checked(acme: Home) -> None:
    email, _ = acme.product.create_user(acme.web)
    with acme.visitor() as browser:
        (form,) = forms(browser.get(f"/t/{acme.slug}/login"))
        cookies = dict(browser.http.cookies)

    async def guess(http: httpx2.AsyncClient) -> httpx2.Response:
        http.cookies.update(cookies)
        data = form.fields | {"email": email, "password": WRONG}
        return await http.post(f"{acme.issuer}/login", data=data)

    began = time.perf_counter()
    answers = await at_once(40, guess)
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {422, 429}
    assert 5 <= statuses.count(422) <= allowed(time.perf_counter() - began)
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1


def test_the_right_password_waits_like_any_other(acme: Home) -> None:
    """Who is told "too many" has not been looked at, so lockout is no oracle."""
    email, _ = acme.product.create_user(acme.web)
    with acme.visitor() as browser:

        def counted_try() -> float:
            """When a try began that was looked at."""
            while True:
                began = time.perf_counter()
                if attempt(browser, acme.web, email).status_code == 422:
                    return began

        for _ in range(4):
            counted_try()
        for wait in (1, 2, 4):
            began = counted_try()
            answer = attempt(browser, acme.web, email, PASSWORD)
            if time.perf_counter() - began < wait:
                break  # else this machine is too slow to tell by this one
            browser.http.cookies.clear()
        assert answer.status_code == 429
        assert not [name for name in browser.http.cookies if "session" in name]


def test_a_spoofed_address_is_not_another_address(product: Product) -> None:
    """The limit of an address is spent on a locked account, where no hash is made, under a new
    X-Forwarded-For every time; then it holds for everybody behind the real one."""
    app, other = product.register_app(), product.register_app()
    email, _ = product.create_user(app)
    with product.browser() as browser:
        (form,) = forms(browser.get(f"/t/{app.app_id}/login"))

        def post(email: str, number: int) -> httpx2.Response:
            address = f"203.0.113.{number % 250}"
            headers = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
            data = form.fields | {"email": email, "password": WRONG}
            return browser.http.post(f"{app.issuer}/login", data=data, headers=headers)

        for number in range(400):  # 200, and one more a second
            if number % 20:
                post(email, number)
            elif post(f"stranger-{number}@example.com", number).status_code == 429:
                break
        else:
            pytest.fail("nothing was counted")
    with product.browser() as browser:
        assert attempt(browser, other, email).status_code == 422, "another tenant's limit is its own"


# Sessions -------------------------------------------------------------------------------------


def test_a_planted_session_is_replaced(acme: Home) -> None:
    name, planted = f"mtas_session_{acme.slug}", "p" * 43
    with acme.visitor(cookies={name: planted}) as browser:
        page = browser.get(acme.web.authorize_url(pkce()[1]))
        (form,) = forms(page)
        typed = form.fields | {"email": acme.email, "password": PASSWORD}
        answer = browser.http.post(form.action, data=typed)
    (cookie,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(name)]
    value, *attributes = cookie.split("; ")
    assert planted not in value
    assert {attribute.lower() for attribute in attributes} >= {"httponly", "path=/", "samesite=lax"}
    assert "domain" not in cookie.lower()
    with acme.visitor(cookies={name: planted}) as thief:
        url = acme.web.authorize_url(pkce()[1], prompt="none")
        R(thief.http.get(url), "login_required", acme.web)


def test_signing_in_again_ends_the_session_of_before(acme: Home) -> None:
    name = f"mtas_session_{acme.slug}"
    with acme.visitor() as browser:
        acme.product.sign_in(browser, acme.web, acme.email)
        before = browser.http.cookies[name]
        acme.product.sign_in(browser, acme.web, acme.email, prompt="login")
        assert browser.http.cookies[name] != before
    with acme.visitor(cookies={name: before}) as thief:
        url = acme.web.authorize_url(pkce()[1], prompt="none")
        R(thief.http.get(url), "login_required", acme.web)
