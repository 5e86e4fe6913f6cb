"""From the registered app to its first sign-in: the code to paste, what went wrong, and the one-click fix."""

import ast
import sys
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from services.admin.routes.dashboard.frameworks import FRAMEWORKS
from tests.services.admin.conftest import PASSWORD, Person, World
from tests.services.admin.test_pages import HOSTILE, check
from tests.support.seed import some_slug

HERE = "http://localhost:8000/auth/callback"
THERE = "http://127.0.0.1:8000/auth/callback"
SNIPPETS = [framework for framework in FRAMEWORKS if framework.code]


async def observe(world: World, app_id: str, kind: str, detail: str | None = None, **where: Any) -> None:
    """As authorize or token would have: a second ago, by the app's first client."""
    await world.seed.execute(
        "insert into admin.observations (tenant_id, client_id, kind, detail, times, last_at)"
        " select tenant_id, $2, $3, $4, 1, $5 from admin.tenants where slug = $1"
        " on conflict (tenant_id, client_id, kind) do update set detail = excluded.detail,"
        " last_at = excluded.last_at",
        app_id,
        where.get("client_id", app_id),
        kind,
        detail,
        where.get("at", world.clock() - timedelta(seconds=1)),
    )


async def app_of(world: World, role: str = "owner", **settings: Any) -> tuple[Person, str, str]:
    app_id = some_slug()
    await world.register(app_id, **({"redirect_uris": [HERE]} | settings))
    person, _ = await world.developer(app_id, role)
    return person, app_id, f"/dashboard/apps/{app_id}/first-sign-in"


async def uris(world: World, app_id: str) -> list[str]:
    answer = await world.api("GET", f"/apps/{app_id}/clients/{app_id}")
    return list(answer.json()["redirect_uris"])


@pytest.mark.parametrize("framework", SNIPPETS, ids=[framework.key for framework in SNIPPETS])
def test_the_code_to_paste_runs_as_it_is(framework: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "MTAS_ISSUER": "http://localhost:8080/t/acme",
        "MTAS_APP_ID": "acme",
        "MTAS_APP_SECRET": "mtas_cs_x",
        "MTAS_APP_URL": f"http://localhost:{framework.port}",
        "MTAS_COOKIE_SECRETS": "c" * 43,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if framework.key == "express":
        assert 'from "@mtas/express"' in framework.code
        assert f"app.listen({framework.port})" in framework.code
        return
    ast.parse(framework.code)
    if framework.key == "django":  # two files in one, of a project that is not here
        assert '"mtas.django.MtasMiddleware"' in framework.code
        from mtas import django

        assert callable(django.require_user)
        return
    names: dict[str, Any] = {"__name__": "app"}
    monkeypatch.setitem(sys.modules, "app", type(sys)("app"))
    exec(compile(framework.code, framework.file, "exec"), names)
    assert callable(names["app"])


async def test_registering_gives_the_frameworks_code_and_leads_on(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    for framework in (FRAMEWORKS[2], FRAMEWORKS[-1]):
        fields = {
            "name": "Acme",
            "app_id": some_slug(),
            "framework": framework.key,
            "redirect_uris": framework.callback,
        }
        page = await person.fill("/dashboard/register-app", fields)
        check(page)
        assert (framework.install or "Any OpenID Connect library") in page.text
        onward = f"/dashboard/apps/{fields['app_id']}/first-sign-in?framework={framework.key}"
        assert f'href="{onward}"' in page.text
        waiting = await person.get(onward)
        check(waiting)
        assert "Waiting for the first sign-in" in waiting.text
        assert (framework.install in waiting.text) or not framework.code


async def test_an_app_id_is_looked_up_while_it_is_typed(world: World) -> None:
    person, app_id, _ = await app_of(world)

    async def ask(text: str) -> dict[str, Any]:
        answer = await person.http.get("/dashboard/app-id", params={"app_id": text})
        assert answer.headers["cache-control"] == "no-store"
        return dict(answer.json())

    assert (await ask(some_slug()))["is_free"] is True
    assert "taken" in (await ask(app_id))["words"]
    assert "reserved" in (await ask("admin"))["words"]
    assert "lower-case" in (await ask("Acme"))["words"]
    stranger = await world.person().http.get("/dashboard/app-id", params={"app_id": app_id})
    assert stranger.status_code == 303


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("redirect_uri", THERE, "another callback URL"),
        ("unknown_client", "acme-typo", "MTAS_APP_ID"),
        ("wrong_secret", None, "Make a new secret"),
        ("secret_missing", None, "no client secret"),
        ("pkce", "code_challenge is missing", "without PKCE"),
        ("scope", "scope", "a scope that it may not have"),
        ("code_expired", None, "1 minute"),
        ("code_verifier", None, "MTAS_COOKIE_SECRETS"),
        ("code_redirect_uri", None, "two different callback URLs"),
        ("code_unknown", None, "unknown or used"),
        ("wrong_password", None, "password that does not fit"),
        ("request", "response_mode must be query", "response_mode must be query"),
        ("a_later_versions", None, "could not accept"),
    ],
)
async def test_what_went_wrong_is_said_in_words(
    world: World, kind: str, detail: str | None, words: str
) -> None:
    person, app_id, path = await app_of(world)
    own = kind not in ("unknown_client", "wrong_password")
    await observe(world, app_id, kind, detail, client_id=app_id if own else "")
    page = await person.get(path)
    check(page)
    assert words in page.text
    viewer, _ = await world.developer(app_id, "viewer")
    page = await viewer.get(path)
    check(page)
    assert "<form" not in page.text.split('id="progress"')[1], "a viewer has nothing to press"


