"""The admin API's manners: who may call, how it refuses (RFC 9457), pages, its own description."""

from typing import Any

import httpx2
import msgspec
import pytest

from tests.services.admin.conftest import OPERATOR_TOKEN, World
from tests.support.seed import some_slug

NEVER = "0198c0de-0000-7000-8000-000000000000"


async def document(world: World) -> dict[str, Any]:
    response = await world.http.get("/api/v1/openapi.json")
    assert response.status_code == 200
    return dict(response.json())


async def operations(world: World) -> list[tuple[str, str]]:
    paths = (await document(world))["paths"]
    ids = {"app_id": "acme", "client_id": "acme", "user_id": NEVER, "token_id": NEVER}
    ids |= dict.fromkeys(("developer_id", "invitation_id", "session_id"), NEVER)
    return [(method.upper(), path.format(**ids)) for path, item in paths.items() for method in item]


def is_problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem


async def test_it_describes_itself_in_openapi_3_1(world: World) -> None:
    described = await document(world)
    assert described["openapi"].startswith("3.1")
    assert len(await operations(world)) >= 16
    names = [operation["operationId"] for item in described["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)
    assert all(
        path.startswith(("/api/v1/ap", "/api/v1/developers", "/api/v1/events")) for path in described["paths"]
    )
    text = msgspec.json.encode(described).decode()
    assert "http://" not in text.replace("http://localhost", "")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Bearer {OPERATOR_TOKEN[:-1]}",
        f"Bearer {OPERATOR_TOKEN}x",
        f"Bearer {OPERATOR_TOKEN.upper()}",
        f"Basic {OPERATOR_TOKEN}",
        OPERATOR_TOKEN,
    ],
)
async def test_every_operation_needs_the_token_before_anything_is_read(
    world: World, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in await operations(world):
        response = await world.http.request(method, path, headers=headers, content=b"{not json")
        is_problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_dashboard_session_is_no_api_token(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    is_problem(await person.http.get("/api/v1/apps"), 401)


async def test_what_is_not_there_is_a_problem_too(world: World) -> None:
    app_id = some_slug()
    for path in (f"/apps/{app_id}", "/nothing", f"/apps/{app_id}/users", f"/apps/{app_id}/audit-log"):
        is_problem(await world.api("GET", path), 404)
    is_problem(await world.api("DELETE", "/apps"), 405)
    is_problem(await world.api("POST", f"/apps/{app_id}/users/nobody/disable"), 404)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        pytest.param(b"{", "application/json", 400, id="cut-off"),
        pytest.param(b"name=x", "application/json", 400, id="a-form-called-json"),
        pytest.param(b'{"name":"\\ud800"}', "application/json", 400, id="lone-surrogate"),
        pytest.param(b"[" * 60_000, "application/json", 400, id="nested"),
        pytest.param(b"name=x", "application/x-www-form-urlencoded", 415, id="form"),
        pytest.param(b"{}", "text/plain", 415, id="text"),
        pytest.param(b"{}", "", 415, id="nameless"),
        pytest.param(b'"' + b"x" * 70_000 + b'"', "application/json", 413, id="too-large"),
    ],
)
async def test_a_body_that_is_no_json_is_refused(
    world: World, content: bytes, media_type: str, status: int
) -> None:
    response = await world.api("POST", "/apps", content=content, headers={"Content-Type": media_type})
    is_problem(response, status)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param({"name": "x"}, "#", id="missing"),
        pytest.param({"app_id": "acme", "name": "x", "secret": "y"}, "#", id="unknown"),
        pytest.param({"app_id": 1, "name": "x"}, "#/app_id", id="type"),
        pytest.param({"app_id": "acme", "name": "x", "redirect_uris": "x"}, "#/redirect_uris", id="no-list"),
        pytest.param(
            {"app_id": "acme", "name": "x", "redirect_uris": ["x", 1]}, "#/redirect_uris/1", id="item"
        ),
        pytest.param({"app_id": "acme", "name": "x", "signing_alg": "none"}, "#/signing_alg", id="choice"),
        pytest.param([], "#", id="array"),
        pytest.param(None, "#", id="nothing"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_where_it_does_not(
    world: World, body: Any, pointer: str
) -> None:
    content = b"" if body is None else msgspec.json.encode(body)
    response = await world.api("POST", "/apps", content=content, headers={"Content-Type": "application/json"})
    assert [error["pointer"] for error in is_problem(response, 422)["errors"]] == [pointer]


@pytest.mark.parametrize(
    "query",
    [
        *({"limit": limit} for limit in ("0", "101", "x")),
        *({"cursor": cursor} for cursor in ("x", "Ilx1MDAwMCI", "IgAi")),  # the latter two hold a NUL
    ],
)
async def test_a_parameter_that_cannot_be_is_refused(world: World, query: dict[str, str]) -> None:
    is_problem(await world.api("GET", "/apps", params=query), 422)


async def test_pages_follow_each_other_without_gaps_or_repeats(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    tenant_id = await world.tenant_id(app_id)
    made = [str(await world.seed.user(tenant_id, f"user-{number}@example.com")) for number in range(7)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await world.api("GET", f"/apps/{app_id}/users", params={"limit": "3"} | cursor)).json()
        assert len(page["items"]) <= 3
        found += [user["user_id"] for user in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == made[::-1]  # newest first


async def test_apps_and_clients_come_in_pages(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    for number in range(4):
        body = {"type": "machine", "name": "x", "client_id": f"worker-{number}"}
        await world.api("POST", f"/apps/{app_id}/clients", json=body)
    for path, key in (("/apps", "app_id"), (f"/apps/{app_id}/clients", "client_id")):
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await world.api("GET", path, params={"limit": "2"} | cursor)).json()
            found += [item[key] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == sorted(found)
        assert len(set(found)) == len(found)
    assert found == [app_id, "worker-0", "worker-1", "worker-2", "worker-3"]


async def test_no_answer_is_kept_by_a_cache(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    for path in ("/apps", f"/apps/{app_id}", f"/apps/{app_id}/clients/{app_id}"):
        response = await world.api("GET", path)
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_other_doors_lead_nowhere(world: World) -> None:
    for path in ("/api/v1", "/api/v1/", "/api/v1/schema", "/schema", "/described"):
        assert (await world.http.get(path)).status_code in (404, 405), path


async def test_it_can_be_read_without_a_script(world: World) -> None:
    page = await world.http.get("/api/v1/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for item in (await document(world))["paths"].values():
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in page.text
