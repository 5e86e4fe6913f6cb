"""Clients: each type with its defaults, and settings that a type cannot have refused."""

from typing import Any

import pytest

from tests.services.admin.conftest import CALLBACK, PASSWORD, World
from tests.support.browser import forms

USER_GRANTS = ["authorization_code", "refresh_token"]
USER_SCOPE = ["openid", "profile", "email", "offline_access"]


@pytest.fixture
async def app_id(world: World) -> str:
    answer = await world.register()
    return str(answer["app"]["app_id"])


async def add(world: World, app_id: str, type_: str, **settings: Any) -> dict[str, Any]:
    body = {"type": type_, "name": f"A {type_}"} | settings
    response = await world.api("POST", f"/apps/{app_id}/clients", json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())


@pytest.mark.parametrize(
    ("type_", "has_secret", "grants", "scope", "refresh_by_default"),
    [
        ("web", True, [*USER_GRANTS, "client_credentials"], USER_SCOPE, True),
        ("spa", False, USER_GRANTS, USER_SCOPE, False),
        ("native", False, USER_GRANTS, USER_SCOPE, True),
        ("machine", True, ["client_credentials"], [], False),
    ],
)
async def test_a_type_has_its_defaults(
    world: World,
    app_id: str,
    type_: str,
    has_secret: bool,
    grants: list[str],
    scope: list[str],
    refresh_by_default: bool,
) -> None:
    added = await add(world, app_id, type_)
    client = added["client"]
    assert (added["client_secret"] is not None, client["is_confidential"]) == (has_secret, has_secret)
    assert (client["grant_types"], client["allowed_scope"]) == (grants, scope)
    assert (client["refresh_by_default"], client["pkce_required"]) == (refresh_by_default, True)
    assert client["client_id"].startswith(f"{app_id}-{type_}-")


async def test_a_browser_app_may_call_from_where_its_callbacks_are(world: World, app_id: str) -> None:
    uris = ["https://shop.example/a", "https://shop.example/b", "http://localhost:3000/cb"]
    client = (await add(world, app_id, "spa", redirect_uris=uris))["client"]
    assert client["frontend_origins"] == ["https://shop.example", "http://localhost:3000"]
    asked = (await add(world, app_id, "spa", redirect_uris=uris, frontend_origins=[]))["client"]
    assert asked["frontend_origins"] == []


async def test_a_native_app_may_have_a_private_use_scheme(world: World, app_id: str) -> None:
    uris = ["com.example.app:/callback", "http://127.0.0.1/callback"]
    client = (await add(world, app_id, "native", redirect_uris=uris))["client"]
    assert client["redirect_uris"] == uris
    spa = {"type": "spa", "name": "x", "redirect_uris": uris}
    assert (await world.api("POST", f"/apps/{app_id}/clients", json=spa)).status_code == 422


async def test_two_apps_may_each_have_a_client_of_one_id(world: World, app_id: str) -> None:
    other = (await world.register())["app"]["app_id"]
    await add(world, app_id, "machine", client_id="worker")
    await add(world, other, "machine", client_id="worker")
    again = {"type": "machine", "name": "x", "client_id": "worker"}
    answer = await world.api("POST", f"/apps/{app_id}/clients", json=again)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "#/client_id")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        pytest.param(
            {"type": "machine", "redirect_uris": [CALLBACK]}, "redirect_uris", id="machine-callback"
        ),
        pytest.param(
            {"type": "machine", "allowed_scope": ["openid"]}, "allowed_scope/0", id="machine-openid"
        ),
        pytest.param({"type": "machine", "allowed_scope": ["a b"]}, "allowed_scope/0", id="space-in-scope"),
        pytest.param({"type": "machine", "allowed_scope": ['a"']}, "allowed_scope/0", id="quote-in-scope"),
        pytest.param({"type": "web", "allowed_scope": ["profile"]}, "allowed_scope", id="web-without-openid"),
        pytest.param({"type": "web", "client_id": "Web"}, "client_id", id="client-id-shape"),
        pytest.param({"type": "web", "client_id": ""}, "client_id", id="client-id-empty"),
        pytest.param({"type": "web", "name": ""}, "name", id="no-name"),
        pytest.param({"type": "other"}, "type", id="unknown-type"),
    ],
)
async def test_what_a_type_cannot_have_is_refused(
    world: World, app_id: str, settings: dict[str, Any], field: str
) -> None:
    answer = await world.api("POST", f"/apps/{app_id}/clients", json={"name": "x"} | settings)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    rows = await world.seed.fetch(
        "select from admin.clients where tenant_id = $1", await world.tenant_id(app_id)
    )
    assert len(rows) == 1


