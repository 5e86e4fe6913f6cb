"""The Express SDK against the whole product, in a real browser; and its cookie opened by the Python SDK."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from playwright.sync_api import Page, expect

from mtas.core.chunks import read_chunks
from mtas.core.config import load_config
from mtas.core.cookie_jar import CookieJar
from mtas.core.session import Session
from tests.support.product import PASSWORD, App, Product

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "express"
SECRET = "a cookie secret for the tests of Express"


@dataclass(frozen=True)
class Example:
    """examples/express, running."""

    origin: str
    app: App

    @property
    def jar(self) -> CookieJar:
        """As an app of the same settings in Python reads and writes its cookies."""
        options = {
            "issuer": self.app.issuer,
            "app_id": self.app.client_id,
            "app_secret": self.app.client_secret,
            "app_url": self.origin,
            "cookie_secrets": SECRET,
        }
        return CookieJar(load_config(options), os.urandom)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with its two dependencies as `npm install` would link them."""
    prepared = subprocess.run([SDK / "prepare.sh"], capture_output=True, text=True, check=False)
    if prepared.returncode != 0:
        pytest.fail(prepared.stderr)
    folder = tmp_path_factory.mktemp("express") / "app"
    shutil.copytree(ROOT / "examples" / "express", folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules" / "@mtas").mkdir(parents=True)
    (folder / "node_modules" / "@mtas" / "express").symlink_to(SDK)
    (folder / "node_modules" / "express").symlink_to(SDK / "node_modules" / "express")
    return folder


@pytest.fixture
def example(product: Product, folder: Path) -> Iterator[Example]:
    port = _spare_port()
    origin = f"http://localhost:{port}"
    app = product.register_app(
        redirect_uris=[f"{origin}/auth/callback"], post_logout_redirect_uris=[f"{origin}/"]
    )
    example = Example(origin, app)
    with _running(folder, example, port):
        yield example


@contextmanager
def _running(folder: Path, example: Example, port: int) -> Iterator[str]:
    """A process of the example; where it listens, which a second one's `origin` is not."""
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "MTAS_ISSUER": example.app.issuer,
        "MTAS_APP_ID": example.app.client_id,
        "MTAS_APP_SECRET": str(example.app.client_secret),
        "MTAS_APP_URL": example.origin,
        "MTAS_COOKIE_SECRETS": SECRET,
    }
    at = f"http://localhost:{port}"
    with subprocess.Popen(["node", "app.js"], cwd=folder, env=environment) as node:
        try:
            _wait_for(at, node)
            yield at
        finally:
            node.terminate()


def _spare_port() -> int:
    with socket.socket() as spare:
        spare.bind(("127.0.0.1", 0))
        return int(spare.getsockname()[1])


