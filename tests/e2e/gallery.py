"""Every page that people see, and what to do to stand before it: a new page is a line here.

`route` is the handler's own path, so that a test finds pages that are not in the table. What stands in
its braces, and in `query`, comes from the stage. `does` leads on from there: to an error, to an answer.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from playwright.sync_api import Page as Tab

from tests.support.browser import Browser
from tests.support.eventually import eventually
from tests.support.product import PASSWORD, App, Product, pkce
from tests.support.seed import some_slug

Who: TypeAlias = Literal["nobody", "developer", "user"]
_BRACES: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass
class Stage:
    """An app with a bit of everything in it, and the people who look at it, each with their cookies."""

    product: Product
    app: App
    values: dict[str, str]
    cookies: dict[Who, list[dict[str, str]]] = field(default_factory=dict)


Does: TypeAlias = Callable[[Tab, Stage], None]


@dataclass(frozen=True)
class Shown:
    name: str
    route: str
    who: Who = "nobody"
    query: str = ""
    does: Does | None = None
    status: int = 200
    form: bool = False
    """Something is to be filled in: its error is looked at too, and it works with JavaScript off."""

    def url(self, stage: Stage) -> str:
        fill = _BRACES.sub(lambda braces: stage.values[braces[1]], self.route + self.query)
        return stage.product.origin + fill


def fill(**fields: str) -> Does:
    """Fill the page's form, by the fields' names, and send it."""

    def does(tab: Tab, _stage: Stage) -> None:
        for name, value in fields.items():
            tab.locator(f'main [name="{name}"]').fill(value)
        send(tab)

    return does


def send(tab: Tab) -> None:
    """Press the form's button, whatever the browser thinks of its fields."""
    tab.evaluate("[...document.forms].forEach(form => { form.noValidate = true })")
    with tab.expect_navigation():
        tab.locator("main form[method=post] button:not([type=button])").first.click()


def too_often(tab: Tab, stage: Stage) -> None:
    for _ in range(6):
        fill(email="guessed@example.com", password="not the password")(tab, stage)


def register(tab: Tab, stage: Stage) -> None:
    fill(name="Another App", app_id=some_slug("made"), redirect_uris="https://app.example/callback")(
        tab, stage
    )


def tick_a_scope(tab: Tab, stage: Stage) -> None:
    tab.locator("main input[type=checkbox]").first.check()
    fill(name="Nightly export")(tab, stage)


def choose_overlap(tab: Tab, _stage: Stage) -> None:
    tab.locator('main input[name="overlap_s"]').first.check()
    send(tab)


def answer_by_form(tab: Tab, stage: Stage) -> None:
    """To the page that stays where its script does not come."""
    tab.route("**/submit.js*", lambda route: route.abort())
    tab.goto(stage.app.authorize_url(pkce()[1], response_mode="form_post"))


_APP: Final = "/dashboard/apps/{app_id:str}"
_CLIENT: Final = _APP + "/clients/{client_id:str}"
_HOSTED: Final = "/t/{slug:str}"

