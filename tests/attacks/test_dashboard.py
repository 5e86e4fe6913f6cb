"""The dashboard: hostile names stay text, roles hold, and forms come from us."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx2
import pytest

from tests.attacks.members import Ids, everything, member, routes, send
from tests.support.browser import Browser, forms
from tests.support.home import Home
from tests.support.product import PASSWORD, App, Product, pkce
from tests.support.seed import Seed

# Names ----------------------------------------------------------------------------------------

HOSTILE = [
    "<script>canary()</script>",
    '"><img src=x onerror=canary()>',
    "'><svg/onload=canary()>",
    "</title><script>canary()</script>",
    "{{7*191}}${7*191}",
    "javascript:canary()",
]


class Tags(HTMLParser):
    """Everything of a page that could run: what a browser would act on, not what it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            leads = name in ("href", "src", "action", "formaction", "srcdoc", "style")
            if name.startswith("on") or (
                leads and re.search(r"canary|javascript:|7(\*|%2A)191", value or "", re.IGNORECASE)
            ):
                self.live.append(f"{tag} {name}={value}")
        if tag in ("script", "iframe", "img", "object") and not self._is_ours(tag, dict(attrs)):
            self.live.append(tag)

    @staticmethod
    def _is_ours(tag: str, attributes: dict[str, str | None]) -> bool:
        return (
            tag == "script"
            and re.match(r"/(dashboard|t/[a-z0-9-]+)/assets/", attributes.get("src") or "") is not None
        )


def inert(page: httpx2.Response) -> None:
    """Nothing in it runs, and nothing of it was computed."""
    assert page.status_code in (200, 403, 404, 422)
    tags = Tags()
    tags.feed(page.text)
    assert tags.live == []
    assert "1337" not in page.text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_inert_on_every_page(product: Product, developer: Browser, name: str) -> None:
    app = product.register_app(name=name)
    client = product.add_client(app, "spa", name=name)
    email, user_id = product.create_user(app, name=name)
    ids = Ids(app.app_id, client.client_id, user_id)
    shown = 0
    for method, path in routes():
        if method == "GET":
            page = developer.get(ids.into(path))
            inert(page)
            shown += "canary" in page.text or "7*191" in page.text
    assert shown >= 5
    inert(developer.get("/dashboard"))
    for page in hosted_pages(product, client, email, name):
        inert(page)


def hosted_pages(product: Product, client: App, email: str, hint: str) -> Iterator[httpx2.Response]:
    """What the user of a hostile app, whose own name is hostile too, comes past."""
    with product.browser() as browser:
        page = browser.get(client.authorize_url(pkce()[1], login_hint=hint, prompt="login"))
        assert "canary" in page.text or "7*191" in page.text
        yield page
        yield browser.submit(page, {"email": hint, "password": hint})
        yield browser.get(f"/t/{client.app_id}/signup")
        product.sign_in(browser, client, email)
        for name in ("account", "logout", "signed-out"):
            yield browser.get(f"/t/{client.app_id}/{name}")
        for prompt in ("consent", "select_account"):
            yield browser.get(client.authorize_url(pkce()[1], prompt=prompt))
        yield browser.get(client.authorize_url(pkce()[1], state=hint, response_mode="form_post"))


# Roles ----------------------------------------------------------------------------------------


async def test_who_may_only_look_changes_nothing(acme: Home, truth: Seed) -> None:
    before = everything(acme)
    with await member(acme, truth, "viewer") as browser:
        for method, path in routes():
            answer = send(browser, method, Ids.of(acme).into(path), confirmation=acme.slug)
            seen = (200, 403, *((404,) if "{developer_id" in path else ()))  # of nobody
            assert answer.status_code in (seen if method == "GET" else (403,)), (method, path)
    assert everything(acme) == before


async def test_a_demotion_holds_from_the_next_request(acme: Home, truth: Seed) -> None:
    with await member(acme, truth, "admin") as browser:
        settings = f"/dashboard/apps/{acme.slug}/settings"
        assert send(browser, "GET", settings).status_code == 200
        for role, method, status in (("viewer", "POST", 403), (None, "GET", 404)):
            await truth.execute(
                "delete from admin.members where role = 'viewer'"
                if role is None
                else "update admin.members set role = 'viewer' where role = 'admin'"
            )
            assert send(browser, method, settings).status_code == status


# Where it leads -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "/dashboard/../../evil",
        "/dashboard//evil.example",
        "/dashboard@evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "/t/acme/logout",
    ],
)
def test_signing_in_leads_to_a_page_of_ours(developer: Browser, target: str) -> None:
    answer = developer.http.get("/dashboard/sign-in", params={"next": target})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/dashboard"


def test_there_is_one_first_account(product: Product, developer: Browser) -> None:
    """The set-up token is of no use once it was used."""
    with product.browser() as browser:
        (form,) = forms(browser.get("/dashboard/sign-in"))
        token = product.stack.secrets["setup-token"]
        fields = form.fields | {"email": "second@example.com", "password": PASSWORD, "setup_token": token}
        assert browser.http.post("/dashboard/sign-up", data=fields).status_code == 403
        assert "mtas_dashboard" not in browser.http.cookies


def test_every_form_needs_its_token_and_our_origin(acme: Home, developer: Browser) -> None:
    before = everything(acme)
    good = forms(developer.get("/dashboard"))[0].fields["form_token"]
    for method, path in routes():
        if method == "POST":
            url = Ids.of(acme).into(path)
            refused = [
                developer.http.post(url, data={"form_token": "A" * 43}),
                developer.http.post(url, data={"form_token": good}, headers={"Sec-Fetch-Site": "cross-site"}),
                developer.http.post(
                    url, data={"form_token": good}, headers={"Origin": "https://evil.example"}
                ),
            ]
            assert [answer.status_code for answer in refused] == [403] * 3, path
    assert everything(acme) == before