def _wait_for(origin: str, node: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert node.poll() is None, "the example ended by itself"
        try:
            httpx2.get(origin, timeout=5)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the example does not answer")


def _sign_in(page: Page, example: Example, email: str) -> None:
    page.goto(example.origin)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    expect(page).to_have_url(f"{example.origin}/profile")


def _cookies(page: Page) -> dict[str, str]:
    return {str(cookie.get("name")): str(cookie.get("value")) for cookie in page.context.cookies()}


def _session(page: Page, example: Example) -> Session:
    """What the browser's cookies hold, read by the Python SDK."""
    session = example.jar.read(_cookies(page), time.time())
    assert session is not None
    return session


def test_sign_in_profile_refresh_sign_out(page: Page, product: Product, example: Example) -> None:
    email, user_id = product.create_user(example.app, name="Ada <Lovelace>")
    _sign_in(page, example, email)
    expect(page.get_by_text("Ada <Lovelace>")).to_be_visible()
    expect(page.get_by_text(user_id)).to_be_visible()
    me = page.request.get(f"{example.origin}/auth/me").json()
    assert (me["user"]["sub"], me["user"]["email"]) == (user_id, email)
    assert all(cookie.get("httpOnly") for cookie in page.context.cookies(example.origin))

    # A form of the app's own goes through its guard.
    page.get_by_label("Note").fill("buy milk")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_label("Note")).to_have_value("buy milk")

    # The Python SDK opens the session, and seals it as one whose access token is about to end.
    first = _session(page, example)
    assert (first.gen, first.sub, first.user["email"]) == (0, user_id, email)
    now = int(time.time())
    sealed = example.jar.seal(replace(first, iat=now - 570, access_token_exp=now + 30))
    name = next(name for name in _cookies(page) if name.endswith(f".{first.lid}.0"))
    page.context.add_cookies([{"name": name, "value": sealed, "url": example.origin}])
    page.reload()
    expect(page.get_by_label("Note")).to_have_value("buy milk")
    second = _session(page, example)
    assert second.gen == 1
    assert second.access_token != first.access_token
    assert second.refresh_token != first.refresh_token
    assert name not in _cookies(page)
    assert read_chunks(f"mtas_{example.app.client_id}.{first.lid}.1", _cookies(page)) is not None

    # The access token opens the example's API; signing out ends the grant at the server.
    bearer = {"Authorization": f"Bearer {second.access_token}"}
    answer = httpx2.get(f"{example.origin}/api/note", headers=bearer)
    assert answer.json() == {"note": "buy milk"}
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{example.origin}/")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert not any(name.startswith("mtas_") for name in _names_at(page, example))
    assert product.refresh(example.app, str(second.refresh_token)).json()["error"] == "invalid_grant"
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Email")).to_be_visible()


def _names_at(page: Page, example: Example) -> list[str]:
    names: list[Any] = [cookie.get("name") for cookie in page.context.cookies(example.origin)]
    return [str(name) for name in names if str(name).startswith(f"mtas_{example.app.client_id}")]


def test_the_back_button_on_the_callback_leads_on(page: Page, product: Product, example: Example) -> None:
    email, _ = product.create_user(example.app)
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url) if "/callback?" in request.url else None)
    _sign_in(page, example, email)
    page.goto(callbacks[0])
    expect(page).to_have_url(f"{example.origin}/")
    expect(page.get_by_text("Hello")).to_be_visible()


def test_a_sign_in_that_was_begun_in_another_browser_says_so(
    page: Page, product: Product, example: Example
) -> None:
    page.goto(f"{example.origin}/auth/callback?code=x&state=y&iss={example.app.issuer}")
    expect(
        page.get_by_role("heading", name="This sign-in was begun elsewhere, or too long ago")
    ).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("Email")).to_be_visible()


def test_fifty_requests_at_expiry_in_two_processes_rotate_once(
    product: Product, folder: Path, example: Example
) -> None:
    callback = f"{example.origin}/auth/callback"
    tokens = product.tokens(replace(example.app, redirect_uri=callback))
    now = int(time.time())
    session = Session(
        lid="Zm9vYmFyYmF6",
        gen=0,
        sub=_claims(tokens["id_token"])["sub"],
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
    with _running(folder, example, _spare_port()) as second, ThreadPoolExecutor(50) as pool:
        places = [example.origin, second] * 25
        answers = list(pool.map(lambda at: httpx2.get(f"{at}/auth/me", headers=headers, timeout=20), places))
    assert {answer.status_code for answer in answers} == {200}
    renewed = {_renewed(example, answer, session.lid) for answer in answers}
    assert len(renewed) == 1
    assert product.refresh(example.app, renewed.pop()).status_code == 200


def _renewed(example: Example, answer: httpx2.Response, lid: str) -> str:
    """The refresh token of the generation that an answer sets."""
    pairs = (line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie"))
    cookies = {name: value for name, _, value in pairs if value}
    session = example.jar.read({f"mtas_{example.app.client_id}": lid} | cookies, time.time())
    assert session is not None
    assert session.gen == 1
    return str(session.refresh_token)


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))