DASHBOARD: Final = (
    Shown("sign in", "/dashboard/sign-in", form=True),
    Shown("signed out", "/dashboard/sign-in", query="?done=signed-out"),
    Shown(
        "sign in, refused",
        "/dashboard/sign-in",
        does=fill(email="dev@example.com", password="wrong"),
        status=422,
    ),
    Shown("sign up, closed", "/dashboard/sign-up", status=403),
    Shown("invitation", "/dashboard/join", query="?{invitation}", form=True),
    Shown("invitation, over", "/dashboard/join", query="?app={app_id}&token=x", status=403),
    Shown("home", "/dashboard", "developer"),
    Shown("apps", "/dashboard/apps", "developer"),
    Shown("register app", "/dashboard/register-app", "developer", form=True),
    Shown("app registered", "/dashboard/register-app", "developer", does=register),
    Shown("app", _APP, "developer"),
    Shown("first sign-in", _APP + "/first-sign-in", "developer"),
    Shown("first sign-in, waiting", "/dashboard/apps/{new_app_id:str}/first-sign-in", "developer"),
    Shown("branding", _APP + "/branding", "developer", form=True),
    Shown("settings", _APP + "/settings", "developer", form=True),
    Shown("settings, saved", _APP + "/settings", "developer", query="?done=saved"),
    Shown("disable app", _APP + "/disable", "developer", form=True),
    Shown("clients", _APP + "/clients", "developer"),
    Shown("add client, type", _APP + "/add-client", "developer"),
    Shown("add client", _APP + "/add-client", "developer", query="?type=spa", form=True),
    Shown("client", _CLIENT, "developer", form=True),
    Shown("rotate secret", _CLIENT + "/rotate-secret", "developer"),
    Shown("secret, once", _CLIENT + "/rotate-secret", "developer", does=choose_overlap),
    Shown("users", _APP + "/users", "developer"),
    Shown("users, none found", _APP + "/users", "developer", query="?search=nobody"),
    Shown("one user", _APP + "/users/{user_id:uuid}", "developer"),
    Shown("add user", _APP + "/add-user", "developer", form=True),
    Shown("keys", _APP + "/keys", "developer"),
    Shown("rotate key", _APP + "/keys/rotate", "developer"),
    Shown("withdraw keys", _APP + "/keys/emergency", "developer", form=True),
    Shown("key settings", _APP + "/keys/settings", "developer"),
    Shown("members", _APP + "/members", "developer"),
    Shown("member", _APP + "/members/{developer_id:uuid}", "developer"),
    Shown("invite", _APP + "/invite", "developer", form=True),
    Shown("invited", _APP + "/invite", "developer", does=fill(email="grace@example.com")),
    Shown("audit log", _APP + "/audit-log", "developer"),
    Shown("API tokens", "/dashboard/api-tokens", "developer"),
    Shown("create API token", "/dashboard/create-api-token", "developer", form=True),
    Shown("API token, once", "/dashboard/create-api-token", "developer", does=tick_a_scope),
    Shown("no such page", "/dashboard/no-such-page", "developer", status=404),
    Shown("API reference", "/api/v1/docs"),
)

HOSTED: Final = (
    Shown("user signs in", _HOSTED + "/login", form=True),
    Shown(
        "user is refused",
        _HOSTED + "/login",
        does=fill(email="ada@example.com", password="wrong"),
        status=422,
    ),
    Shown("user tries too often", _HOSTED + "/login", does=too_often, status=429),
    Shown("user signs up", _HOSTED + "/signup", form=True),
    Shown("password forgotten", _HOSTED + "/forgot", form=True),
    Shown("mail is on its way", _HOSTED + "/forgot", does=fill(email="nobody@example.com")),
    Shown("new password", _HOSTED + "/reset", query="?{reset}", form=True),
    Shown("password link is over", _HOSTED + "/reset", query="?token=x", status=410),
    Shown("confirm address", _HOSTED + "/verify", query="?{verify}"),
    Shown("confirm address again", _HOSTED + "/verify-again", form=True),
    Shown("account", _HOSTED + "/account", "user"),
    Shown("profile", _HOSTED + "/account/profile", "user"),
    Shown("sessions", _HOSTED + "/account/sessions", "user"),
    Shown("connected apps", _HOSTED + "/account/apps", "user"),
    Shown("another address", _HOSTED + "/account/email", "user", form=True),
    Shown("another password", _HOSTED + "/account/password", "user", form=True),
    Shown("own data", _HOSTED + "/account/data", "user"),
    Shown("delete account", _HOSTED + "/account/delete", "user", form=True),
    Shown("address link is over", _HOSTED + "/new-email", query="?token=x", status=410),
    Shown("choose account", _HOSTED + "/select-account", "user", query="?{select}"),
    Shown("consent", _HOSTED + "/consent", "user", query="?{consent}"),
    Shown("answer by form", _HOSTED + "/account", "user", does=answer_by_form),
    Shown("sign out?", _HOSTED + "/logout", "user"),
    Shown("is signed out", _HOSTED + "/signed-out"),
    Shown("no such app", "/t/no-such-app/login", status=404),
    Shown("wrong redirect", _HOSTED + "/authorize", query="?client_id={client_id}", status=400),
    Shown("request has ended", _HOSTED + "/login", query="?interaction=" + "x" * 43, status=400),
)

