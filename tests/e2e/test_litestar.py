"""The Python SDK against the whole product: examples/litestar in a real browser, and in two processes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import jwt
import pytest
from playwright.sync_api import Page, expect

from deploy.local.ports import spare
from mtas.core.config import load_config
from mtas.core.cookie_jar import CookieJar
from mtas.core.session import Session
from sdk.python.tests.support.valkey import running_valkey
from tests.support.product import PASSWORD, App, Product

EXAMPLE = Path(__file__).parents[2] / "examples" / "litestar"
SECRET = "a cookie secret for the tests of Litestar"


@dataclass(frozen=True)
class Example:
    """examples/litestar, as it is configured."""

    origin: str
    app: App
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "MTAS_ISSUER": self.app.issuer,
            "MTAS_APP_ID": self.app.client_id,
            "MTAS_APP_SECRET": str(self.app.client_secret),
            "MTAS_APP_URL": self.origin,
            "MTAS_COOKIE_SECRETS": SECRET,
            **self.more,
        }

    @property
    def jar(self) -> CookieJar:
        return CookieJar(load_config(environ=self.environ), os.urandom)


@pytest.fixture
def example(product: Product) -> Iterator[Example]:
    port = spare()
    origin = f"http://localhost:{port}"
    app = product.register_app(
        redirect_uris=[f"{origin}/auth/callback"], post_logout_redirect_uris=[f"{origin}/"]
    )
    example = Example(origin, app)
    with _running(example, port):
        yield example


@contextmanager
def _running(example: Example, port: int) -> Iterator[str]:
    """A process of the example; where it listens, which a second one's `origin` is not."""
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    environ = {"PATH": os.environ["PATH"], **example.environ}
    at = f"http://localhost:{port}"
    with subprocess.Popen(command, cwd=EXAMPLE, env=environ) as process:
        try:
            deadline = time.monotonic() + 20
            while not _answers(at):
                assert process.poll() is None, "the example ended by itself"
                assert time.monotonic() < deadline, "the example does not answer"
                time.sleep(0.05)
            yield at
        finally:
            process.terminate()


def _answers(origin: str) -> bool:
    try:
        return httpx2.get(origin, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def _sign_in(page: Page, example: Example, email: str) -> None:
    page.goto(f"{example.origin}/profile")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    expect(page).to_have_url(f"{example.origin}/profile")


def _cookies(page: Page) -> dict[str, str]:
    return {str(cookie.get("name")): str(cookie.get("value")) for cookie in page.context.cookies()}


def _session(page: Page, example: Example) -> Session:
    session = example.jar.read(_cookies(page), time.time())
    assert session is not None
    return session


def test_sign_in_form_refresh_api_sign_out(page: Page, product: Product, example: Example) -> None:
    email, user_id = product.create_user(example.app, name="Ada <Lovelace>")
    _sign_in(page, example, email)
    expect(page.get_by_text("Ada <Lovelace>")).to_be_visible()
    me = page.request.get(f"{example.origin}/auth/me").json()
    assert (me["user"]["sub"], me["user"]["email"]) == (user_id, email)
    assert all(cookie.get("httpOnly") for cookie in page.context.cookies(example.origin))

    # A form of the app's own goes through the CSRF check.
    page.get_by_label("Note").fill("buy milk")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_label("Note")).to_have_value("buy milk")

    # Its access token about to end, the session is refreshed by the next page load.
    first = _session(page, example)
    now = int(time.time())
    sealed = example.jar.seal(replace(first, iat=now - 570, access_token_exp=now + 30))
    name = next(name for name in _cookies(page) if name.endswith(f".{first.lid}.0"))
    page.context.add_cookies([{"name": name, "value": sealed, "url": example.origin}])
    page.reload()
    expect(page.get_by_label("Note")).to_have_value("buy milk")
    second = _session(page, example)
    assert (first.gen, second.gen) == (0, 1)
    assert second.refresh_token != first.refresh_token
    assert name not in _cookies(page)

    # The access token opens the example's API; signing out ends the grant at the server.
    bearer = {"Authorization": f"Bearer {second.access_token}"}
    assert httpx2.get(f"{example.origin}/api/note", headers=bearer).json() == {"note": "buy milk"}
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{example.origin}/")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    ours = f"mtas_{example.app.client_id}"
    assert not [name for name in _cookies(page) if name.startswith(ours)]
    assert product.refresh(example.app, str(second.refresh_token)).json()["error"] == "invalid_grant"


def test_the_back_button_on_the_callback_leads_on(page: Page, product: Product, example: Example) -> None:
    email, _ = product.create_user(example.app)
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url) if "/callback?" in request.url else None)
    _sign_in(page, example, email)
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


@pytest.mark.parametrize("shared", [False, True], ids=["without a store", "with Valkey"])
def test_fifty_requests_at_expiry_in_two_processes(product: Product, tmp_path: Path, shared: bool) -> None:
    """One rotation, one successor, nobody signed out: by the server's grace, or by the store in common."""
    with running_valkey(tmp_path) if shared else nullcontext() as redis_url:
        _race(product, redis_url)


def _race(product: Product, redis_url: str | None) -> None:
    ports = (spare(), spare())
    origin = f"http://localhost:{ports[0]}"
    app = product.register_app(redirect_uris=[f"{origin}/auth/callback"])
    more = {"MTAS_REDIS_URL": redis_url} if redis_url else {}
    example = Example(origin, app, more)
    tokens = product.tokens(replace(app, redirect_uri=f"{origin}/auth/callback"))
    now = int(time.time())
    session = Session(
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
    lines = example.jar.begin(session, {}, now)
    headers = {"Cookie": "; ".join(line.partition(";")[0] for line in lines), "Sec-Fetch-Mode": "cors"}
    with (
        _running(example, ports[0]) as one,
        _running(example, ports[1]) as two,
        ThreadPoolExecutor(50) as pool,
    ):
        answers = list(
            pool.map(lambda at: httpx2.get(f"{at}/auth/me", headers=headers, timeout=20), [one, two] * 25)
        )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["user"]["sub"] for answer in answers} == {session.sub}
    renewed = [_renewed(example, answer, session.lid) for answer in answers]
    assert {each.gen for each in renewed} == {1}
    assert len({each.refresh_token for each in renewed}) == 1
    assert len({each.access_token for each in renewed}) == (1 if redis_url else 2)
    assert product.refresh(app, str(renewed[0].refresh_token)).status_code == 200


def _renewed(example: Example, answer: httpx2.Response, lid: str) -> Session:
    """The session that an answer sets."""
    pairs = (line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie"))
    cookies = {name: value for name, _, value in pairs if value}
    session = example.jar.read({f"mtas_{example.app.client_id}": lid} | cookies, time.time())
    assert session is not None
    return session
