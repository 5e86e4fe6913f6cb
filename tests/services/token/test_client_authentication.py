"""Who is asking (RFC 6749 §2.3): one body for every refusal."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from deploy.local.stack import Stack
from services.token.flows.client_authentication import Presented, authenticate
from services.token.flows.clients import Clients
from shared.db import Database
from shared.directory import get_tenant_by_slug
from shared.oauth.errors import OAuthError
from shared.oauth.types import ClientType
from shared.observations import Observations
from shared.secret import Secret
from tests.services.token.conftest import World
from tests.support.seed import Seed, some_slug

GRANT = {"grant_type": "client_credentials"}


async def test_basic_and_post_both_work(world: World) -> None:
    assert (await world.post("token", GRANT)).status_code == 200
    posted = GRANT | {"client_id": world.client_id, "client_secret": world.client_secret}
    assert (await world.post("token", posted, auth=None)).status_code == 200


async def test_basic_credentials_are_form_decoded(world: World) -> None:
    encoded = base64.b64encode(
        f"{quote(world.client_id, safe='')}:{quote(world.client_secret, safe='')}".encode()
    )
    headers = {"Authorization": f"Basic {encoded.decode()}"}
    assert (await world.post("token", GRANT, auth=None, headers=headers)).status_code == 200


async def test_every_refusal_reads_the_same(world: World) -> None:
    expired = await world.seed.secret(world.tenant_id, world.client_id, world.clock() - timedelta(seconds=1))
    spa = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, spa, ClientType.SPA)
    disabled = f"{world.slug}-off"
    off_secret = await world.seed.client(world.tenant_id, disabled, disabled_at=world.clock())
    assert off_secret is not None
    refusals = [
        await world.post("token", GRANT, auth=("nobody", "x")),
        await world.post("token", GRANT, auth=(world.client_id, "x")),
        await world.post("token", GRANT, auth=(world.client_id, expired)),
        await world.post("token", GRANT, auth=(disabled, off_secret)),
        await world.post("token", GRANT, auth=(spa, "x")),
        await world.post("token", GRANT | {"client_id": world.client_id}, auth=None),
        await world.post("token", GRANT, auth=None),
        await world.post("token", GRANT, auth=None, headers={"Authorization": "Basic !!!"}),
        await world.post("token", GRANT, auth=("a\x00b", "x")),
        await world.post("token", GRANT, auth=("a%00b", "x")),
        await world.post("token", GRANT, auth=None, headers={"Authorization": "Bearer x"}),
        await world.post("token", GRANT | {"client_assertion": "x"}, auth=None),
    ]
    assert {answer.status_code for answer in refusals} == {401}
    assert len({answer.content for answer in refusals}) == 1
    assert refusals[0].json()["error"] == "invalid_client"
    assert all(answer.headers["www-authenticate"].startswith("Basic") for answer in refusals)


async def test_two_ways_at_once_are_refused(world: World) -> None:
    both = await world.post("token", GRANT | {"client_secret": world.client_secret})
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    other = await world.post("token", GRANT | {"client_id": "another"})
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type"])
async def test_an_assertion_is_not_overlooked_beside_what_would_do(world: World, name: str) -> None:
    """RFC 6749 §2.3: one way at a time. A public client that brings one means to be more than that."""
    spa = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, spa, ClientType.SPA)
    secret = await world.post("token", GRANT | {name: "x"})
    public = await world.post("token", GRANT | {name: "x", "client_id": spa}, auth=None)
    assert [each.json()["error"] for each in (secret, public)] == ["invalid_client"] * 2


async def test_a_new_secret_works_at_once_and_the_old_one_until_it_expires(world: World) -> None:
    assert (await world.post("token", GRANT)).status_code == 200  # cached from here on
    await world.seed.execute(
        "update admin.client_secrets set expires_at = $2 where tenant_id = $1",
        world.tenant_id,
        world.clock() + timedelta(seconds=60),
    )
    new = await world.seed.secret(world.tenant_id, world.client_id)
    await asyncio.sleep(1.05)  # a wrong secret is looked up again at most once a second
    assert (await world.post("token", GRANT, auth=(world.client_id, new))).status_code == 200
    assert (await world.post("token", GRANT)).status_code == 200
    world.clock.advance(61)
    assert (await world.post("token", GRANT)).status_code == 401


async def test_a_new_secret_counts_with_what_else_is_new_of_its_client(stores: Stack, seed: Seed) -> None:
    """The secret is newer than the cache; and so is that the client has been disabled."""
    slug = some_slug()
    tenant_id = await seed.tenant(slug)
    await seed.client(tenant_id, slug)
    database = Database(Secret(stores.postgres.service_url("token")), pool_size=1)
    async with database.connection() as connection:
        tenant = await get_tenant_by_slug(connection, slug)
    assert tenant is not None
    clients = Clients(database, ttl_s=60)
    await clients.get(tenant_id, slug)  # cached from here on
    new = Presented(slug, await seed.secret(tenant_id, slug))
    await seed.execute("update admin.clients set disabled_at = now() where tenant_id = $1", tenant_id)
    await asyncio.sleep(1.05)
    with pytest.raises(OAuthError) as refused:
        await authenticate(tenant, new, clients, Observations(database), datetime.now(UTC))
    assert refused.value.reason == "disabled"
    await database.close()


async def test_a_wrong_secret_does_not_have_the_right_ones_use_noted_anew(stores: Stack, seed: Seed) -> None:
    """It is looked up anew, by anybody's wish."""
    tenant_id, client_id = await seed.tenant(some_slug()), some_slug()
    await seed.client(tenant_id, client_id)
    database = Database(Secret(stores.postgres.service_url("token")), pool_size=1)
    clients = Clients(database, ttl_s=60)
    cached = await clients.get(tenant_id, client_id)
    assert cached is not None
    cached.secrets[0].noted_at = datetime.now(UTC)
    anew = await clients.get(tenant_id, client_id, max_age_s=0)
    assert anew is not None
    assert anew is not cached
    assert anew.secrets[0].noted_at == cached.secrets[0].noted_at
    await database.close()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({"scope": "x"}, "invalid_request", id="no grant_type"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="password grant"),
        pytest.param({"grant_type": "authorization_code"}, "invalid_request", id="no code"),
        pytest.param({"grant_type": "refresh_token"}, "invalid_request", id="no refresh_token"),
        pytest.param(GRANT | {"scope": "openid"}, "invalid_scope", id="user's scope without a user"),
        pytest.param(GRANT | {"scope": "nope"}, "invalid_scope", id="unknown scope"),
        pytest.param(GRANT | {"resource": "https://other.example"}, "invalid_target", id="unknown resource"),
    ],
)
async def test_a_bad_request_is_named(world: World, form: dict[str, str], error: str) -> None:
    refused = await world.post("token", form)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert refused.headers["cache-control"] == "no-store"