async def test_an_update_changes_what_it_names_and_says_so(world: World, app_id: str) -> None:
    path = f"/apps/{app_id}/clients/{app_id}"
    changed = {"redirect_uris": ["https://new.example/cb"], "refresh_grace_s": 0, "pkce_required": False}
    answer = await world.api("PATCH", path, json=changed)
    assert answer.status_code == 200
    shown = (await world.api("GET", path)).json()
    assert {name: shown[name] for name in changed} == changed
    assert shown["name"] == "Test App"
    event = (await world.events(app_id))[-1]
    assert event["type"] == "client.updated"
    assert '"changed":["redirect_uris","pkce_required","refresh_grace_s"]' in event["data"].replace(" ", "")


async def test_an_update_that_changes_nothing_says_nothing(world: World, app_id: str) -> None:
    before = await world.events(app_id)
    answer = await world.api("PATCH", f"/apps/{app_id}/clients/{app_id}", json={"name": " Test App "})
    assert answer.status_code == 200
    assert await world.events(app_id) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"redirect_uris": ["http://evil.example/"]}, id="uri"),
        pytest.param({"refresh_grace_s": 61}, id="grace"),
        pytest.param({"allowed_scope": []}, id="no-openid"),
        pytest.param({"resources": ["http://api.example"]}, id="resource"),
        pytest.param({"resources": ["https://api.example/#x"]}, id="resource-fragment"),
        pytest.param({"is_confidential": False}, id="not-a-setting"),
        pytest.param({"client_id": "other"}, id="identity"),
        pytest.param({"tenant_id": "0198c0de-0000-7000-8000-000000000000"}, id="tenant"),
        pytest.param({"name": None}, id="null"),
    ],
)
async def test_a_refused_update_changes_nothing(world: World, app_id: str, change: dict[str, Any]) -> None:
    path = f"/apps/{app_id}/clients/{app_id}"
    before = (await world.api("GET", path)).json()
    answer = await world.api("PATCH", path, json={"name": "Changed"} | change)
    assert answer.status_code == 422
    assert (await world.api("GET", path)).json() == before


async def test_a_public_client_cannot_be_exempted_from_pkce(world: World, app_id: str) -> None:
    client_id = (await add(world, app_id, "spa"))["client"]["client_id"]
    answer = await world.api("PATCH", f"/apps/{app_id}/clients/{client_id}", json={"pkce_required": False})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/pkce_required")


async def test_disabling_and_enabling_a_client(world: World, app_id: str) -> None:
    path = f"/apps/{app_id}/clients/{app_id}"
    for disabled in (True, True, False):
        assert (await world.api("PATCH", path, json={"disabled": disabled})).json()["disabled"] is disabled
    types = [event["type"] for event in await world.events(app_id)]
    assert types[2:] == ["client.disabled", "client.enabled"]


async def test_the_dashboards_form_changes_urls_and_keeps_the_rest(world: World, app_id: str) -> None:
    person, _ = await world.developer(app_id, "admin")
    path = f"/dashboard/apps/{app_id}/clients/{app_id}"
    fields = {
        "name": "Renamed",
        "redirect_uris": "https://a.example/cb\r\nhttps://b.example/cb",
        "post_logout_redirect_uris": "",
        "frontend_origins": "https://a.example",
        "resources": "",
        "allowed_scope": "openid  email",
        "refresh_grace_s": "5",
        "pkce_required": "on",
    }
    answer = await person.fill(path, fields)
    assert answer.headers["location"] == f"{path}?done=saved"
    shown = (await world.api("GET", f"/apps/{app_id}/clients/{app_id}")).json()
    assert shown["redirect_uris"] == ["https://a.example/cb", "https://b.example/cb"]
    assert (shown["allowed_scope"], shown["refresh_grace_s"]) == (["openid", "email"], 5)
    assert (shown["pkce_required"], shown["id_token_on_refresh"]) == (True, False)


