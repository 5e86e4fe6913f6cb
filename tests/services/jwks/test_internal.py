"""`/internal`: rotation on request, in order and in an emergency."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from deploy.local.stack import Stack
from services.jwks.app import create_app
from services.jwks.settings import Settings
from shared.settings import load
from tests.services.jwks.rotator import DAY, Rotator, verifies
from tests.support.serve import serve


@pytest.fixture
def jwks(standing: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return standing


async def rotate(jwks: httpx2.AsyncClient, tenant: Rotator, **body: Any) -> httpx2.Response:
    response = await jwks.post(f"/internal/tenants/{tenant.tenant_id}/signing-keys/rotate", json=body)
    tenant.signing.forget(tenant.tenant_id)  # as the event would make it
    tenant.context.published.forget(tenant.tenant_id)
    return response


async def test_the_next_key_is_published_at_once_and_signs_a_day_later(
    jwks: httpx2.AsyncClient, tenant: Rotator
) -> None:
    first = await tenant.kid("active")
    responses = [await rotate(jwks, tenant, reason="yearly drill", actor="operator") for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[0].json() == responses[1].json(), "asked twice it happens once"
    rotated = responses[0].json()
    assert (rotated["state"], rotated["withdrawn"]) == ("pending", [])
    assert rotated["kid"] == await tenant.kid("pending")
    assert rotated["kid"] in (await jwks.get(f"/t/{tenant.slug}/jwks.json")).text
    token = await tenant.sign()
    assert await tenant.kid("active") == first
    await tenant.later(DAY)
    assert await tenant.kid("active") == rotated["kid"]
    for each in (token, await tenant.sign()):
        assert verifies(each, await tenant.jwks())


async def test_a_next_key_that_no_longer_fits_gives_way(jwks: httpx2.AsyncClient, tenant: Rotator) -> None:
    """Also where nobody has heard yet what the tenant has chosen since."""
    former = (await rotate(jwks, tenant)).json()["kid"]
    await tenant.set(signing_key_bits=3072)
    following = (await rotate(jwks, tenant)).json()
    assert following["rsa_bits"] == 3072
    assert following["kid"] == await tenant.kid("pending")
    assert former == await tenant.kid("retired")
    assert ("retired", former) in await tenant.events()


async def test_an_emergency_withdraws_every_key_at_once(jwks: httpx2.AsyncClient, tenant: Rotator) -> None:
    await tenant.later(89 * DAY)
    await tenant.later(DAY)
    await rotate(jwks, tenant)
    assert sorted(await tenant.states()) == ["active", "pending", "retiring"]
    former = {key["kid"] for key in await tenant.keys()}
    compromised = await tenant.sign()
    cached = await jwks.get(f"/t/{tenant.slug}/jwks.json")

    answer = await rotate(jwks, tenant, emergency=True, reason="key_compromise", actor="operator")
    assert answer.status_code == 200
    assert set(answer.json()["withdrawn"]) == former
    published = await jwks.get(
        f"/t/{tenant.slug}/jwks.json", headers={"If-None-Match": cached.headers["etag"]}
    )
    assert published.status_code == 200
    assert [key["kid"] for key in published.json()["keys"]] == [answer.json()["kid"]]
    assert not verifies(compromised, published.content)
    assert verifies(await tenant.sign(), published.content), "the new key signs at once"
    for key in await tenant.keys():
        assert (key["sealed_private_key"] is None) == (key["kid"] in former)
        assert (key["withdrawn_at"] is not None) == (key["kid"] in former)

    retired = await tenant.seed.fetch(
        "select data from events.outbox where tenant_id = $1 and type = 'signing_key.retired'",
        tenant.tenant_id,
    )
    assert len(retired) == 3
    assert '"note": "key_compromise"' in retired[0]["data"]
    assert '"operator"' in retired[0]["data"]


async def test_emergencies_and_rotators_at_once_leave_one_key_that_signs(
    jwks: httpx2.AsyncClient, tenant: Rotator
) -> None:
    answers = await asyncio.gather(
        *(rotate(jwks, tenant, emergency=number % 2 == 0) for number in range(6)),
        *(tenant.turn() for _ in range(3)),
    )
    assert {answer.status_code for answer in answers if isinstance(answer, httpx2.Response)} == {200}
    states = await tenant.states()
    assert states.count("active") == 1
    assert states.count("pending") <= 1
    assert verifies(await tenant.sign(), await tenant.jwks())


async def test_what_authorize_holds_turns_no_key(
    stores: Stack, jwks: httpx2.AsyncClient, tenant: Rotator
) -> None:
    """It could import one of its own, and sign for anybody."""
    path = f"/internal/tenants/{tenant.tenant_id}/signing-keys/rotate"
    theirs = stores.environment("authorize")
    assert not [name for name in theirs if "JWKS_TOKEN" in name]
    held = {"Authorization": f"Bearer {stores.secrets['internal-token']}"}
    assert (await jwks.post(path, json={}, headers=held)).status_code == 401


async def test_without_a_token_of_its_own_it_takes_the_one_of_all(stores: Stack, tenant: Rotator) -> None:
    environment = stores.environment("jwks", MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_JWKS_TOKEN="")
    del environment["MTAS_JWKS_TOKEN_FILE"]
    held = {"Authorization": f"Bearer {stores.secrets['internal-token']}"}
    async with (
        serve(create_app(load(Settings, environment), clock=tenant.clock)) as url,
        httpx2.AsyncClient(base_url=url, headers=held) as http,
    ):
        assert (await http.get("/internal/key-schedule")).status_code == 200


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer x", "Basic eDp4", "Bearer \xff"])
async def test_nobody_else_may(jwks: httpx2.AsyncClient, tenant: Rotator, given: str | None) -> None:
    path = f"/internal/tenants/{tenant.tenant_id}/signing-keys/rotate"
    headers = {} if given is None else {b"Authorization": given.encode("latin-1")}
    async with httpx2.AsyncClient(base_url=jwks.base_url) as http:
        response = await http.post(path, headers=headers, json={"emergency": True})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert await tenant.states() == ["active"]


async def test_what_is_wrong_is_said(jwks: httpx2.AsyncClient, tenant: Rotator) -> None:
    bodies: list[Any] = [{"emergency": "yes"}, {"urgent": True}, {"reason": "x" * 501}, []]
    for body in bodies:
        response = await jwks.post(f"/internal/tenants/{tenant.tenant_id}/signing-keys/rotate", json=body)
        assert response.status_code == 422, body
    nobody = await jwks.post(f"/internal/tenants/{uuid4()}/signing-keys/rotate", json={})
    assert nobody.status_code == 404
    assert await tenant.states() == ["active"]
