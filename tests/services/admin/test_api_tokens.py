"""API tokens: within their scope, their app and their developer's role; shown once, kept as a hash."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from litestar import get

from services.admin.flows.api_scope import ApiScope
from services.admin.routes.api import router
from shared.secret import Secret
from tests.services.admin.conftest import PASSWORD, World
from tests.services.admin.test_api import is_problem, operations

ALL = [scope.value for scope in ApiScope]


@dataclass
class Token:
    """A token, and calls with it."""

    world: World
    token_id: str
    value: str

    async def __call__(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.value}"} | options.pop("headers", {})
        return await self.world.api(method, path, headers=headers, **options)


async def make(world: World, email: str, **fields: Any) -> Token:
    body = {"name": "ci", "scope": ALL, "developer": email} | fields
    answer = await world.api("POST", "/api-tokens", json=body)
    assert answer.status_code == 201, answer.text
    return Token(world, answer.json()["api_token"]["token_id"], answer.json()["token"])


async def an_app(world: World) -> str:
    return str((await world.register())["app"]["app_id"])


async def told(world: World, app_id: str, type_: str) -> dict[str, Any]:
    """What the one event of this type says."""
    [event] = [event for event in await world.events(app_id) if event["type"] == type_]
    return dict(json.loads(event["data"]))


async def test_it_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "owner")
    token = await make(world, email)
    [row] = await world.seed.fetch("select * from admin.api_tokens where token_id = $1", token.token_id)
    assert row["token_hash"] == hashlib.sha256(token.value.encode()).digest()
    assert token.value not in str(row)
    assert token.value not in (await token("GET", "/api-tokens")).text
    assert token.value not in str(await world.events(app_id))
    assert (await told(world, app_id, "api_token.created"))["actor"] == "operator"


async def test_without_the_scope_it_is_refused_and_told_which(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "owner")
    token = await make(world, email, scope=["users:read"])
    assert (await token("GET", f"/apps/{app_id}/users")).status_code == 200
    answer = await token("GET", f"/apps/{app_id}")
    is_problem(answer, 403)
    assert 'error="insufficient_scope", scope="apps:read"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("scope", ALL)
async def test_a_scope_opens_its_own_operations_and_no_other(world: World, scope: str) -> None:
    """Of what is nobody's, so that nothing happens: 403 is the scope's, 404 and the like come after it."""
    _, email = await world.developer(await an_app(world), "owner")
    token = await make(world, email, scope=[scope])
    document = (await world.http.get("/api/v1/openapi.json")).json()
    needs = {
        (method.upper(), path): operation["security"][0]["token"][0]
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    opened = set()
    for (method, template), needed in needs.items():
        path = template.format(app_id="nowhere", client_id="nowhere", **dict.fromkeys(
            ("user_id", "token_id", "developer_id", "invitation_id", "session_id"),
            "0198c0de-0000-7000-8000-000000000000",
        )).removeprefix("/api/v1")  # fmt: skip
        answer = await token(method, path)
        if needed == scope:
            assert answer.status_code != 403, (method, path)
            opened.add(template)
        else:
            is_problem(answer, 403)
    assert opened, scope


async def test_an_operation_that_names_no_scope_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    @get("/forgotten")
    async def forgotten() -> None: ...

    nothing: Any = None
    monkeypatch.setitem(router.TOPICS, "Forgotten", [forgotten])
    with pytest.raises(ValueError, match="names no scope"):
        router.api_router(nothing, Secret("x"))


async def test_it_may_what_its_developer_may_and_from_now_on(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "viewer")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    token = await make(world, email)
    assert (await token("GET", f"/apps/{app_id}")).status_code == 200
    is_problem(await token("PATCH", f"/apps/{app_id}", json={"name": "Changed"}), 403)
    await world.set_role(app_id, row["developer_id"], "admin")
    assert (await token("PATCH", f"/apps/{app_id}", json={"name": "Changed"})).status_code == 200
    await world.set_role(app_id, row["developer_id"], "viewer")
    is_problem(await token("PATCH", f"/apps/{app_id}", json={"name": "Again"}), 403)
    await world.seed.execute("delete from admin.members where developer_id = $1", row["developer_id"])
    is_problem(await token("GET", f"/apps/{app_id}"), 404)
    await world.seed.execute(
        "update admin.developers set disabled_at = now() where developer_id = $1", row["developer_id"]
    )
    is_problem(await token("GET", "/apps"), 401)


async def test_one_that_is_for_an_app_sees_no_other(world: World) -> None:
    mine, other = await an_app(world), await an_app(world)
    _, email = await world.developer(mine, "owner")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    await world.set_role(other, row["developer_id"], "owner")
    token = await make(world, email, app_id=mine)
    assert [app["app_id"] for app in (await token("GET", "/apps")).json()["items"]] == [mine]
    is_problem(await token("GET", f"/apps/{other}"), 404)
    is_problem(await token("POST", "/apps", json={"app_id": "another-app", "name": "Another"}), 403)
    wide = await make(world, email)
    assert len((await wide("GET", "/apps")).json()["items"]) == 2
    listed = (await token("GET", "/api-tokens")).json()["items"]
    assert [item["token_id"] for item in listed] == [token.token_id]
    is_problem(await token("DELETE", f"/api-tokens/{wide.token_id}"), 404)
    assert (await token("DELETE", f"/api-tokens/{token.token_id}")).status_code == 204


async def test_an_operators_token_for_one_app_sees_no_other(world: World) -> None:
    mine, other = await an_app(world), await an_app(world)
    _, email = await world.developer(is_operator=True)
    token = await make(world, email, app_id=mine)
    assert [app["app_id"] for app in (await token("GET", "/apps")).json()["items"]] == [mine]
    is_problem(await token("GET", f"/apps/{other}"), 404)


async def test_it_ends_when_its_time_is_over_and_when_it_is_revoked(world: World) -> None:
    _, email = await world.developer(await an_app(world), "owner")
    short = await make(world, email, expires_in_s=60)
    token = await make(world, email)
    assert (await short("GET", "/apps")).status_code == 200
    world.clock.advance(60)
    is_problem(await short("GET", "/apps"), 401)
    revoked = await token("DELETE", f"/api-tokens/{token.token_id}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    is_problem(await token("GET", "/apps"), 401)
    is_problem(await world.api("DELETE", f"/api-tokens/{token.token_id}"), 404)


async def test_it_makes_no_token_and_ends_nobody_elses(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "owner")
    _, theirs = await world.developer(app_id, "owner")
    token, other = await make(world, email), await make(world, theirs)
    is_problem(
        await token("POST", "/api-tokens", json={"name": "x", "scope": ["apps:read"], "developer": email}),
        403,
    )
    is_problem(await token("DELETE", f"/api-tokens/{other.token_id}"), 404)
    listed = (await token("GET", "/api-tokens")).json()["items"]
    assert [item["token_id"] for item in listed] == [token.token_id]
    assert (await other("GET", "/apps")).status_code == 200


async def test_its_last_use_is_remembered_and_its_deeds_bear_its_name(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "owner")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    token = await make(world, email)
    assert (await token("PATCH", f"/apps/{app_id}", json={"name": "By token"})).status_code == 200
    [listed] = (await token("GET", "/api-tokens")).json()["items"]
    assert listed["last_used_at"] == world.clock().isoformat().replace("+00:00", "Z")
    event = await told(world, app_id, "tenant.updated")
    assert event["actor"] == f"developer:{row['developer_id']}/token:{token.token_id}"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": " "}, "#/name"),
        ({"scope": []}, "#/scope"),
        ({"scope": ["everything"]}, "#/scope/0"),
        ({"scope": ["operator"]}, "#/scope/0"),
        ({"expires_in_s": 59}, "#/expires_in_s"),
        ({"expires_in_s": 10**9}, "#/expires_in_s"),
        ({"developer": "nobody@example.com"}, "#/developer"),
        ({"developer": "nobody\x00@example.com"}, "#/developer"),
    ],
)
async def test_what_cannot_be_is_refused(world: World, fields: dict[str, Any], pointer: str) -> None:
    _, email = await world.developer()
    body = {"name": "ci", "scope": ["apps:read"], "developer": email} | fields
    problem = is_problem(await world.api("POST", "/api-tokens", json=body), 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_what_only_looks_like_one_opens_nothing(world: World) -> None:
    _, email = await world.developer(await an_app(world), "owner")
    token = await make(world, email)
    flipped = token.value[:-7] + ("A" if token.value[-7] != "A" else "B") + token.value[-6:]
    for value in (flipped, token.value.lower(), token.value[:-1], "mtas_cs_" + token.value[8:]):
        headers = {"Authorization": f"Bearer {value}"}
        for method, path in (await operations(world))[:3]:
            is_problem(await world.http.request(method, path, headers=headers), 401)


# At the dashboard -----------------------------------------------------------------------------


async def test_one_is_made_at_the_dashboard_and_shown_once(world: World) -> None:
    app_id = await an_app(world)
    person, _ = await world.developer(app_id, "admin")
    typed = {"name": "Deploy", "apps:write": "on", "app_id": app_id, "expires_in_s": "604800"}
    once = await person.fill("/dashboard/create-api-token", typed)
    [value] = set(re.findall(r"mtas_at_[\w-]+", once.text))
    assert (once.status_code, once.headers["cache-control"]) == (200, "no-store")
    token = Token(world, "", value)
    assert (await token("PATCH", f"/apps/{app_id}", json={"name": "Deployed"})).status_code == 200
    page = await person.get("/dashboard/api-tokens")
    assert ("Deploy" in page.text, value in page.text) == (True, False)
    ended = await person.submit(page, {}, to="/revoke")
    assert ended.status_code == 303
    is_problem(await token("GET", "/apps"), 401)


async def test_what_is_missing_is_said_at_the_field_and_what_is_not_theirs_is_not_there(world: World) -> None:
    theirs = await an_app(world)
    person, _ = await world.developer(await an_app(world), "owner")
    page = await person.get("/dashboard/create-api-token")
    assert theirs not in page.text
    refused = await person.submit(page, {"name": "", "expires_in_s": "never"})
    assert (refused.status_code, 'href="#name"' in refused.text) == (422, True)
    refused = await person.submit(page, {"name": "x", "app_id": theirs, "expires_in_s": "never"})
    assert (refused.status_code, 'href="#app_id"' in refused.text) == (422, True)


async def test_it_is_made_only_by_who_has_just_shown_who_they_are(world: World) -> None:
    person, email = await world.developer(await an_app(world), "owner")
    page = await person.get("/dashboard/create-api-token")
    world.clock.advance(601)
    asked = await person.submit(page, {"name": "x", "expires_in_s": "never"})
    assert (asked.status_code, "mtas_at_" in asked.text) == (403, False)
    assert not await world.seed.fetch(
        "select from admin.api_tokens k join admin.developers d using (developer_id) where d.email = $1",
        email,
    )
    made = await person.submit(asked, {"password": PASSWORD, "expires_in_s": "never"})
    assert "mtas_at_" in made.text


async def test_nobody_elses_can_be_seen_or_revoked_at_the_dashboard(world: World) -> None:
    _, email = await world.developer(await an_app(world), "owner")
    token = await make(world, email, name="Not for others")
    person, _ = await world.developer(is_operator=True)
    page = await person.get("/dashboard/create-api-token")
    assert "Not for others" not in (await person.get("/dashboard/api-tokens")).text
    form = page.text.split('form_token" value="')[1][:43]
    path = f"/dashboard/api-tokens/{token.token_id}/revoke"
    assert (await person.http.post(path, data={"form_token": form})).status_code == 404
    assert (await token("GET", "/apps")).status_code == 200
