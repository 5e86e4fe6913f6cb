"""What every page has: headers, a name, something to do, and nothing of another site."""

import re
from html.parser import HTMLParser

import pytest

from tests.services.authorize.conftest import PASSWORD, World


class Reader(HTMLParser):
    """Collects what the rules below are about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


async def every_page(world: World) -> dict[str, tuple[int, str, dict[str, str]]]:
    person, stranger = world.person(), world.person()
    login = await stranger.get(world.authorize())
    signup = await stranger.http.get(stranger.path("signup"))
    responses = {
        "sign in": login,
        "sign in, wrong": await stranger.send(login, {"email": "a@example.com", "password": "wrong"}),
        "sign in, missing": await stranger.send(login, {}),
        "sign up": signup,
        "sign up, errors": await stranger.send(signup, {"email": "a", "password": "short"}),
        "sign up, refused": await stranger.send(signup, {"email": "ada@example.com", "password": PASSWORD}),
        "account": await person.sign_in(),
        "consent": await person.get(world.authorize(prompt="consent")),
        "sign out": await person.get(person.path("logout")),
        "signed out": await stranger.get(stranger.path("signed-out")),
        "unproven": await person.get(world.authorize(client_id=None)),
        "no such page": await person.get(person.path("nothing")),
        "form post": await person.get(world.authorize(response_mode="form_post")),
    }
    world.clock.advance(5)
    responses["choose an account"] = await person.get(world.authorize(prompt="select_account"))
    return {name: (page.status_code, page.text, dict(page.headers)) for name, page in responses.items()}


async def test_every_page_keeps_the_rules(world: World) -> None:
    for name, (status, text, headers) in (await every_page(world)).items():
        assert headers["content-type"] == "text/html; charset=utf-8", name
        assert headers["cache-control"] == "no-store", name
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["referrer-policy"] == "no-referrer", name
        assert headers["cross-origin-opener-policy"] == "same-origin", name
        assert headers["x-frame-options"] == "DENY", name
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "unsafe" not in policy, name
        page = Reader(text)
        assert page.of("html")[0]["lang"] == "en", name
        assert page.of("html")[0]["dir"] == "ltr", name
        assert text.count("<h1>") == 1, name
        assert len(page.of("main")) == 1, name
        assert ("<title>Error: " in text) == (status >= 400), name
        assert page.of("style", "img", "iframe") == [], name
        assert not any("style" in attributes for _, attributes in page.tags), name
        assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes), name
        for link in page.of("link", "script"):
            assert (link.get("href") or link.get("src") or "").startswith(f"/t/{world.slug}/assets/"), name
        if name != "no such page":
            assert "Acme &amp; Co" in text, name


async def test_every_field_has_its_label_and_purpose(world: World) -> None:
    purposes = {
        "sign in": {"email": "username", "password": "current-password"},
        "sign up": {"email": "username", "password": "new-password"},
    }
    for name, (_, text, _) in (await every_page(world)).items():
        page = Reader(text)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        labelled = {label["for"] for label in page.of("label")}
        for field in page.of("input"):
            if field["type"] == "hidden":
                continue
            assert field["id"] in labelled, name
            assert field["autocomplete"] == purposes[name.partition(",")[0]][str(field["name"])], name
            for described in (field.get("aria-describedby") or "").split():
                assert described in ids, name
        for link in page.of("a"):
            if (link["href"] or "").startswith("#"):
                assert (link["href"] or "")[1:] in ids, name
        if "," in name:  # something is wrong: said first, with the focus, and tied to its fields
            [summary] = [a for _, a in page.tags if a.get("role") == "alert"]
            assert {"autofocus", "tabindex"} <= summary.keys(), name
            invalid = [field for field in page.of("input") if field.get("aria-invalid")]
            assert invalid, name
            assert all(field.get("aria-describedby") for field in invalid), name
        assert sum("autofocus" in attributes for _, attributes in page.tags) <= 1, name


async def test_names_are_text(world: World) -> None:
    script = "<script>alert(1)</script>"
    await world.seed.execute(
        "update admin.tenants set name = $2 where tenant_id = $1", world.tenant_id, script
    )
    await world.seed.execute(
        "update admin.clients set name = $2 where tenant_id = $1", world.tenant_id, script
    )
    await world.seed.execute(
        "update authorize.users set name = $2 where tenant_id = $1", world.tenant_id, script
    )
    for name, (_, text, _) in (await every_page(world)).items():
        assert "<script>alert" not in text, name


async def test_what_is_typed_is_text(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"))
    page = await person.send(page, {"email": '"><script>alert(1)</script>', "password": "x"})
    assert page.status_code == 422
    assert "<script>alert" not in page.text


async def test_assets_are_kept_for_ever_under_their_version(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"))
    urls = re.findall(r'(?:href|src)="(/t/[^"]+/assets/[^"]+)"', page.text)
    assert len(urls) == 3
    for url in urls:
        asset = await person.http.get(url)
        assert asset.status_code == 200
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].partition(";")[0] in (
            "text/css",
            "text/javascript",
            "image/svg+xml",
        )
        assert asset.headers["x-content-type-options"] == "nosniff"
        other_version = await person.http.get(url.partition("?")[0] + "?v=0000")
        assert "immutable" not in other_version.headers["cache-control"]
        head = await person.http.head(url)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("name", ["nothing.css", "..%2fsign_in.html", "style.css/x", "%2e%2e/layout.html"])
async def test_there_are_no_other_assets(world: World, name: str) -> None:
    person = world.person()
    response = await person.http.get(person.path("assets/") + name)
    assert response.status_code == 404
    assert "{%" not in response.text


async def test_methods_that_are_not_there(world: World) -> None:
    person = world.person()
    assert (await person.http.put(person.path("login"))).status_code == 405
    assert (await person.http.delete(person.path("authorize"))).status_code == 405
    assert (await person.http.get("/internal/anything")).headers["content-type"] == "application/problem+json"


async def test_an_error_page_gives_nothing_of_its_cause(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("services.authorize.routes.here.current_session", fail)
    person = world.person()
    response = await person.http.get(person.path("login"))
    assert response.status_code == 500
    assert "secret cause" not in response.text
    assert response.headers["x-request-id"] in response.text
