"""Sending again (`Idempotency-Key`) and not overwriting what one has not seen (`If-Match`)."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from services.admin.flows.once import KEPT_FOR
from tests.services.admin.conftest import CALLBACK, PASSWORD, World
from tests.services.admin.test_api import is_problem
from tests.services.admin.test_api_tokens import Token, make
from tests.support.seed import some_slug


async def an_app(world: World) -> str:
    return str((await world.register())["app"]["app_id"])


# Idempotency-Key ------------------------------------------------------------------------------


def creations(app_id: str, developer: str) -> dict[str, dict[str, Any]]:
    """Every operation that takes a key, by path, with a body."""
    return {
        "/apps": {"app_id": some_slug(), "name": "Again", "signing_alg": "ES256"},
        f"/apps/{app_id}/clients": {"type": "web", "name": "Again", "redirect_uris": [CALLBACK]},
        f"/apps/{app_id}/clients/{app_id}/secrets": {"overlap_s": 60},
        f"/apps/{app_id}/users": {"email": "again@example.com", "password": PASSWORD},
        f"/apps/{app_id}/invitations": {"email": "again@example.com", "role": "viewer"},
        "/api-tokens": {"name": "again", "scope": ["apps:read"], "developer": developer},
    }


async def send(world: World, path: str, body: dict[str, Any], key: str, **options: Any) -> httpx2.Response:
    return await world.api("POST", path, json=body, headers={"Idempotency-Key": key}, **options)


COUNTED = ("admin.tenants", "admin.clients", "admin.client_secrets", "authorize.users", "admin.invitations",
           "admin.api_tokens", "events.outbox")  # fmt: skip


async def counts(world: World) -> list[int]:
    rows = [await world.seed.fetch(f"select count(*) from {table}") for table in COUNTED]
    return [row["count"] for [row] in rows]


async def test_what_is_sent_again_is_done_once_and_answered_as_before(world: World) -> None:
    app_id = await an_app(world)
    _, developer = await world.developer(app_id, "owner")
    for path, body in creations(app_id, developer).items():
        key = some_slug("key")
        first = await send(world, path, body, key)
        assert first.status_code == 201, first.text
        before = await counts(world)
        again = await send(world, path, body, key)
        assert (again.status_code, again.json()) == (201, first.json()), path
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["cache-control"] == "no-store"
        assert await counts(world) == before, path


async def test_every_operation_that_says_so_takes_a_key(world: World) -> None:
    document = (await world.http.get("/api/v1/openapi.json")).json()
    described = {
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
    }
    tried = {"/api/v1" + path for path in creations("{app_id}", "")}
    assert {path.replace("{client_id}", "{app_id}") for path in described} == tried


async def test_at_once_it_is_done_once(world: World) -> None:
    app_id = await an_app(world)
    _, developer = await world.developer(app_id, "owner")
    for path, body in creations(app_id, developer).items():
        answers = await asyncio.gather(*(send(world, path, body, "at-once" + path) for _ in range(4)))
        assert [answer.status_code for answer in answers] == [201] * 4, path
        assert len({answer.text.replace('"key":null', "") for answer in answers}) <= 2, path
        assert sum("idempotency-replayed" in answer.headers for answer in answers) == 3, path


async def test_with_another_body_or_elsewhere_the_key_is_refused(world: World) -> None:
    app_id, other = await an_app(world), await an_app(world)
    body = {"email": "ada@example.com", "role": "viewer"}
    key = some_slug("key")
    assert (await send(world, f"/apps/{app_id}/invitations", body, key)).status_code == 201
    is_problem(await send(world, f"/apps/{app_id}/invitations", body | {"role": "owner"}, key), 422)
    is_problem(await send(world, f"/apps/{other}/invitations", body, key), 422)


async def test_a_refusal_is_not_kept(world: World) -> None:
    app_id = await an_app(world)
    key = some_slug("key")
    is_problem(await send(world, f"/apps/{app_id}/users", {"email": "x", "password": PASSWORD}, key), 422)
    corrected = {"email": "x@example.com", "password": PASSWORD}
    assert (await send(world, f"/apps/{app_id}/users", corrected, key)).status_code == 201


async def test_after_a_day_a_key_is_new(world: World) -> None:
    app_id = await an_app(world)
    body, key = {"email": "ada@example.com", "role": "viewer"}, some_slug("key")
    first = await send(world, f"/apps/{app_id}/invitations", body, key)
    world.clock.advance((KEPT_FOR + timedelta(seconds=1)).total_seconds())
    second = await send(world, f"/apps/{app_id}/invitations", body, key)
    assert second.status_code == 201
    assert second.json()["link"] != first.json()["link"]


async def test_a_key_is_its_senders_own(world: World) -> None:
    app_id = await an_app(world)
    _, ada = await world.developer(app_id, "owner")
    _, grace = await world.developer(app_id, "owner")
    key = some_slug("key")
    links = []
    for email in (ada, grace):
        token = await make(world, email)
        headers = {"Authorization": f"Bearer {token.value}", "Idempotency-Key": key}
        body = {"email": "new@example.com", "role": "viewer"}
        answer = await world.api("POST", f"/apps/{app_id}/invitations", json=body, headers=headers)
        assert "idempotency-replayed" not in answer.headers
        links.append(answer.json()["link"])
    assert links[0] != links[1]


async def test_what_is_kept_opens_with_the_senders_token_alone(world: World) -> None:
    """The database holds no secret of an answer, and whoever may write there gets none by it."""
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "owner")
    key, path, body = some_slug("key"), f"/apps/{app_id}/clients/{app_id}/secrets", {"overlap_s": 60}
    ours, theirs = await make(world, email), await make(world, email)

    async def rotate(token: Token) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token.value}", "Idempotency-Key": key}
        return await world.api("POST", path, json=body, headers=headers)

    secret = (await rotate(ours)).json()["client_secret"]
    kept = await world.seed.fetch("select * from admin.idempotency_keys")
    assert secret.encode() not in b"".join(row["sealed_answer"] for row in kept)
    await world.seed.execute(
        "update admin.idempotency_keys set actor = replace(actor, $1, $2)", ours.token_id, theirs.token_id
    )
    is_problem(await rotate(theirs), 409)


async def test_what_is_kept_of_a_request_is_no_hash_to_try_passwords_against(world: World) -> None:
    path = f"/apps/{await an_app(world)}/users"
    body = f'{{"email":"ada@example.com","password":"{PASSWORD}"}}'
    headers = {"Idempotency-Key": some_slug("key"), "Content-Type": "application/json"}
    assert (await world.api("POST", path, content=body, headers=headers)).status_code == 201
    kept = await world.seed.fetch("select request_hash from admin.idempotency_keys")
    guess = hashlib.sha256(f"POST\n/api/v1{path}\n{body}".encode()).digest()
    assert guess not in [row["request_hash"] for row in kept]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_a_key_that_cannot_be_one_is_refused(world: World, key: str) -> None:
    body = {"app_id": some_slug(), "name": "Never"}
    problem = is_problem(await send(world, "/apps", body, key), 422)
    assert [error["parameter"] for error in problem["errors"]] == ["Idempotency-Key"]


# If-Match -------------------------------------------------------------------------------------


async def changes(world: World, app_id: str) -> dict[str, list[dict[str, Any]]]:
    """Everything that has a version, by path, and two changes of it."""
    _, email = await world.developer(app_id, "viewer")
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    return {
        f"/apps/{app_id}": [{"name": "One"}, {"name": "Two"}],
        f"/apps/{app_id}/clients/{app_id}": [{"redirect_uris": []}, {"redirect_uris": [CALLBACK]}],
        f"/apps/{app_id}/signing-keys/settings": [{"wait_observed": True}, {"wait_observed": False}],
        f"/apps/{app_id}/members/{row['developer_id']}": [{"role": "admin"}, {"role": "viewer"}],
    }


async def test_nobody_overwrites_what_they_have_not_seen(world: World) -> None:
    for path, (one, two) in (await changes(world, await an_app(world))).items():
        seen = (await world.api("GET", path)).headers["etag"]
        changed = await world.api("PATCH", path, json=one, headers={"If-Match": seen})
        assert changed.status_code == 200, changed.text
        assert changed.headers["etag"] == (await world.api("GET", path)).headers["etag"] != seen
        for stale in (seen, "W/" + changed.headers["etag"], '"x"', "", "x"):
            is_problem(await world.api("PATCH", path, json=two, headers={"If-Match": stale}), 412)
        for fresh in (f'"x", {changed.headers["etag"]}', "*"):
            again = await world.api("PATCH", path, json=one, headers={"If-Match": fresh})
            assert again.status_code == 200, again.text
        assert (await world.api("PATCH", path, json=two)).status_code == 200


async def test_of_many_who_saw_the_same_one_changes_it(world: World) -> None:
    app_id = await an_app(world)
    path = f"/apps/{app_id}"
    headers = {"If-Match": (await world.api("GET", path)).headers["etag"]}
    answers = await asyncio.gather(
        *(world.api("PATCH", path, json={"name": f"Name {n}"}, headers=headers) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5


async def test_the_document_names_every_version(world: World) -> None:
    document = (await world.http.get("/api/v1/openapi.json")).json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            takes = any(parameter["name"] == "If-Match" for parameter in operation["parameters"])
            assert takes == (method == "patch"), path
            assert takes == ("412" in operation["responses"])
