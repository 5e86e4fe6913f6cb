"""Every page: inert whatever it shows, locked down by its headers, usable by everybody (WCAG 2.2)."""

import re
from html.parser import HTMLParser

import httpx2
import pytest

from tests.services.admin.conftest import World
from tests.support.seed import some_slug

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
APP_PAGES = ["", "/clients", "/clients/{app_id}", "/clients/{app_id}/rotate-secret", "/add-client"]
APP_PAGES += ["/add-client?type=web", "/add-client?type=spa", "/add-client?type=native"]
APP_PAGES += ["/add-client?type=machine", "/clients/worker", "/users", "/users?search=x", "/add-user"]
APP_PAGES += ["/audit-log", "/settings", "/disable", "/first-sign-in"]
APP_PAGES += ["/branding", "/keys", "/keys/rotate", "/keys/emergency", "/keys/settings"]


class Outline(HTMLParser):
    """What assistive technology gets of a page, as far as markup says it."""

    def __init__(self, page: httpx2.Response) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.references: set[str] = set()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self._in_title = False
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self._in_title = tag == "title" and not self.title  # a picture has one of its own
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "label":
            self.labelled.add(attributes["for"])
        if tag in ("input", "textarea", "select") and attributes.get("type") != "hidden":
            self.fields.append(attributes)
        for name in ("aria-describedby", "aria-labelledby", "data-copy"):
            self.references.update(attributes.get(name, "").split())
        if tag == "a" and attributes.get("href", "").startswith("#"):
            self.references.add(attributes["href"][1:])

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
            self._in_title = False


def check(page: httpx2.Response) -> Outline:
    """What holds for every page."""
    headers = page.headers
    assert headers["content-type"].startswith("text/html")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy

    outline = Outline(page)
    assert outline.title.endswith(" · MTAS")
    assert [tag for tag, _ in outline.tags].count("h1") == 1
    assert [tag for tag, _ in outline.tags].count("main") == 1
    assert len(set(outline.ids)) == len(outline.ids), "an id is used twice"
    assert outline.references <= set(outline.ids) | {"main"}, outline.references - set(outline.ids)
    for field in outline.fields:
        assert field["id"] in outline.labelled, field
    for tag, attributes in outline.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        address = attributes.get("src") or (attributes.get("href", "") if tag == "link" else "")
        assert address == "" or address.startswith("/dashboard/assets/")
    return outline


async def test_every_page_of_an_app_shows_hostile_names_as_text(world: World) -> None:
    app_id = some_slug()
    name = HOSTILE[:80]
    await world.register(app_id, name=name, redirect_uris=["https://app.example/cb?x='%22%3E"])
    await world.api(
        "POST", f"/apps/{app_id}/clients", json={"type": "machine", "name": name, "client_id": "worker"}
    )
    tenant_id = await world.tenant_id(app_id)
    await world.seed.user(tenant_id, '"<script>alert(1)</script>"@example.com', name=HOSTILE)
    for role in ("owner", "viewer"):
        person, _ = await world.developer(app_id, role)
        for path in APP_PAGES:
            page = await person.get(f"/dashboard/apps/{app_id}" + path.format(app_id=app_id))
            check(page)
            assert "<script>alert" not in page.text
            assert "<img" not in page.text
        page = await person.get("/dashboard")
        check(page)
        assert "<script>alert" not in page.text


@pytest.mark.parametrize("path", ["/dashboard/sign-in", "/dashboard/sign-up", "/dashboard/nothing/there"])
async def test_pages_for_strangers(world: World, path: str) -> None:
    await world.developer()
    check(await world.person().http.get(path))


async def test_the_first_page_of_all(first_run: World) -> None:
    outline = check(await first_run.person().http.get("/dashboard/sign-up"))
    autocomplete = {field["name"]: field["autocomplete"] for field in outline.fields}
    assert autocomplete == {"email": "username", "password": "new-password", "setup_token": "off"}


async def test_an_empty_dashboard_says_what_to_do(world: World) -> None:
    person, _ = await world.developer()
    page = await person.get("/dashboard")
    check(page)
    assert "Register your first app" in page.text


async def test_a_refused_form_says_so_in_every_way(world: World) -> None:
    person, _ = await world.developer()
    page = await person.fill("/dashboard/register-app", {"name": HOSTILE, "app_id": HOSTILE})
    outline = check(page)
    assert outline.title.startswith("Error: ")
    [summary] = [attributes for _, attributes in outline.tags if attributes.get("class") == "summary"]
    assert (summary["role"], summary["tabindex"]) == ("alert", "-1")
    assert "autofocus" in summary
    [app_id] = [field for field in outline.fields if field["name"] == "app_id"]
    assert app_id["aria-invalid"] == "true"
    assert app_id["aria-describedby"] == "app_id-hint app_id-error-1"
    assert app_id["value"] == HOSTILE  # what was typed is kept, as text
    assert "<script>alert" not in page.text


async def test_pages_of_refused_forms_are_whole(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "owner")
    here = f"/dashboard/apps/{app_id}"
    for path, fields in {
        f"{here}/settings": {"name": "", "code_ttl_s": "x"},
        f"{here}/clients/{app_id}": {"name": "", "redirect_uris": "x\ny", "refresh_grace_s": "100"},
        f"{here}/add-client?type=native": {"name": "", "type": "native", "client_id": "-"},
        f"{here}/clients/{app_id}/rotate-secret": {"overlap_s": "-1"},
        f"{here}/disable": {"confirmation": ""},
        f"{here}/add-user": {"email": "x", "password": "y"},
    }.items():
        page = await person.fill(path, fields)
        assert page.status_code == 422, path
        assert check(page).title.startswith("Error: "), path


async def test_an_error_page_carries_the_requests_id(world: World) -> None:
    person, _ = await world.developer()
    page = await person.http.get("/dashboard/nothing", headers={"X-Request-Id": "0198c0de-aaaa"})
    assert (page.status_code, page.headers["x-request-id"]) == (404, "0198c0de-aaaa")
    assert "0198c0de-aaaa" in page.text


async def test_what_a_page_says_is_done_is_one_of_ours(world: World) -> None:
    person, _ = await world.developer()
    page = await person.get("/dashboard", params={"done": HOSTILE})
    assert 'role="status"' not in page.text


async def test_assets_are_kept_under_their_hash_and_nothing_else_is_served(world: World) -> None:
    person, _ = await world.developer()
    page = await person.get("/dashboard")
    addresses = re.findall(r'"(/dashboard/assets/[^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        asset = await person.http.get(address)
        assert asset.status_code == 200
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        stale = await person.http.get(address.split("?", maxsplit=1)[0] + "?v=other")
        assert stale.headers["cache-control"] == "no-store"
    for name in ("base.html", "..%2fbase.html", "%2e%2e/base.html", "style.css%00", "nothing.css"):
        assert (await person.http.get(f"/dashboard/assets/{name}")).status_code == 404, name


async def test_the_front_door_leads_to_the_dashboard(world: World) -> None:
    for method in ("GET", "HEAD"):
        answer = await world.http.request(method, "/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
