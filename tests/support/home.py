"""A tenant with a client of every type and a user who is signed in, made once for many tests.

Tests look at it and leave it as it is; what a test must change, it makes for itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.browser import Browser, answer_at
from tests.support.product import PASSWORD, App, Product, pkce
from tests.support.seed import some_slug

API = "https://api.example"
"""A resource that every client of a home may ask for (RFC 8707)."""
LOOPBACK = "http://127.0.0.1/callback"
BYE = "https://app.example/bye"
FRONTEND = "https://app.example"


@dataclass(frozen=True)
class Home:
    product: Product
    web: App
    spa: App
    native: App
    machine: App
    email: str
    user_id: str
    browser: Browser
    """The user's own, signed in."""

    @property
    def issuer(self) -> str:
        return self.web.issuer

    @property
    def slug(self) -> str:
        return self.web.app_id

    def answer(self, client: App | None = None, /, **changes: Any) -> tuple[dict[str, str], str]:
        """The authorization response to a client whose user need not be asked; and the verifier."""
        verifier, challenge = pkce()
        parameters = {"challenge": challenge} | changes
        response = self.browser.http.get((client or self.web).authorize_url(**parameters))
        return answer_at(response), verifier

    def code(self, client: App | None = None, /, **changes: Any) -> tuple[str, str]:
        """A fresh code and its verifier."""
        answer, verifier = self.answer(client, **changes)
        return answer["code"], verifier

    def tokens(self, client: App | None = None, /, **changes: Any) -> dict[str, Any]:
        """Tokens of a fresh grant."""
        client = client or self.web
        code, verifier = self.code(client, **changes)
        response = self.product.redeem(client, code, verifier)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def client(self, client_type: str = "web", **settings: Any) -> App:
        """A client of one test's own, set as it asks before anybody has used it."""
        client = self.product.add_client(self.web, client_type)
        if settings:
            self.product.configure(client, **settings)
        return client

    @contextmanager
    def visitor(self, **options: Any) -> Iterator[Browser]:
        """A browser in which nobody is signed in."""
        with self.product.browser(**options) as browser:
            yield browser


@contextmanager
def furnished(product: Product, prefix: str) -> Iterator[Home]:
    """Registers the app, its clients and its user, and signs the user in."""
    web = product.register_app(
        some_slug(prefix), post_logout_redirect_uris=[BYE], frontend_origins=[FRONTEND]
    )
    spa = product.add_client(web, "spa")
    native = product.add_client(web, "native", redirect_uris=[LOOPBACK, "com.example.app:/callback"])
    machine = product.add_client(web, "machine", allowed_scope=["orders.read", "orders.write"])
    for client in (web, spa, native, machine):
        product.configure(client, resources=[API])
    email, user_id = product.create_user(web, name="Ada Lovelace")
    with product.browser() as browser:
        product.sign_in(browser, web, email, PASSWORD)
        yield Home(product, web, spa, native, machine, email, user_id, browser)
