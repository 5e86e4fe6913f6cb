"""Developers who are nobody's operator: a role in one app, and a session at the dashboard.

Invitations are not there yet, so they are written into the database, as they will be.
"""

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from typing import Any

import httpx2

from services.admin.routes.dashboard.router import PREFIX, TOPICS
from tests.support.browser import Browser, forms
from tests.support.home import Home
from tests.support.product import PASSWORD
from tests.support.seed import Seed

# Every field of every form, with a value that it may have: what is refused is not refused for these.
FIELDS = {
    "name": "Hijacked",
    "type": "spa",
    "redirect_uris": "https://evil.example/callback",
    "post_logout_redirect_uris": "",
    "frontend_origins": "",
    "resources": "",
    "allowed_scope": "openid",
    "refresh_grace_s": "0",
    "pkce_required": "on",
    "overlap_s": "0",
    "email": "evil@example.com",
    "password": PASSWORD,
    "code_ttl_s": "60",
    "access_token_ttl_s": "600",
    "id_token_ttl_s": "600",
    "refresh_idle_ttl_s": "600",
    "refresh_absolute_ttl_s": "600",
    "session_idle_ttl_s": "600",
    "session_absolute_ttl_s": "600",
    "current": "",
    "role": "owner",
    "app": "nowhere",
    "token": "mtas_iv_forged",
}


NEVER = "0198c0de-0000-7000-8000-000000000000"
"""An id that nothing has."""


@dataclass(frozen=True)
class Ids:
    """What a route of the dashboard can name."""

    app_id: str
    client_id: str
    user_id: str

    @classmethod
    def of(cls, home: Home) -> "Ids":
        return cls(home.slug, home.spa.client_id, home.user_id)

    def into(self, path: str) -> str:
        names = {"app_id": self.app_id, "client_id": self.client_id, "user_id": self.user_id}
        names |= dict.fromkeys(("token_id", "developer_id", "invitation_id", "session_id"), NEVER)
        return re.sub(r"\{(\w+)[^}]*\}", lambda found: names[found[1]], path)


def routes() -> list[tuple[str, str]]:
    """Every route of the dashboard that is about an app: method and path, from the handlers."""
    return sorted(
        (method, PREFIX + path)
        for topic in TOPICS
        for handler in topic.ROUTES
        for path in handler.paths
        for method in handler.http_methods
        if "{app_id" in path
    )


async def member(home: Home, truth: Seed, role: str | None) -> Browser:
    """A browser that is signed in as a member of this app, or of none."""
    if not await truth.fetch("select 1 from admin.developers"):
        home.product.developer().http.close()  # the first account is the operator's
    email = f"member-{os.urandom(4).hex()}@example.com"
    (developer,) = await truth.fetch(
        "insert into admin.developers (email, email_key, password_hash, created_at)"
        " values ($1, $1, 'none', now()) returning developer_id",
        email,
    )
    if role is not None:
        await truth.execute(
            "insert into admin.members (tenant_id, developer_id, role, created_at)"
            " select tenant_id, $2, $3, now() from admin.tenants where slug = $1",
            home.slug,
            developer["developer_id"],
            role,
        )
    token = secrets.token_urlsafe(32)
    await truth.execute(
        "insert into admin.developer_sessions"
        " (token_hash, developer_id, created_at, last_seen_at, expires_at)"
        " values ($1, $2, now(), now(), now() + interval '1 hour')",
        hashlib.sha256(token.encode()).digest(),
        developer["developer_id"],
    )
    return home.product.browser(cookies={"mtas_dashboard": token})


def send(browser: Browser, method: str, path: str, **fields: str) -> httpx2.Response:
    """A request of a signed-in browser; a form with everything that any form of ours has."""
    if method == "GET":
        return browser.http.get(path)
    token = forms(browser.http.get(PREFIX))[0].fields["form_token"]
    return browser.http.post(path, data=FIELDS | {"form_token": token} | fields)


def everything(home: Home) -> dict[str, Any]:
    """A tenant as the admin API shows it, to compare with what it was."""
    path = f"/apps/{home.slug}"
    seen = {
        part: home.product.api("GET", path + part, params={"limit": 100}).json()
        for part in ("/clients", "/users", "/signing-keys")
    }
    secrets_of = home.product.api("GET", f"{path}/clients/{home.web.client_id}").json()["secrets"]
    for secret in secrets_of:
        secret.pop("last_used_at", None)  # noted a moment later, whoever looks
    return seen | {"app": home.product.api("GET", path).json(), "secrets": secrets_of}
