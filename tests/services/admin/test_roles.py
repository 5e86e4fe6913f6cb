"""Who may what: roles within an app, and nothing at all in anybody else's."""

import re
from typing import Any

import httpx2
import pytest

from tests.services.admin.conftest import CALLBACK, Person, World
from tests.services.admin.test_forms import POSTS
from tests.support.seed import some_slug

NOBODY = "0198c0de-0000-7000-8000-000000000000"

VIEWS = ["", "/clients", "/clients/{app_id}", "/users", "/members", "/audit-log", "/settings"]
FORMS = ["/add-client", "/add-client?type=web", "/add-user", "/clients/{app_id}/rotate-secret"]

CHANGES: dict[str, dict[str, str]] = {
    "/settings": {"name": "Changed"}
    | {
        f"{name}_ttl_s": "600"
        for name in (
            "code",
            "access_token",
            "id_token",
            "refresh_idle",
            "refresh_absolute",
            "session_idle",
            "session_absolute",
        )
    }
    | {"code_ttl_s": "60"},
    "/add-client": {"type": "spa", "name": "Shop", "client_id": "shop", "redirect_uris": CALLBACK},
    "/clients/{app_id}": {"name": "Changed", "allowed_scope": "openid", "refresh_grace_s": "1"},
    "/clients/{app_id}/disable": {},
    "/clients/{app_id}/enable": {},
    "/clients/{app_id}/rotate-secret": {"overlap_s": "0"},
    "/add-user": {"email": "new@example.com", "password": "paper lanterns over the harbour"},
    "/users/{user_id}/disable": {},
    "/users/{user_id}/enable": {},
    "/users/{user_id}/sign-out": {},
    "/users/{user_id}/export": {},
    "/users/{user_id}/sessions/{session_id}/end": {},
    "/users/{user_id}/delete": {},
}
ELSEWHERE = {
    "/branding",
    "/branding/logo",
    "/branding/remove-logo",
    "/first-sign-in/add-callback",
    "/first-sign-in/exempt-from-pkce",
    "/keys/rotate",
    "/keys/settings",
    "/keys/emergency",
}
"""In test_branding.py, test_first_sign_in.py and test_signing_keys.py."""
OWNERS = {
    "/disable": {"confirmation": "{app_id}"},
    "/enable": {},
    "/invite": {"email": "new@example.com", "role": "owner"},
    "/members/{developer_id}/role": {"role": "owner"},
    "/members/{developer_id}/remove": {},
    "/invitations/{invitation_id}/revoke": {},
    "/invitations/{invitation_id}/resend": {},
}
WEIGHTY = [
    "/disable",
    "/add-client",
    "/clients/{app_id}/rotate-secret",
    "/users/{user_id}/delete",
    "/invite",
    "/members/{developer_id}/role",
    "/members/{developer_id}/remove",
    "/invitations/{invitation_id}/revoke",
    "/invitations/{invitation_id}/resend",
]
"""With those ELSEWHERE, and a client's redirect URIs."""


async def send(
    person: Person, app_id: str, path: str, fields: dict[str, str], user_id: str = NOBODY
) -> httpx2.Response:
    """Send a form whether or not a page shows it."""
    token = (await person.get("/dashboard/register-app")).text.split('form_token" value="')[1][:43]
    ids = dict.fromkeys(("developer_id", "invitation_id", "session_id"), NOBODY) | {"user_id": user_id}
    path = f"/dashboard/apps/{app_id}" + path.format(app_id=app_id, **ids)
    values = {name: value.format(app_id=app_id) for name, value in fields.items()}
    return await person.http.post(path, data=values | {"form_token": token})


async def state(world: World, app_id: str) -> list[list[dict[str, Any]]]:
    """Everything of an app that anybody could have changed."""
    tenant_id = await world.tenant_id(app_id)
    tables = ["admin.tenants", "admin.clients", "admin.client_secrets", "admin.members", "authorize.users"]
    tables += ["events.outbox"]
    return [
        await world.seed.fetch(f"select * from {table} where tenant_id = $1", tenant_id) for table in tables
    ]


def same(page: httpx2.Response) -> str:
    """The page without the request's id."""
    return re.sub(r"Request id <code>[^<]*", "", page.text)


def test_every_form_of_an_app_is_in_the_matrix() -> None:
    ids = dict.fromkeys(
        ("app_id", "client_id", "user_id", "developer_id", "invitation_id", "session_id"), "x"
    )
    known = {path.format(**ids) for path in (*CHANGES, *OWNERS)}
    forms = {
        path.removeprefix("/dashboard/apps/{app_id}").format(**ids) for path in POSTS if "{app_id}" in path
    }
    assert forms == known | ELSEWHERE


@pytest.mark.parametrize("role", ["viewer", "admin", "owner"])
async def test_everybody_in_an_app_sees_it_and_the_forms_that_they_may_send(world: World, role: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, role)
    expected = dict.fromkeys(VIEWS, 200)
    expected |= dict.fromkeys(FORMS, 403 if role == "viewer" else 200)
    expected |= dict.fromkeys(("/disable", "/invite"), 200 if role == "owner" else 403)
    for view, status in expected.items():
        path = f"/dashboard/apps/{app_id}" + view.format(app_id=app_id)
        assert (await person.http.get(path)).status_code == status, path
    assert app_id in (await person.get("/dashboard")).text


async def test_a_viewer_changes_nothing(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "viewer")
    before = await state(world, app_id)
    for path, fields in (CHANGES | OWNERS).items():
        assert (await send(person, app_id, path, fields)).status_code == 403, path
    assert await state(world, app_id) == before


