"""The product as its users meet it: through the gateway, by the admin API and the hosted pages."""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from deploy.local.stack import Stack
from tests.support.browser import Browser, answer_at
from tests.support.seed import some_slug

CALLBACK = "https://app.example/callback"
PASSWORD = "paper lanterns over the harbour"
DEVELOPER = ("dev@example.com", "a developer's long password")
"""Who signs in to the dashboard. There is one first account a stack, so all tests share it."""


def pkce() -> tuple[str, str]:
    """A verifier and its S256 challenge (RFC 7636 §4)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class App:
    """A registered app, as its backend knows it."""

    origin: str
    app_id: str
    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str = CALLBACK

    def authorize_url(self, challenge: str | None, **changes: str | None) -> str:
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid email profile",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256" if challenge else None,
        } | changes
        return f"{self.issuer}/authorize?" + urlencode({k: v for k, v in parameters.items() if v is not None})

    @property
    def credentials(self) -> dict[str, Any]:
        """How it authenticates at the token endpoint."""
        if self.client_secret is None:
            return {}
        return {"auth": (self.client_id, self.client_secret)}


class Product:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.origin = stack.public_url
        self.http = httpx2.Client(base_url=self.origin, timeout=20)
        self._operator = {"Authorization": f"Bearer {stack.secrets['operator-token']}"}

    def close(self) -> None:
        self.http.close()

    def api(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The admin API as the operator."""
        headers = self._operator | options.pop("headers", {})
        return self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    def register_app(self, app_id: str | None = None, **settings: Any) -> App:
        app_id = app_id or some_slug("app")
        body = {"app_id": app_id, "name": "Test App", "redirect_uris": [CALLBACK]} | settings
        response = self.api("POST", "/apps", json=body)
        assert response.status_code == 201, response.text
        answer = response.json()
        return App(
            self.origin,
            app_id,
            answer["app"]["issuer"],
            answer["client"]["client_id"],
            answer["client_secret"],
        )

    def add_client(self, app: App, client_type: str, **settings: Any) -> App:
        body = {"type": client_type, "name": f"Test {client_type}"} | settings
        if client_type != "machine":
            body.setdefault("redirect_uris", [CALLBACK])
        response = self.api("POST", f"/apps/{app.app_id}/clients", json=body)
        assert response.status_code == 201, response.text
        answer = response.json()
        return App(
            self.origin,
            app.app_id,
            app.issuer,
            answer["client"]["client_id"],
            answer["client_secret"],
            next(iter(answer["client"]["redirect_uris"]), CALLBACK),
        )

    def configure(self, client: App, **settings: Any) -> None:
        """Change a client. What nobody has used yet is cached nowhere, so it holds from its first use."""
        response = self.api("PATCH", f"/apps/{client.app_id}/clients/{client.client_id}", json=settings)
        assert response.status_code == 200, response.text

    def create_user(
        self, app: App, email: str | None = None, password: str = PASSWORD, **fields: str
    ) -> tuple[str, str]:
        """Returns email and user_id."""
        email = email or f"user-{os.urandom(4).hex()}@example.com"
        body = {"email": email, "password": password} | fields
        response = self.api("POST", f"/apps/{app.app_id}/users", json=body)
        assert response.status_code == 201, response.text
        return email, response.json()["user_id"]

    def browser(self, **options: Any) -> Browser:
        return Browser(self.origin, **options)

    def developer(self) -> Browser:
        """A browser signed in to the dashboard; the first one makes the first account."""
        browser = self.browser()
        page = browser.get("/dashboard/sign-in")
        email, password = DEVELOPER
        account = {"email": email, "password": password}
        if page.url.path == "/dashboard/sign-up":
            account["setup_token"] = self.stack.secrets["setup-token"]
        page = browser.submit(page, account)
        assert page.url.path == "/dashboard", page.text
        return browser

    def sign_in(
        self, browser: Browser, app: App, email: str, /, password: str = PASSWORD, **changes: Any
    ) -> tuple[dict[str, str], str]:
        """From the authorization request to the answer at the app. Returns it, and the verifier."""
        verifier, challenge = pkce()
        page = browser.get(app.authorize_url(challenge, **changes))
        if page.status_code == 200:
            page = browser.submit(page, {"email": email, "password": password})
        return answer_at(page), verifier

    def token(self, app: App, form: dict[str, str], **options: Any) -> httpx2.Response:
        return self.ask(app, "token", form, **options)

    def redeem(
        self, app: App, code: str, verifier: str | None, *, redirect_uri: str | None = None, **options: Any
    ) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri or app.redirect_uri,
        }
        return self.token(app, form | ({"code_verifier": verifier} if verifier else {}), **options)

    def refresh(self, app: App, refresh_token: str, **options: Any) -> httpx2.Response:
        return self.token(app, {"grant_type": "refresh_token", "refresh_token": refresh_token}, **options)

    def tokens(self, app: App, **changes: Any) -> dict[str, Any]:
        """Tokens of a new user who has just signed in."""
        email, _ = self.create_user(app)
        with self.browser() as browser:
            answer, verifier = self.sign_in(browser, app, email, **changes)
        response = self.redeem(app, answer["code"], verifier)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def ask(self, app: App, endpoint: str, form: dict[str, str], **options: Any) -> httpx2.Response:
        """A form to one of the endpoints where a client authenticates."""
        body = form if app.client_secret is not None else {"client_id": app.client_id} | form
        return self.http.post(f"{app.issuer}/{endpoint}", data=body, **(app.credentials | options))

    def introspect(self, app: App, token: str) -> dict[str, Any]:
        response = self.ask(app, "introspect", {"token": token})
        assert response.status_code == 200, response.text
        return dict(response.json())

    def is_active(self, app: App, token: str) -> bool:
        return bool(self.introspect(app, token)["active"])

    def userinfo(self, app: App, token: str) -> httpx2.Response:
        return self.http.get(f"{app.issuer}/userinfo", headers={"Authorization": f"Bearer {token}"})

    def events(self, app: App, type_: str) -> list[dict[str, Any]]:
        """What the audit log has of one type, newest first; it follows the change by a moment."""
        response = self.api("GET", f"/apps/{app.app_id}/audit-log", params={"type": type_, "limit": 100})
        assert response.status_code == 200, response.text
        return list(response.json()["items"])
