"""`/internal`: what the admin service asks for, and nobody else."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.services.authorize.conftest import PASSWORD, World, answer


async def post(world: World, path: str, bearer: dict[str, str], body: Any = None) -> httpx2.Response:
    tenant = f"/internal/tenants/{world.tenant_id}"
    return await world.person().http.post(tenant + path, json=body, headers=bearer)


async def test_a_user_is_made_who_can_sign_in(world: World, bearer: dict[str, str]) -> None:
    body = {"email": "Grace@example.com", "password": PASSWORD, "name": "Grace", "email_verified": True}
    response = await post(world, "/users", bearer, body)
    assert response.status_code == 201
    made = response.json()
    assert made["email"] == "Grace@example.com"
    assert (await world.person().sign_in("grace@example.com")).url.path.endswith("/account")
    kind, subject, data = (await world.events())[0]
    assert (kind, UUID(subject), data) == (
        "user.registered",
        UUID(made["user_id"]),
        {"by": "administrator", "actor": None},
    )


async def test_an_address_is_taken_once(world: World, bearer: dict[str, str]) -> None:
    body = {"email": "grace@example.com", "password": PASSWORD}
    responses = await asyncio.gather(*(post(world, "/users", bearer, body) for _ in range(6)))
    assert sorted(response.status_code for response in responses) == [201] + [409] * 5
    taken = next(response for response in responses if response.status_code == 409)
    assert taken.headers["content-type"] == "application/problem+json"
    assert taken.json()["status"] == 409


BAD: dict[str, tuple[Any, str | None]] = {
    "no password": ({"email": "g@example.com"}, None),
    "an unknown field": ({"email": "g@example.com", "password": PASSWORD, "admin": True}, None),
    "a number": ({"email": 1, "password": PASSWORD}, None),
    "a list": ([], None),
    "a short password": ({"email": "g@example.com", "password": "short"}, "password"),
    "a breached password": ({"email": "g@example.com", "password": "passwordpassword"}, "password"),
    "the app's name": ({"email": "g@example.com", "password": "Acme & Co, 2025!"}, "password"),
    "their own name": (
        {"email": "g@example.com", "password": "Grace-Hopper-1906", "name": "Grace Hopper"},
        "password",
    ),
    "no address": ({"email": "g", "password": PASSWORD}, "email"),
    "a name of two lines": ({"email": "g@example.com", "password": PASSWORD, "name": "a\nb"}, "name"),
}


@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD.keys())
async def test_what_is_wrong_is_said(
    world: World, bearer: dict[str, str], body: Any, field: str | None
) -> None:
    response = await post(world, "/users", bearer, body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert list(response.json()["errors"]) == [field]
    assert PASSWORD not in response.text
    assert await world.events() == []


async def test_what_is_no_json_is_refused(world: World, bearer: dict[str, str]) -> None:
    response = await world.person().http.post(
        f"/internal/tenants/{world.tenant_id}/users", content=b"{", headers=bearer
    )
    assert response.status_code == 400


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer x", "Basic eDp4", "Bearer \xff"])
async def test_nobody_else_may(world: World, given: str | None) -> None:
    headers = {} if given is None else {b"Authorization": given.encode("latin-1")}
    for path in ("/users", f"/users/{world.user_id}/disable", f"/users/{world.user_id}/enable"):
        response = await world.person().http.post(
            f"/internal/tenants/{world.tenant_id}{path}", headers=headers, json={}
        )
        assert response.status_code == 401
        assert response.headers["content-type"] == "application/problem+json"
    assert await world.events() == []


async def test_what_is_not_there_is_not_found(world: World, other: World, bearer: dict[str, str]) -> None:
    nowhere = f"/internal/tenants/{uuid4()}/users"
    body = {"email": "g@example.com", "password": PASSWORD}
    assert (await world.person().http.post(nowhere, json=body, headers=bearer)).status_code == 404
    for verb in ("disable", "enable"):
        for user_id in (uuid4(), other.user_id):  # another tenant's is nobody
            assert (await post(world, f"/users/{user_id}/{verb}", bearer)).status_code == 404
    assert await other.events() == []


async def test_disabling_ends_sessions_and_voids_grants(world: World, bearer: dict[str, str]) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(5)
    for _ in range(2):  # twice does it once
        assert (await post(world, f"/users/{world.user_id}/disable", bearer)).status_code == 204
    assert (
        "error=login_required" in (await person.http.get(world.authorize(prompt="none"))).headers["location"]
    )
    assert (await world.person().sign_in()).status_code == 422
    [user] = await world.seed.fetch("select * from authorize.users where user_id = $1", world.user_id)
    assert user["grants_valid_from"] == world.clock()
    for _ in range(2):
        assert (await post(world, f"/users/{world.user_id}/enable", bearer)).status_code == 204
    kinds = [kind for kind, _, _ in await world.events()]
    assert kinds == ["session.started", "user.disabled", "user.enabled"]
    # what was void stays void; the password is good again
    assert (
        "error=login_required" in (await person.http.get(world.authorize(prompt="none"))).headers["location"]
    )
    world.clock.advance(5)
    fresh = world.person()
    await fresh.sign_in()
    assert "code" in answer(await fresh.http.get(world.authorize()))
