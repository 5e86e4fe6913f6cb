"""The example apps, as `make example` runs them, and their sessions as a test reads and changes them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from playwright.sync_api import Page, expect

from deploy.local.ports import spare
from examples import run
from mtas.core.config import load_config
from mtas.core.cookie_jar import CookieJar
from mtas.core.session import Session
from tests.support.product import PASSWORD, App, Product


@dataclass(frozen=True)
class Example:
    """One that runs, registered at the product."""

    name: str
    origin: str
    environ: dict[str, str]
    more: dict[str, str] = field(default_factory=dict)

    @property
    def app(self) -> App:
        issuer, app_id = self.environ["MTAS_ISSUER"], self.environ["MTAS_APP_ID"]
        origin = issuer.rpartition("/t/")[0]
        callback = f"{self.origin}/auth/callback"
        return App(origin, app_id, issuer, app_id, self.environ["MTAS_APP_SECRET"], callback)

    @property
    def jar(self) -> CookieJar:
        """The SDK in Python opens and seals what any of them does."""
        return CookieJar(load_config(environ=self.environ), os.urandom)

    def sign_in(self, page: Page, email: str) -> None:
        page.goto(self.origin)
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
        expect(page).to_have_url(f"{self.origin}/profile")

    def session(self, page: Page) -> Session:
        session = self.jar.read(self.cookies(page), time.time())
        assert session is not None
        return session

    def let_pass(self, page: Page, seconds: int) -> None:
        """So much later, as the app sees it: every time in the session lies so much further back."""
        then = self.session(page)
        aged = replace(
            then,
            iat=then.iat - seconds,
            access_token_exp=then.access_token_exp - seconds,
            exp=then.exp - seconds,
        )
        name = next(name for name in self.cookies(page) if name.endswith(f".{then.lid}.{then.gen}"))
        page.context.add_cookies([{"name": name, "value": self.jar.seal(aged), "url": self.origin}])

    def cookies(self, page: Page) -> dict[str, str]:
        """The app's own, by name."""
        cookies = {
            str(each.get("name")): str(each.get("value")) for each in page.context.cookies(self.origin)
        }
        ours = f"mtas_{self.environ['MTAS_APP_ID']}"
        return {name: value for name, value in cookies.items() if name.startswith(ours)}

    @contextmanager
    def second_process(self) -> Iterator[str]:
        """Where another one of the same app listens."""
        port = spare()
        environ = {"PATH": os.environ["PATH"], **self.environ, **self.more, "PORT": str(port)}
        with _process(run.command(self.name, port), port, environ, run.FOLDER / self.name) as at:
            yield at


@contextmanager
def running(product: Product, name: str, **more: str) -> Iterator[Example]:
    """`make example APP=name` against the product; `more` is the process's environment."""
    data, port = product.stack.folder.path, spare()
    environ = {"PATH": os.environ["PATH"], "MTAS_DATA": str(data), "PORT": str(port), **more}
    with _process([sys.executable, "-m", "examples.run", name], port, environ, run.ROOT) as origin:
        yield Example(name, origin, run.read(run.settings_file(data, name, port)), more)


@contextmanager
def _process(command: list[str], port: int, environ: dict[str, str], folder: Path) -> Iterator[str]:
    at = f"http://localhost:{port}"
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60  # the first time, Express is built
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