async def test_grant_outside_the_clients_settings(world: World) -> None:
    spa = f"{world.slug}-spa"
    await world.seed.client(world.tenant_id, spa, ClientType.SPA)
    refused = await world.post("token", GRANT | {"client_id": spa}, auth=None)
    assert refused.json()["error"] == "unauthorized_client"


async def test_repeated_parameters_json_and_queries_are_refused(world: World) -> None:
    form = "grant_type=client_credentials&grant_type=client_credentials"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    url, auth = f"/t/{world.slug}/token", (world.client_id, world.client_secret)
    repeated = await world.http.post(url, content=form, headers=headers, auth=auth)
    assert repeated.json()["error"] == "invalid_request"
    assert (await world.http.post(url, json=GRANT, auth=auth)).status_code == 415
    assert (await world.http.get(url, params=GRANT, auth=auth)).status_code == 405
    in_query = await world.http.post(url, params=GRANT, data=GRANT, auth=auth)
    assert (in_query.status_code, in_query.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke", "userinfo"])
async def test_a_second_authorization_is_not_overlooked(world: World, endpoint: str) -> None:
    """The gateway refuses it; so does the service, where something else may stand before it."""
    tokens = await world.sign_in()
    basic = "Basic " + base64.b64encode(f"{world.client_id}:{world.client_secret}".encode()).decode()
    good = f"Bearer {tokens['access_token']}" if endpoint == "userinfo" else basic
    name = "refresh_token" if endpoint == "token" else "token"
    form = {"grant_type": "refresh_token", name: tokens["refresh_token"]}
    for other in ("Basic eDp5", "Bearer x", good):
        for pair in ((good, other), (other, good)):
            headers = [("Authorization", value) for value in pair]
            answer = await world.http.post(f"/t/{world.slug}/{endpoint}", data=form, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
            assert answer.headers["vary"] == "Origin"  # decided for a browser as every answer is
    assert await world.is_active(tokens["refresh_token"])


async def test_an_unknown_tenant_is_not_found(world: World) -> None:
    assert (await world.http.post("/t/nobody-here/token", data=GRANT)).status_code == 404


async def test_a_disabled_tenant_authenticates_nobody(world: World) -> None:
    await world.seed.execute(
        "update admin.tenants set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    assert (await world.post("token", GRANT)).status_code == 401
