"""A dashboard password that somebody else says was forgotten: through the gateway, with mail."""

import asyncio
import json
import os
import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.attacks.test_sign_in import seen
from tests.attacks.test_verification import mails
from tests.support.at_once import at_once
from tests.support.browser import forms
from tests.support.eventually import eventually
from tests.support.product import PASSWORD, App, Product

pytestmark = pytest.mark.usefixtures("developer")  # the first account is the operator's

FORGOT = "/dashboard/forgot-password"
NEW = "seven herons beside the quiet canal"
LINK = re.compile(r"https?://\S+/dashboard/reset-password\?\S+")


def developer_of(product: Product, app: App) -> tuple[str, str]:
    """Somebody with an account: their session, and their email address."""
    email = f"forgetful-{os.urandom(4).hex()}@example.com"
    body = {"email": email, "role": "viewer", "deliver": "link"}
    link = product.api("POST", f"/apps/{app.app_id}/invitations", json=body).json()["link"]
    with product.browser() as browser:
        browser.submit(browser.get(f"/dashboard/join?{urlsplit(link).query}"), {"password": PASSWORD})
        session = str(browser.http.cookies["mtas_dashboard"])
    assert home(product, session) == 200
    return session, email


def home(product: Product, session: str) -> int:
    with product.browser(cookies={"mtas_dashboard": session}) as browser:
        return browser.http.get("/dashboard").status_code


def ask(product: Product, email: str, **options: Any) -> httpx2.Response:
    with product.browser() as browser:
        return browser.submit(browser.get(FORGOT), {"email": email}, **options)


def mailed(product: Product, email: str) -> str:
    [link] = LINK.findall(eventually(lambda: mails(product, email))[0]["text"])
    return str(link)


def choose(product: Product, link: str, password: str = NEW) -> httpx2.Response:
    with product.browser() as browser:
        page = browser.http.get(urlsplit(link)._replace(scheme="", netloc="").geturl())
        return page if page.status_code != 200 else browser.submit(page, {"password": password})


def sign_in(product: Product, email: str, password: str) -> int:
    with product.browser() as browser:
        page = browser.get("/dashboard/sign-in")
        return browser.submit(page, {"email": email, "password": password}).status_code


def test_the_link_leads_to_us_whatever_a_request_says_of_its_host(product: Product) -> None:
    _, email = developer_of(product, product.register_app())
    hosts = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "host=evil.example",
        "X-Original-URL": "http://evil.example/",
    }
    ask(product, email, headers=hosts)
    assert mailed(product, email).startswith(f"{product.origin}/dashboard/reset-password?token=mtas_pl_")
    assert "evil" not in json.dumps(mails(product, email))


def test_a_link_is_used_once_ends_every_session_and_signs_nobody_in(product: Product) -> None:
    session, email = developer_of(product, product.register_app())
    ask(product, email)
    link = mailed(product, email)
    done = choose(product, link)
    assert (done.status_code, done.url.path) == (200, "/dashboard/sign-in")
    assert home(product, session) == 303
    assert (choose(product, link).status_code, sign_in(product, email, PASSWORD)) == (410, 422)
    assert sign_in(product, email, NEW) == 200


def test_twice_at_once_it_works_once(product: Product) -> None:
    _, email = developer_of(product, product.register_app())
    ask(product, email)
    with product.browser() as browser:
        page = browser.get(urlsplit(mailed(product, email))._replace(scheme="", netloc="").geturl())
        fields = forms(page)[0].fields | {"password": NEW}
        cookies = "; ".join(f"{each.name}={each.value}" for each in browser.http.cookies.jar)
    answers = asyncio.run(
        at_once(
            8,
            lambda http: http.post(
                f"{product.origin}/dashboard/reset-password", data=fields, headers={"Cookie": cookies}
            ),
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303] + [410] * 7


@pytest.mark.parametrize("edit", ["", "x", "mtas_pl_" + "A" * 49, "mtas_iv_forged", "%00", "' or 1=1 --"])
def test_a_token_that_is_none_of_ours(product: Product, edit: str) -> None:
    with product.browser() as browser:
        answer = browser.http.get("/dashboard/reset-password", params={"token": edit})
    assert answer.status_code == 410


def test_nothing_tells_whether_an_account_exists(product: Product) -> None:
    _, email = developer_of(product, product.register_app())
    nobody = f"nobody-{os.urandom(4).hex()}@example.com"
    assert seen(ask(product, email), email) == seen(ask(product, nobody), nobody)


@pytest.mark.alone
def test_nor_does_the_time_it_takes(product: Product) -> None:
    """The quickest of several."""
    app = product.register_app()

    def seconds(email: str) -> float:
        with product.browser() as browser:
            page = browser.get(FORGOT)
            began = time.perf_counter()
            assert browser.submit(page, {"email": email}).status_code == 200
            return time.perf_counter() - began

    known = [seconds(developer_of(product, app)[1]) for _ in range(6)]
    unknown = [seconds(f"nobody-{os.urandom(4).hex()}@example.com") for _ in range(6)]
    assert 0.5 < min(known) / min(unknown) < 2, (known, unknown)