PAGES: Final = DASHBOARD + HOSTED


def set_stage(product: Product, developer: Browser) -> Stage:
    """Done once: what is here makes the pages look lived in."""
    app = product.register_app(some_slug("acme"), name="Acme Shop", frontend_origins=["https://app.example"])
    new_app = product.register_app(some_slug("fresh"), name="Fresh App")
    product.add_client(app, "spa", name="Storefront")
    product.add_client(app, "machine", name="Nightly export")
    email, user_id = product.create_user(app, name="Ada Lovelace")
    for name in ("Grace Hopper", "Alan Turing", "Mary Somerville"):
        product.create_user(app, name=name)
    reader, _ = product.create_user(app, f"reader-{os.urandom(4).hex()}@example.com")
    stage = Stage(
        product,
        app,
        {
            "app_id": app.app_id,
            "new_app_id": new_app.app_id,
            "slug": app.app_id,
            "client_id": app.client_id,
            "user_id": user_id,
        },
    )
    with product.browser() as user:
        answer, verifier = product.sign_in(user, app, email, PASSWORD)
        product.redeem(app, answer["code"], verifier)
        for name, prompt in (("select", "select_account"), ("consent", "consent")):
            page = user.get(app.authorize_url(pkce()[1], prompt=prompt))
            stage.values[name] = page.url.query.decode()
        stage.cookies["user"] = _cookies(user, product)
    stage.values["developer_id"] = _member(product, app)
    stage.values["invitation"] = _invitation(product, app)
    stage.values["reset"] = _mailed(product, app, reader, "forgot", "/reset")
    stage.values["verify"] = _mailed(product, app, reader, "verify-again", "/verify")
    stage.cookies["developer"] = _cookies(developer, product)
    stage.cookies["nobody"] = []
    return stage


def _cookies(browser: Browser, product: Product) -> list[dict[str, str]]:
    return [
        {"name": cookie.name, "value": cookie.value or "", "url": product.origin}
        for cookie in browser.http.cookies.jar
    ]


def _invitation(product: Product, app: App) -> str:
    """The query of an invitation's link."""
    body = {"email": f"mary-{os.urandom(4).hex()}@example.com", "role": "viewer", "deliver": "link"}
    response = product.api("POST", f"/apps/{app.app_id}/invitations", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["link"]).partition("?")[2]


def _member(product: Product, app: App) -> str:
    """Somebody who has taken an invitation."""
    with product.browser() as browser:
        browser.submit(browser.get(f"/dashboard/join?{_invitation(product, app)}"), {"password": PASSWORD})
    response = product.api("GET", f"/apps/{app.app_id}/members")
    assert response.status_code == 200, response.text
    return str(response.json()["items"][0]["developer_id"])


def _mailed(product: Product, app: App, email: str, page: str, leads_to: str) -> str:
    """The query of the link in the mail that is asked for there."""
    with product.browser() as browser:
        browser.submit(browser.get(f"/t/{app.app_id}/{page}"), {"email": email})
    mailbox = f"http://127.0.0.1:{product.stack.ports['mailbox']}/messages.json"
    link = re.compile(rf"{re.escape(app.issuer + leads_to)}\?(\S+)")

    def look() -> str | None:
        texts = [mail["text"] for mail in product.http.get(mailbox, params={"to": email}).json()]
        return next((found[1] for text in texts if (found := link.search(text))), None)

    return eventually(look)
