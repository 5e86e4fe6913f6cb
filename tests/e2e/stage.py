"""What the pictures of pages are taken of: apps with a bit of everything, and the people who look at them."""

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from uuid import UUID

from services.admin.flows.sessions import hash_token
from tests.support.browser import Browser
from tests.support.eventually import eventually
from tests.support.product import PASSWORD, App, Product, pkce
from tests.support.seed import Seed, some_slug

Who: TypeAlias = Literal["nobody", "developer", "developer, later", "viewer", "user", "user, later", "long"]
"""`later`: signed in an hour ago, so that what is weighty asks for the password. `long`: has such a name."""
LONG_NAME: Final = "Maximiliane Konstantinopolitanski-Wolfeschlegelsteinhausenbergerdorff von und zu"
LONG_WORD: Final = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft"[:80]


@dataclass
class Stage:
    """`values` fill the braces of a page's address; `cookies` are what each person's browser has."""

    product: Product
    app: App
    values: dict[str, str]
    cookies: dict[Who, list[dict[str, str]]] = field(default_factory=dict)


def set_stage(product: Product, developer: Browser) -> Stage:
    """Done once: what is here makes the pages look lived in."""
    app = product.register_app(some_slug("acme"), name="Acme Shop", frontend_origins=["https://app.example"])
    spa = product.add_client(app, "spa", name="Storefront")
    machine = product.add_client(app, "machine", name="Nightly export")
    email, user_id = product.create_user(app, name="Ada Lovelace")
    for name in ("Grace Hopper", "Alan Turing", "Mary Somerville"):
        product.create_user(app, name=name)
    developer_id, viewer = _viewer(product, app)
    values = {
        "app_id": app.app_id,
        "slug": app.app_id,
        "client_id": app.client_id,
        "spa_id": spa.client_id,
        "machine_id": machine.client_id,
        "new_app_id": product.register_app(some_slug("fresh"), name="Fresh App").app_id,
        "disabled_app_id": _disabled_app(product),
        "user_id": user_id,
        "developer_id": developer_id,
        "invitation": _invitation(product, app, "viewer"),
        "password_link": _password_link(product, app),
    }
    stage = Stage(product, app, values)
    stage.cookies |= {"nobody": [], "viewer": viewer, "developer": _cookies(developer, product)}
    with product.browser() as user, product.developer() as later:
        _signed_in(stage, user, email)
        stage.cookies |= {"user": _cookies(user, product), "developer, later": _cookies(later, product)}
    with product.browser() as user:
        product.sign_in(user, app, email, PASSWORD)
        stage.cookies["user, later"] = _cookies(user, product)
    _let_an_hour_pass(stage)
    values["reset"] = _mailed(product, app, "forgot", "/reset")
    values["verify"] = _mailed(product, app, "verify-again", "/verify")
    values["verify_too"] = _mailed(product, app, "verify-again", "/verify")
    _set_long_stage(stage)
    return stage


def _signed_in(stage: Stage, user: Browser, email: str) -> None:
    """With questions open, and a link to a new address."""
    product, app = stage.product, stage.app
    answer, verifier = product.sign_in(user, app, email, PASSWORD)
    product.redeem(app, answer["code"], verifier)
    for name, prompt in (("select", "select_account"), ("consent", "consent")):
        page = user.get(app.authorize_url(pkce()[1], prompt=prompt))
        stage.values[name] = page.url.query.decode()
    wanted = f"ada-{os.urandom(4).hex()}@example.com"
    user.submit(user.get(f"/t/{app.app_id}/account/email"), {"email": wanted})
    stage.values["new_email"] = _link(product, app, wanted, "/new-email")


def _set_long_stage(stage: Stage) -> None:
    """An app whose names and addresses are as long as they may be, and somebody signed in to it."""
    product = stage.product
    slug = some_slug("the-longest-app-id-there-ever")
    uri = "https://an-app-with-a-long-name.example/" + "callback-" * 20
    app = product.register_app(slug, name=LONG_WORD, redirect_uris=[uri])
    client = product.add_client(app, "native", name=LONG_NAME, redirect_uris=["com.example.app:/" + "x" * 90])
    email, user_id = product.create_user(app, f"{'ada.' * 15}x@{'sub.' * 7}example.com", name=LONG_NAME)
    product.create_user(app, name=LONG_WORD)
    stage.values |= {"long_app_id": slug, "long_client_id": client.client_id, "long_user_id": user_id}
    with product.browser() as user:
        user.submit(user.get(f"/t/{slug}/login"), {"email": email, "password": PASSWORD})
        stage.cookies["long"] = _cookies(user, product)


