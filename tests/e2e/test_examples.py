"""The SDKs against the whole product: the example apps in a real browser, and in two processes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import jwt
import pytest
from playwright.sync_api import Page, expect

from mtas.core.session import Session
from sdk.python.tests.support.valkey import running_valkey
from tests.support import examples
from tests.support.examples import Example
from tests.support.product import Product


@pytest.fixture(scope="module", params=["litestar", "fastapi", "express"])
def example(request: pytest.FixtureRequest, product: Product) -> Iterator[Example]:
    with examples.running(product, request.param) as example:
        yield example


def test_sign_in_form_half_an_hour_api_sign_out(page: Page, product: Product, example: Example) -> None:
    email, user_id = product.create_user(example.app, name="Ada <Lovelace>")
    example.sign_in(page, email)
    expect(page.get_by_text("Ada <Lovelace>")).to_be_visible()
    expect(page.get_by_text(user_id)).to_be_visible()
    me = page.request.get(f"{example.origin}/auth/me").json()
    assert (me["user"]["sub"], me["user"]["email"]) == (user_id, email)
    assert all(cookie.get("httpOnly") for cookie in page.context.cookies(example.origin))

    # A form of the app's own goes through the CSRF check.
    page.get_by_label("Note").fill("buy milk")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_label("Note")).to_have_value("buy milk")

    # Half an hour: the first two times the access token is about to end, the third time it has ended.
    seen = [example.session(page)]
    for seconds in (570, 570, 720):
        example.let_pass(page, seconds)
        page.reload()
        expect(page.get_by_label("Note")).to_have_value("buy milk")
        seen.append(example.session(page))
    assert [session.gen for session in seen] == [0, 1, 2, 3]
    assert len({session.refresh_token for session in seen}) == 4
    assert len({session.access_token for session in seen}) == 4
    assert {session.sub for session in seen} == {user_id}
    assert sum(name.endswith((".0", ".1", ".2")) for name in example.cookies(page)) == 0

    # The access token opens the example's API; signing out ends the grant at the server.
    last = seen[-1]
    bearer = {"Authorization": f"Bearer {last.access_token}"}
    assert httpx2.get(f"{example.origin}/api/note", headers=bearer).json() == {"note": "buy milk"}
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{example.origin}/")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert example.cookies(page) == {}
    assert product.refresh(example.app, str(last.refresh_token)).json()["error"] == "invalid_grant"
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Email")).to_be_visible()


def test_the_back_button_on_the_callback_leads_on(page: Page, product: Product, example: Example) -> None:
    email, _ = product.create_user(example.app)
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url) if "/callback?" in request.url else None)
    example.sign_in(page, email)
    page.goto(callbacks[0])
    expect(page).to_have_url(f"{example.origin}/")
    expect(page.get_by_text(f"Hello, {email}")).to_be_visible()


def test_a_sign_in_that_was_begun_elsewhere_says_so(page: Page, example: Example) -> None:
    page.goto(f"{example.origin}/auth/callback?code=x&state=y&iss={example.app.issuer}")
    expect(
        page.get_by_role("heading", name="This sign-in was begun elsewhere, or too long ago")
    ).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("Email")).to_be_visible()


def test_fifty_requests_at_expiry_in_two_processes(product: Product, example: Example) -> None:
    """One rotation, one successor, nobody signed out: by the server's grace."""
    assert _race(product, example) == 2  # each process asked, and was given the same


def test_fifty_requests_at_expiry_with_a_store_in_common(product: Product, tmp_path: Path) -> None:
    with (
        running_valkey(tmp_path) as redis_url,
        examples.running(product, "litestar", MTAS_REDIS_URL=redis_url) as example,
    ):
        assert _race(product, example) == 1


def _race(product: Product, example: Example) -> int:
    """How many access tokens fifty requests are given in two processes."""
    session = _expired(product, example)
    lines = example.jar.begin(session, {}, time.time())
    headers = {"Cookie": "; ".join(line.partition(";")[0] for line in lines), "Sec-Fetch-Mode": "cors"}
    with example.second_process() as second, ThreadPoolExecutor(50) as pool:
        places = [example.origin, second] * 25
        answers = list(pool.map(lambda at: httpx2.get(f"{at}/auth/me", headers=headers, timeout=20), places))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["user"]["sub"] for answer in answers} == {session.sub}
    renewed = [_renewed(example, answer, session.lid) for answer in answers]
    assert {each.gen for each in renewed} == {1}
    assert len({each.refresh_token for each in renewed}) == 1
    assert product.refresh(example.app, str(renewed[0].refresh_token)).status_code == 200
    return len({each.access_token for each in renewed})


def _expired(product: Product, example: Example) -> Session:
    """A session whose access token has just ended."""
    tokens = product.tokens(example.app)
    now = int(time.time())
    return Session(
        lid="Zm9vYmFyYmF6",
        gen=0,
        sub=jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"],
        user={},
        sid=None,
        auth_time=None,
        access_token=tokens["access_token"],
        access_token_exp=now - 1,
        refresh_token=tokens["refresh_token"],
        id_token=tokens["id_token"],
        scope=tokens["scope"],
        iat=now - 601,
        exp=now + 3600,
    )


def _renewed(example: Example, answer: httpx2.Response, lid: str) -> Session:
    """The session that an answer sets."""
    pairs = (line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie"))
    cookies = {name: value for name, _, value in pairs if value}
    session = example.jar.read({f"mtas_{example.app.client_id}": lid} | cookies, time.time())
    assert session is not None
    return session