async def test_it_turns_green_and_what_was_before_is_over(world: World) -> None:
    person, app_id, path = await app_of(world)
    await observe(world, app_id, "wrong_secret", at=world.clock() - timedelta(seconds=20))
    await observe(world, app_id, "code_redeemed", at=world.clock() - timedelta(seconds=10))
    page = await person.get(path)
    assert "a user has signed in" in page.text
    assert "Make a new secret" not in page.text
    await observe(world, app_id, "wrong_secret")
    assert "Make a new secret" in (await person.get(path)).text
    world.clock.advance(16 * 60)
    assert "Make a new secret" not in (await person.get(path)).text, "news of a quarter of an hour"


async def test_one_click_adds_the_callback_that_was_sent(world: World) -> None:
    person, app_id, path = await app_of(world)
    await observe(world, app_id, "redirect_uri", THERE)
    answer = await person.fill(path + "?framework=flask", {})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{path}?framework=flask&done=callback-added"
    assert await uris(world, app_id) == [HERE, THERE]
    assert [event["type"] for event in await world.events(app_id)][-1] == "client.updated"
    page = await person.get(answer.headers["location"])
    assert "another callback URL" not in page.text


async def press(person: Person, path: str, app_id: str, uri: str, **options: Any) -> httpx2.Response:
    """The form as the page would have sent it, for what the page does not offer."""
    page = await person.get(f"/dashboard/apps/{app_id}")
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    form = {"form_token": token, "client_id": app_id, "redirect_uri": uri} | options
    return await person.http.post(
        path + "/add-callback",
        data=form,
        headers={"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"},
    )


@pytest.mark.parametrize(
    ("sent", "registered"),
    [
        ("https://evil.example/callback", [HERE]),
        ("https://evil.example/callback", []),
        ("https://app.example.evil.example/callback", ["https://app.example/callback"]),
        ("https://app.example:444/callback", ["https://app.example/callback"]),
        ("https://app.example/go?to=https://evil.example", ["https://app.example/callback"]),
        ("http://127.0.0.1:9/callback", ["https://app.example/callback"]),
        ("http://localhost.evil.example/callback", [HERE]),
        ("javascript:alert(1)", [HERE]),
        (HOSTILE, [HERE]),
        (HERE, [HERE]),
    ],
)
async def test_what_a_stranger_could_have_sent_is_not_one_click_away(
    world: World, sent: str, registered: list[str]
) -> None:
    person, app_id, path = await app_of(world, redirect_uris=registered)
    await observe(world, app_id, "redirect_uri", sent)
    page = await person.get(path)
    check(page)
    assert ">Add it<" not in page.text
    assert "<script>alert" not in page.text
    assert (await press(person, path, app_id, sent)).status_code == 409
    assert await uris(world, app_id) == registered


@pytest.mark.parametrize(
    ("sent", "registered"),
    [
        (THERE, [HERE]),
        ("http://[::1]:8000/auth/callback", [HERE]),
        (HERE, []),
        ("https://app.example/auth/callback", ["https://app.example/callback"]),
    ],
)
async def test_what_can_only_be_the_apps_own_is(world: World, sent: str, registered: list[str]) -> None:
    person, app_id, path = await app_of(world, redirect_uris=registered)
    await observe(world, app_id, "redirect_uri", sent)
    assert ">Add it<" in (await person.get(path)).text
    assert (await person.fill(path, {})).status_code == 303
    assert await uris(world, app_id) == [*registered, sent]


async def test_only_what_was_shown_is_added(world: World) -> None:
    """A stranger's request between the look and the click changes nothing."""
    person, app_id, path = await app_of(world)
    await observe(world, app_id, "redirect_uri", THERE)
    page = await person.get(path)
    await observe(world, app_id, "redirect_uri", "http://localhost:8000/other")
    answer = await person.submit(page, {})
    assert answer.status_code == 409
    assert check(answer).title.startswith("Error: ")
    assert await uris(world, app_id) == [HERE]
    assert (await press(person, path, app_id, THERE, form_token="x")).status_code == 403
    viewer, _ = await world.developer(app_id, "viewer")
    assert (await press(viewer, path, app_id, "http://localhost:8000/other")).status_code == 403
    stranger, _ = await world.developer()
    assert (await stranger.http.get(path)).status_code == 404
    assert await uris(world, app_id) == [HERE]


async def test_a_library_without_pkce_can_be_let_off(world: World) -> None:
    person, app_id, path = await app_of(world)
    await observe(world, app_id, "pkce", "code_challenge is missing")
    assert (await person.fill(path, {})).status_code == 303
    answer = await world.api("GET", f"/apps/{app_id}/clients/{app_id}")
    assert answer.json()["pkce_required"] is False


async def test_adding_a_callback_asks_for_a_password_that_is_long_ago(world: World) -> None:
    """With it, what was pressed is done."""
    person, app_id, _ = await app_of(world)
    await observe(world, app_id, "redirect_uri", THERE)
    here = f"/dashboard/apps/{app_id}/first-sign-in"
    page = await person.get(here)
    world.clock.advance(601)
    asked = await person.submit(page, {}, to="/add-callback")
    assert (asked.status_code, 'name="password"' in asked.text) == (403, True)
    added = await person.submit(asked, {"password": PASSWORD})
    assert (added.status_code, "done=callback-added" in added.headers["location"]) == (303, True)