async def test_settings_of_the_app(world: World, app_id: str) -> None:
    change = {"name": "Renamed", "sign_up_enabled": False, "access_token_ttl_s": 300}
    answer = await world.api("PATCH", f"/apps/{app_id}", json=change)
    assert {name: answer.json()[name] for name in change} == change
    event = (await world.events(app_id))[-1]
    assert event["type"] == "tenant.updated"
    assert '"changed":["name","sign_up_enabled","access_token_ttl_s"]' in event["data"].replace(" ", "")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code_ttl_s": 301}, "code_ttl_s"),
        ({"access_token_ttl_s": 0}, "access_token_ttl_s"),
        ({"session_idle_ttl_s": 2_592_001}, "session_idle_ttl_s"),
        ({"refresh_absolute_ttl_s": 60}, "refresh_idle_ttl_s"),
        ({"name": ""}, "name"),
    ],
)
async def test_settings_out_of_bounds_are_refused(
    world: World, app_id: str, change: dict[str, Any], field: str
) -> None:
    before = (await world.api("GET", f"/apps/{app_id}")).json()
    answer = await world.api("PATCH", f"/apps/{app_id}", json=change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")
    assert (await world.api("GET", f"/apps/{app_id}")).json() == before


async def test_disabling_an_app_wants_its_id_typed(world: World, app_id: str) -> None:
    person, _ = await world.developer(app_id, "owner")
    path = f"/dashboard/apps/{app_id}/disable"
    refused = await person.fill(path, {"confirmation": "something else"})
    assert (refused.status_code, (await world.api("GET", f"/apps/{app_id}")).json()["disabled"]) == (
        422,
        False,
    )
    world.clock.advance(601)
    page = await person.fill(path, {"confirmation": app_id})
    assert (page.status_code, (await world.api("GET", f"/apps/{app_id}")).json()["disabled"]) == (403, False)
    done = await person.submit(page, {"confirmation": app_id, "password": PASSWORD})
    assert (done.status_code, (await world.api("GET", f"/apps/{app_id}")).json()["disabled"]) == (303, True)
    page = await person.get(f"/dashboard/apps/{app_id}/settings")
    await person.submit(page, {}, to="/enable")
    assert (await world.api("GET", f"/apps/{app_id}")).json()["disabled"] is False
    types = [event["type"] for event in await world.events(app_id)]
    assert types[2:] == ["tenant.disabled", "tenant.enabled"]


async def test_where_codes_go_is_changed_only_by_who_has_just_shown_who_they_are(
    world: World, app_id: str
) -> None:
    """Step-up: a session that was left open leads no code elsewhere, and exempts nobody from PKCE."""
    person, _ = await world.developer(app_id, "admin")
    here = f"/dashboard/apps/{app_id}/clients/{app_id}"
    world.clock.advance(601)
    page = await person.get(here)
    uris = f"{CALLBACK}\nhttps://evil.example/callback"
    for change in ({"redirect_uris": uris}, {"redirect_uris": ""}):
        asked = await person.submit(page, change)
        assert (asked.status_code, 'name="password"' in asked.text) == (403, True)
        wrong = await person.submit(asked, {"password": "not it"})
        assert (wrong.status_code, "Confirm that it is you" in wrong.text) == (422, True)
    form = next(form for form in forms(page) if form.action == here)
    exempt = {name: value for name, value in form.fields.items() if name != "pkce_required"}
    exempt["redirect_uris"] = CALLBACK
    assert (await person.http.post(here, data=exempt)).status_code == 403
    client = (await world.api("GET", f"/apps/{app_id}/clients/{app_id}")).json()
    assert (client["redirect_uris"], client["pkce_required"]) == ([CALLBACK], True)
    # What is not that weighty needs no password, and what is keeps everything that was typed.
    assert (await person.submit(page, {"name": "Renamed", "redirect_uris": CALLBACK})).status_code == 303
    asked = await person.submit(await person.get(here), {"redirect_uris": uris, "name": "Both"})
    assert (await person.submit(asked, {"password": PASSWORD})).status_code == 303
    client = (await world.api("GET", f"/apps/{app_id}/clients/{app_id}")).json()
    assert (client["redirect_uris"], client["name"]) == (uris.split("\n"), "Both")
    assert client["refresh_by_default"]


async def test_a_public_client_is_added_only_by_who_has_just_shown_who_they_are(
    world: World, app_id: str
) -> None:
    """Codes go to its redirect URIs too."""
    person, _ = await world.developer(app_id, "admin")
    world.clock.advance(601)
    wanted = {"name": "Evil", "redirect_uris": "https://evil.example/callback"}
    page = await person.get(f"/dashboard/apps/{app_id}/add-client?type=spa")
    assert 'name="password"' in page.text
    assert (await person.submit(page, wanted)).status_code == 403
    assert len((await world.api("GET", f"/apps/{app_id}/clients")).json()["items"]) == 1
    assert (await person.submit(page, wanted | {"password": PASSWORD})).status_code == 303
