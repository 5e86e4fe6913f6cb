"""Every page that people see, and what to do to stand before it: a new page is a line here.

`route` is the handler's own path, so that a test finds pages that are not in the table. What stands in
its braces, and in `query`, comes from the stage. `does` leads on from there: to an error, to an answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.e2e.stage import Stage, Who
from tests.support.product import pkce
from tests.support.seed import some_slug

_BRACES: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


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
        filled = _BRACES.sub(lambda braces: stage.values[braces[1]], self.route + self.query)
        if self in LOCAL:
            return f"http://127.0.0.1:{stage.product.stack.ports['mailbox']}{filled}"
        return stage.product.origin + filled


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


def rotate_and_wait(tab: Tab, _stage: Stage) -> None:
    """To the keys, of which the next one waits; asked again it is the same one."""
    tab.locator('main input[type=checkbox][name="wait_observed"]').check()
    send(tab)
    expect(tab.get_by_text("has fetched it")).to_be_visible()


def invite_by_hand(tab: Tab, stage: Stage) -> None:
    tab.locator('main input[name="deliver"][value="link"]').check()
    fill(email="mary@example.com")(tab, stage)


def answer_by_form(tab: Tab, stage: Stage) -> None:
    """To the page that stays where its script does not come."""
    tab.route("**/submit.js*", lambda route: route.abort())
    tab.goto(stage.app.authorize_url(pkce()[1], response_mode="form_post"))


def wait_in_vain(tab: Tab, stage: Stage) -> None:
    """While the app asks with another callback than its own."""
    app = replace(stage.app, issuer=stage.product.origin + "/t/" + stage.values["new_app_id"])
    with stage.product.browser() as browser:
        browser.get(app.authorize_url("x" * 43, client_id=stage.values["new_app_id"], redirect_uri=_OTHER))
    expect(tab.get_by_text(_OTHER)).to_be_visible()


def ask_to_delete(tab: Tab, _stage: Stage) -> None:
    tab.get_by_role("button", name="Delete…").click()


def delete_user(password: str = "") -> Does:
    def does(tab: Tab, stage: Stage) -> None:
        tab.get_by_role("button", name="Delete…").click()
        with tab.expect_navigation():
            tab.get_by_role("dialog").get_by_role("button", name="Delete").click()
        if password:
            fill(password=password)(tab, stage)

    return does


def press(name: str) -> Does:
    def does(tab: Tab, _stage: Stage) -> None:
        with tab.expect_navigation():
            tab.get_by_role("button", name=name).click()

    return does


def from_right_to_left(tab: Tab, _stage: Stage) -> None:
    """As a page in Arabic or Hebrew will be."""
    tab.evaluate("document.documentElement.dir = 'rtl'")


def newest_mail(tab: Tab, _stage: Stage) -> None:
    tab.get_by_role("main").get_by_role("link").first.click()


_OTHER: Final = "http://127.0.0.1:8000/auth/callback"
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
    Shown("sign in, password changed", "/dashboard/sign-in", query="?done=password-reset"),
    Shown("dashboard password forgotten", "/dashboard/forgot-password", form=True),
    Shown(
        "dashboard mail is on its way",
        "/dashboard/forgot-password",
        does=fill(email="nobody@example.com"),
    ),
    Shown("new dashboard password", "/dashboard/reset-password", query="?{password_link}", form=True),
    Shown("dashboard password link is over", "/dashboard/reset-password", query="?token=x", status=410),
    Shown("sign up, closed", "/dashboard/sign-up", status=403),
    Shown("invitation", "/dashboard/join", query="?{invitation}", form=True),
    Shown("invitation, over", "/dashboard/join", query="?app={app_id}&token=x", status=403),
    Shown("home", "/dashboard", "developer"),
    Shown("apps", "/dashboard/apps", "developer"),
    Shown("apps, found", "/dashboard", "developer", query="?search=acme"),
    Shown("apps, none found", "/dashboard", "developer", query="?search=nothing"),
    Shown("register app", "/dashboard/register-app", "developer", form=True),
    Shown("app registered", "/dashboard/register-app", "developer", does=register),
    Shown("app", _APP, "developer"),
    Shown("first sign-in", _APP + "/first-sign-in", "developer"),
    Shown("first sign-in, waiting", "/dashboard/apps/{new_app_id:str}/first-sign-in", "developer"),
    Shown(
        "first sign-in, in vain",
        "/dashboard/apps/{new_app_id:str}/first-sign-in",
        "developer",
        does=wait_in_vain,
    ),
    Shown("app, disabled", "/dashboard/apps/{disabled_app_id:str}", "developer"),
    Shown("app, as viewer", _APP, "viewer"),
    Shown("branding", _APP + "/branding", "developer", form=True),
    Shown("settings", _APP + "/settings", "developer", form=True),
    Shown("settings, saved", _APP + "/settings", "developer", query="?done=saved"),
    Shown("settings, as viewer", _APP + "/settings", "viewer"),
    Shown("disable app", _APP + "/disable", "developer", form=True),
    Shown("clients", _APP + "/clients", "developer"),
    Shown("add client, type", _APP + "/add-client", "developer"),
    Shown("add client", _APP + "/add-client", "developer", query="?type=spa", form=True),
    Shown("client", _CLIENT, "developer", form=True),
    Shown("client, as viewer", _CLIENT, "viewer"),
    Shown("client, public", _APP + "/clients/{spa_id:str}", "developer"),
    Shown("client, machine", _APP + "/clients/{machine_id:str}", "developer"),
    Shown("rotate secret, later", _CLIENT + "/rotate-secret", "developer, later"),
    Shown("rotate secret", _CLIENT + "/rotate-secret", "developer"),
    Shown("secret, once", _CLIENT + "/rotate-secret", "developer", does=choose_overlap),
    Shown("users", _APP + "/users", "developer"),
    Shown("users, none found", _APP + "/users", "developer", query="?search=nobody"),
    Shown("users, none yet", "/dashboard/apps/{new_app_id:str}/users", "developer"),
    Shown("one user, deletes?", _APP + "/users/{user_id:uuid}", "developer", does=ask_to_delete),
    Shown(
        "confirm identity", _APP + "/users/{user_id:uuid}", "developer, later", does=delete_user(), status=403
    ),
    Shown(
        "confirm identity, refused",
        _APP + "/users/{user_id:uuid}",
        "developer, later",
        does=delete_user("wrong"),
        status=422,
    ),
    Shown("one user", _APP + "/users/{user_id:uuid}", "developer"),
    Shown("add user", _APP + "/add-user", "developer", form=True),
    Shown("keys", _APP + "/keys", "developer"),
    Shown("rotate key", _APP + "/keys/rotate", "developer"),
    Shown("keys, of which one waits", _APP + "/keys/rotate", "developer", does=rotate_and_wait),
    Shown("withdraw keys", _APP + "/keys/emergency", "developer", form=True),
    Shown("key settings", _APP + "/keys/settings", "developer"),
    Shown("members", _APP + "/members", "developer"),
    Shown("member", _APP + "/members/{developer_id:uuid}", "developer"),
    Shown("invite", _APP + "/invite", "developer", form=True),
    Shown("invited", _APP + "/invite", "developer", does=fill(email="grace@example.com")),
    Shown("audit log, nothing", _APP + "/audit-log", "developer", query="?type=tenant.disabled"),
    Shown("invited, link in hand", _APP + "/invite", "developer", does=invite_by_hand),
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
    Shown("address is confirmed", _HOSTED + "/verify", query="?{verify_too}", does=press("Yes, it is mine")),
    Shown("confirm address again", _HOSTED + "/verify-again", form=True),
    Shown("account", _HOSTED + "/account", "user"),
    Shown("profile", _HOSTED + "/account/profile", "user"),
    Shown("sessions", _HOSTED + "/account/sessions", "user"),
    Shown("connected apps", _HOSTED + "/account/apps", "user"),
    Shown("another address", _HOSTED + "/account/email", "user", form=True),
    Shown("another address, later", _HOSTED + "/account/email", "user, later", form=True),
    Shown(
        "mail to the new address",
        _HOSTED + "/account/email",
        "user",
        does=fill(email="lovelace@example.com"),
    ),
    Shown("new address", _HOSTED + "/new-email", "user", query="?{new_email}"),
    Shown("another password", _HOSTED + "/account/password", "user", form=True),
    Shown("own data", _HOSTED + "/account/data", "user"),
    Shown("delete account", _HOSTED + "/account/delete", "user", form=True),
    Shown("address link is over", _HOSTED + "/new-email", query="?token=x", status=410),
    Shown("choose account", _HOSTED + "/select-account", "user", query="?{select}"),
    Shown("consent", _HOSTED + "/consent", "user", query="?{consent}"),
    Shown("answer by form", _HOSTED + "/account", "user", does=answer_by_form),
    Shown("sign out?", _HOSTED + "/logout", "user"),
    Shown("is signed out", _HOSTED + "/signed-out"),
    Shown("app is disabled", "/t/{disabled_app_id:str}/login", status=400),
    Shown("user signs in, German", _HOSTED + "/login", query="?ui_locales=de", form=True),
    Shown("account, German", _HOSTED + "/account", "user", query="?ui_locales=de"),
    Shown("delete account, German", _HOSTED + "/account/delete", "user", query="?ui_locales=de"),
    Shown("no such app", "/t/no-such-app/login", status=404),
    Shown("wrong redirect", _HOSTED + "/authorize", query="?client_id={client_id}", status=400),
    Shown("request has ended", _HOSTED + "/login", query="?interaction=" + "x" * 43, status=400),
)

_LONG: Final = "/dashboard/apps/{long_app_id:str}"
_LONG_HOSTED: Final = "/t/{long_app_id:str}"
LONG: Final = (
    Shown("long home", "/dashboard", "developer"),
    Shown("long app", _LONG, "developer"),
    Shown("long clients", _LONG + "/clients", "developer"),
    Shown("long client", _LONG + "/clients/{long_client_id:str}", "developer"),
    Shown("long users", _LONG + "/users", "developer"),
    Shown("long user", _LONG + "/users/{long_user_id:uuid}", "developer"),
    Shown("long audit log", _LONG + "/audit-log", "developer"),
    Shown("long sign-in", _LONG_HOSTED + "/login"),
    Shown("long account", _LONG_HOSTED + "/account", "long"),
    Shown("long delete account", _LONG_HOSTED + "/account/delete", "long"),
    Shown("app, from right to left", _APP, "developer", does=from_right_to_left),
    Shown("users, from right to left", _APP + "/users", "developer", does=from_right_to_left),
    Shown("settings, from right to left", _APP + "/settings", "developer", does=from_right_to_left),
    Shown("sign-in, from right to left", _HOSTED + "/login", does=from_right_to_left),
    Shown("account, from right to left", _HOSTED + "/account", "user", does=from_right_to_left),
    Shown("sessions, from right to left", _HOSTED + "/account/sessions", "user", does=from_right_to_left),
)
"""Names and addresses as long as they may be, and the other direction of writing."""

LOCAL: Final = (
    Shown("mailbox", "/"),
    Shown("mail", "/", does=newest_mail),
)
"""What only a run on this machine has."""

PAGES: Final = DASHBOARD + HOSTED + LONG + LOCAL