@pytest.mark.parametrize("path", WEIGHTY)
async def test_what_is_weighty_asks_for_the_password_again(world: World, path: str) -> None:
    """Step-up: an owner's session that was left open, or stolen, does none of it."""
    app_id = (await world.register())["app"]["app_id"]
    user_id = await world.seed.user(await world.tenant_id(app_id))
    person, _ = await world.developer(app_id, "owner")
    world.clock.advance(601)
    before = await state(world, app_id)
    answer = await send(person, app_id, path, (CHANGES | OWNERS)[path], str(user_id))
    assert (answer.status_code, 'name="password"' in answer.text) == (403, True)
    assert await state(world, app_id) == before


async def test_an_admin_changes_all_but_what_is_the_owners(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id = await world.seed.user(await world.tenant_id(app_id))
    person, _ = await world.developer(app_id, "admin")
    for path, fields in CHANGES.items():
        answer = await send(person, app_id, path, fields, str(user_id))
        expected = (404,) if "{session_id}" in path else (200, 303)  # of nobody
        assert answer.status_code in expected, (path, answer.status_code)
    before = await state(world, app_id)
    for path, fields in OWNERS.items():
        assert (await send(person, app_id, path, fields)).status_code == 403, path
    assert await state(world, app_id) == before


async def test_an_owner_may_do_the_rest(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "owner")
    for path, fields in OWNERS.items():
        # Nobody is not a member: that is said to an owner, and to an owner alone.
        status = 404 if "{" in path else 200 if path == "/invite" else 303
        assert (await send(person, app_id, path, fields)).status_code == status, path


async def test_somebody_elses_app_is_like_one_that_is_not_there(world: World) -> None:
    mine = (await world.register())["app"]["app_id"]
    theirs = (await world.register())["app"]["app_id"]
    nowhere = some_slug()
    person, _ = await world.developer(mine, "owner")
    before = await state(world, theirs)
    for view in (*VIEWS, *FORMS, "/disable"):
        answers = [
            await person.http.get(f"/dashboard/apps/{app_id}" + view.format(app_id=app_id))
            for app_id in (theirs, nowhere)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], view
        assert same(answers[0]) == same(answers[1])
    for path, fields in (CHANGES | OWNERS).items():
        answers = [await send(person, app_id, path, fields) for app_id in (theirs, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert same(answers[0]) == same(answers[1])
    assert await state(world, theirs) == before
    assert theirs not in (await person.get("/dashboard")).text


async def test_ids_of_another_app_are_not_found_in_mine(world: World) -> None:
    mine = (await world.register())["app"]["app_id"]
    theirs = (await world.register())["app"]["app_id"]
    body = {"type": "machine", "name": "Worker", "client_id": "their-worker"}
    await world.api("POST", f"/apps/{theirs}/clients", json=body)
    user_id = await world.seed.user(await world.tenant_id(theirs))
    person, _ = await world.developer(mine, "owner")
    before = await state(world, theirs)
    for path in ("/clients/their-worker", "/clients/their-worker/rotate-secret"):
        assert (await person.http.get(f"/dashboard/apps/{mine}{path}")).status_code == 404
    for path, fields in {
        "/clients/their-worker": CHANGES["/clients/{app_id}"],
        "/clients/their-worker/disable": {},
        "/clients/their-worker/rotate-secret": {"overlap_s": "0"},
        f"/users/{user_id}/disable": {},
        f"/users/{user_id}/enable": {},
    }.items():
        assert (await send(person, mine, path, fields)).status_code == 404, path
    assert await state(world, theirs) == before


async def test_a_demotion_counts_from_the_next_request(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, email = await world.developer(app_id, "owner")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    assert (await send(person, app_id, "/clients/{app_id}/disable", {})).status_code == 303
    await world.set_role(app_id, row["developer_id"], "viewer")
    assert (await send(person, app_id, "/clients/{app_id}/enable", {})).status_code == 403
    await world.seed.execute("delete from admin.members where developer_id = $1", row["developer_id"])
    assert (await person.http.get(f"/dashboard/apps/{app_id}")).status_code == 404


async def test_an_operator_sees_every_app(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(is_operator=True)
    assert (await person.http.get(f"/dashboard/apps/{app_id}")).status_code == 200
    assert (await send(person, app_id, "/disable", OWNERS["/disable"])).status_code == 303


async def test_a_viewer_is_shown_no_button_that_would_refuse(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    await world.seed.user(await world.tenant_id(app_id))
    person, _ = await world.developer(app_id, "viewer")
    for view in ("", "/clients", "/clients/{app_id}", "/users", "/audit-log", "/settings"):
        page = await person.get(f"/dashboard/apps/{app_id}" + view.format(app_id=app_id))
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page.text) == [
            "/dashboard/sign-out"
        ]


async def test_an_id_that_cannot_be_one_is_not_found(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    for app_id in ("%00", "a%00b", "..%2fx", "A", "%ff", "a" * 300, "é"):
        assert (await person.http.get(f"/dashboard/apps/{app_id}")).status_code == 404, app_id
        assert (await world.api("GET", f"/apps/{app_id}")).status_code == 404, app_id
    known = (await world.register())["app"]["app_id"]
    for client_id in ("%00", "a%00b", "A"):
        assert (await world.api("GET", f"/apps/{known}/clients/{client_id}")).status_code == 404
        assert (await world.api("PATCH", f"/apps/{known}/clients/{client_id}", json={})).status_code == 404
