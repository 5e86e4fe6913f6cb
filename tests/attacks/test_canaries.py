"""Secrets are shown once and kept nowhere: not in a table, a log, an event, a cache or a page."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.attacks.members import Ids, routes
from tests.attacks.test_verification import mails
from tests.support.browser import Browser
from tests.support.eventually import eventually
from tests.support.product import CALLBACK, DEVELOPER, PASSWORD, App, Product
from tests.support.seed import Seed, some_slug


async def test_no_secret_is_kept_or_shown_again(product: Product, developer: Browser, truth: Seed) -> None:
    """Canaries of every kind, then everywhere that anything is kept is searched for them."""
    app = product.register_app()
    machine = product.add_client(app, "machine")
    path = f"/apps/{app.app_id}/clients/{machine.client_id}/secrets"
    rotated = product.api("POST", path, json={"overlap_s": 60}).json()["client_secret"]
    shown = registered_in_the_dashboard(developer)
    key = {"Idempotency-Key": "canary"}
    wanted = {"name": "canary", "scope": ["apps:read"], "developer": DEVELOPER[0], "app_id": app.app_id}
    token = product.api("POST", "/api-tokens", json=wanted, headers=key).json()["token"]
    again = product.api("POST", "/api-tokens", json=wanted, headers=key)
    assert (again.json()["token"], again.headers["idempotency-replayed"]) == (token, "true")
    used = product.http.get("/api/v1/apps", headers={"Authorization": f"Bearer {token}"})
    assert used.status_code == 200
    invitation = invited(product, app)
    email, _ = product.create_user(app)
    with product.browser() as browser:
        answer, verifier = product.sign_in(browser, app, email)
        session = browser.http.cookies[f"mtas_session_{app.app_id}"]
    tokens = product.redeem(app, answer["code"], verifier).json()
    last = product.refresh(app, tokens["refresh_token"])
    refreshed = last.json()
    canaries = {
        "secret of the app": app.client_secret,
        "secret of a client": machine.client_secret,
        "rotated secret": rotated,
        "secret from the dashboard": shown,
        "API token of a developer": token,
        "invitation": invitation,
        "mailed invitation": mailed_invitation(product, app),
        "link to a password": password_link(product),
        "mailed link to a password": mailed_password_link(product),
        "password": PASSWORD,
        "developer's password": DEVELOPER[1],
        "code": answer["code"],
        "verifier": verifier,
        "session": session,
        "dashboard session": developer.http.cookies["mtas_dashboard"],
        "access token": tokens["access_token"].rpartition(".")[2],
        "ID token": tokens["id_token"].rpartition(".")[2],
        "refresh token": tokens["refresh_token"],
        "successor": refreshed["refresh_token"],
        "API token of the operator": product.stack.secrets["operator-token"],
        "internal token": product.stack.secrets["internal-token"],
        "token of jwks": product.stack.secrets["jwks-token"],
    }
    eventually(lambda: product.events(machine, "client.secret_rotated"))
    # Lines of requests are written together, a moment later.
    eventually(lambda: last.headers["x-request-id"] in content(product.stack.folder.logs / "token.log"))
    everywhere = {
        **{f"table {name}": text for name, text in (await tables(truth)).items()},
        **{str(file.name): content(file) for file in kept_files(product)},
        **pages(product, developer, app, machine),
    }
    # What is no secret is found, so a secret would be.
    known = {place for place, text in everywhere.items() if app.app_id in text}
    assert known >= {"admin.log", "authorize.log", "token.log", "table admin.audit_log", "api /audit-log"}
    assert any(place.startswith("appendonly.aof") for place in known)
    found = [
        f"{kind} in {place}"
        for kind, canary in canaries.items()
        for place, text in everywhere.items()
        if canary and (canary in text or canary.encode().hex() in text)  # as bytea is written
    ]
    assert found == []


def invited(product: Product, app: App) -> str:
    """The token of an invitation whose page was looked at."""
    wanted = {"email": "canary@example.com", "role": "viewer"}
    answer = product.api("POST", f"/apps/{app.app_id}/invitations", json=wanted | {"deliver": "link"})
    link = answer.json()["link"]
    with product.browser() as browser:
        address = urlsplit(link)
        assert browser.http.get(f"{address.path}?{address.query}").status_code == 200
    return str(parse_qs(address.query)["token"][0])


def mailed_invitation(product: Product, app: App) -> str:
    """The token of one that went by mail, and was looked at."""
    email = f"{some_slug('mailed')}@example.com"
    answer = product.api("POST", f"/apps/{app.app_id}/invitations", json={"email": email, "role": "viewer"})
    assert answer.json()["link"] is None
    link = re.compile(r"/dashboard/join\?\S+")
    found = eventually(lambda: [link.findall(mail["text"]) for mail in mails(product, email)])[0][0]
    with product.browser() as browser:
        assert browser.http.get(found).status_code == 200
    return str(parse_qs(urlsplit(found).query)["token"][0])


def password_link(product: Product) -> str:
    """The token of one that the operator made, whose page was looked at."""
    link = product.api("POST", "/developers/password-links", json={"email": DEVELOPER[0]}).json()["link"]
    with product.browser() as browser:
        address = urlsplit(link)
        assert browser.http.get(f"{address.path}?{address.query}").status_code == 200
    return str(parse_qs(address.query)["token"][0])


def mailed_password_link(product: Product) -> str:
    """The token of one that went by mail, and was looked at."""
    with product.browser() as browser:
        browser.submit(browser.get("/dashboard/forgot-password"), {"email": DEVELOPER[0]})
        link = re.compile(r"/dashboard/reset-password\?\S+")
        texts = eventually(lambda: [mail["text"] for mail in mails(product, DEVELOPER[0])])
        [found] = link.findall(texts[0])
        assert browser.http.get(found).status_code == 200
    return str(parse_qs(urlsplit(found).query)["token"][0])


def registered_in_the_dashboard(developer: Browser) -> str:
    page = developer.get("/dashboard/register-app")
    fields = {"app_id": some_slug("shown"), "name": "Shown", "redirect_uris": CALLBACK}
    once = developer.submit(page, fields, form=1)
    assert once.headers["cache-control"] == "no-store"
    (secret,) = set(re.findall(r"mtas_cs_[\w-]+", once.text))
    return str(secret)


async def tables(truth: Seed) -> dict[str, str]:
    """Every row of every table, as text."""
    names = await truth.fetch(
        "select schemaname || '.' || tablename as name from pg_tables"
        " where schemaname in ('admin', 'authorize', 'token', 'jwks', 'events')"
    )
    assert names
    return {
        row["name"]: "\n".join(
            str(found["text"]) for found in await truth.fetch(f"select t::text as text from {row['name']} t")
        )
        for row in names
    }


def kept_files(product: Product) -> list[Path]:
    """Logs, and Valkey's file. What JetStream had is what the audit log has."""
    folder = product.stack.folder
    return [file for part in (folder.logs, folder.valkey) for file in part.rglob("*") if file.is_file()]


def content(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def pages(product: Product, developer: Browser, app: App, client: App) -> dict[str, str]:
    """Every page and every answer of the API about this app."""
    ids = Ids(app.app_id, client.client_id, "")
    seen = {
        path: developer.get(ids.into(path)).text
        for method, path in routes()
        if method == "GET" and "user_id" not in path
    }
    for path in (
        "",
        "/clients",
        f"/clients/{app.client_id}",
        f"/clients/{client.client_id}",
        "/users",
        "/audit-log",
        "/members",
        "/invitations",
    ):
        seen[f"api {path}"] = product.api("GET", f"/apps/{app.app_id}{path}").text
    return seen