def _disabled_app(product: Product) -> str:
    app = product.register_app(some_slug("gone"), name="Bygone App")
    response = product.api("POST", f"/apps/{app.app_id}/disable")
    assert response.status_code == 200, response.text
    return app.app_id


def _let_an_hour_pass(stage: Stage) -> None:
    """For the people of `later`, whose sessions are the newest that each has."""
    seed = Seed(stage.product.stack.postgres.superuser_url)
    cookies = {cookie["name"]: cookie["value"] for cookie in stage.cookies["developer, later"]}
    [token] = [value for name, value in cookies.items() if name.endswith("mtas_dashboard")]
    aged = (
        (
            "update admin.developer_sessions set created_at = created_at - interval '1 hour'"
            " where token_hash = $1",
            hash_token(token),
        ),
        (
            "update authorize.users set grants_valid_from = grants_valid_from - interval '1 hour'"
            " where user_id = $1",
            UUID(stage.values["user_id"]),
        ),
        (
            "update authorize.sessions set auth_time = auth_time - interval '1 hour'"
            " where session_id = (select session_id from authorize.sessions"
            " where user_id = $1 order by session_id desc limit 1)",
            UUID(stage.values["user_id"]),
        ),
    )
    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop may run in this one
        for statement, value in aged:
            pool.submit(asyncio.run, seed.execute(statement, value)).result()


def _cookies(browser: Browser, product: Product) -> list[dict[str, str]]:
    return [
        {"name": cookie.name, "value": cookie.value or "", "url": product.origin}
        for cookie in browser.http.cookies.jar
    ]


def _invitation(product: Product, app: App, role: str) -> str:
    """The query of an invitation's link."""
    body = {"email": f"mary-{os.urandom(4).hex()}@example.com", "role": role, "deliver": "link"}
    response = product.api("POST", f"/apps/{app.app_id}/invitations", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["link"]).partition("?")[2]


def _password_link(product: Product, app: App) -> str:
    """The query of the link to a new password for a member of the app."""
    [member, *_] = product.api("GET", f"/apps/{app.app_id}/members").json()["items"]
    response = product.api("POST", "/developers/password-links", json={"email": member["email"]})
    assert response.status_code == 201, response.text
    return str(response.json()["link"]).partition("?")[2]


def _viewer(product: Product, app: App) -> tuple[str, list[dict[str, str]]]:
    """Somebody who has taken an invitation, and their cookies."""
    with product.browser() as browser:
        page = browser.get(f"/dashboard/join?{_invitation(product, app, 'viewer')}")
        browser.submit(page, {"password": PASSWORD})
        cookies = _cookies(browser, product)
    response = product.api("GET", f"/apps/{app.app_id}/members")
    assert response.status_code == 200, response.text
    return str(response.json()["items"][0]["developer_id"]), cookies


def _mailed(product: Product, app: App, page: str, leads_to: str) -> str:
    """The query of the link in the mail that somebody asks for there."""
    email, _ = product.create_user(app, f"reader-{os.urandom(4).hex()}@example.com")
    with product.browser() as browser:
        browser.submit(browser.get(f"/t/{app.app_id}/{page}"), {"email": email})
    return _link(product, app, email, leads_to)


def _link(product: Product, app: App, email: str, leads_to: str) -> str:
    """The query of the link in the newest mail."""
    mailbox = f"http://127.0.0.1:{product.stack.ports['mailbox']}/messages.json"
    link = re.compile(rf"{re.escape(app.issuer + leads_to)}\?(\S+)")

    def look() -> str | None:
        texts = [mail["text"] for mail in product.http.get(mailbox, params={"to": email}).json()]
        return next((found[1] for text in texts if (found := link.search(text))), None)

    return eventually(look)
