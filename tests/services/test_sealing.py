"""Signing keys under a KMS: sealed and opened there, away for a while, moved there and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

import services.jwks.app
import services.token.app
import shared.transit
from deploy.local.stack import Stack
from services.jwks.flows.sealing import reseal
from services.jwks.settings import Settings as JwksSettings
from services.token.settings import Settings as TokenSettings
from shared.keys import KeySealer, LocalKeySealer, SealerAway, UnsealError
from shared.oauth.types import ClientType
from shared.sealing import EitherKeySealer, choose_sealer
from shared.secret import Secret
from shared.settings import load
from shared.transit import TransitKeySealer
from tests.services.jwks.rotator import DAY, Rotator, rotator, verifies
from tests.support.clock import FakeClock
from tests.support.seed import Seed, some_slug
from tests.support.serve import serve
from tests.support.transit import TOKEN, Transit, transit

AWAY_S = 0.2  # instead of the second that one who was away is not asked again
TIMEOUT_S = 0.5


@pytest.fixture
async def kms(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Transit]:
    monkeypatch.setattr(shared.transit, "_AWAY_S", AWAY_S)
    monkeypatch.setattr(shared.transit, "_TIMEOUT_S", TIMEOUT_S)
    async with transit() as kms:
        yield kms


def sealer_of(kms: Transit, token: str = TOKEN) -> TransitKeySealer:
    return TransitKeySealer(f"{kms.url}/v1/transit", "mtas", Secret(token))


@pytest.mark.parametrize("kind", ["local", "transit"])
async def test_every_sealer_opens_only_for_the_tenant_and_kid(kms: Transit, kind: str) -> None:
    sealer: KeySealer = LocalKeySealer({"a": bytes(32)}) if kind == "local" else sealer_of(kms)
    tenant_id = uuid4()
    kek_id, sealed = await sealer.seal(b"private", tenant_id, "kid")
    assert kek_id == sealer.sealing_id
    assert b"private" not in sealed
    assert await sealer.open(kek_id, sealed, tenant_id, "kid") == b"private"
    for wrong in ((uuid4(), "kid"), (tenant_id, "other")):
        with pytest.raises(UnsealError):
            await sealer.open(kek_id, sealed, *wrong)
    with pytest.raises(UnsealError):
        await sealer.open(kek_id, b"broken", tenant_id, "kid")
    await sealer.close()


@pytest.mark.parametrize("mood", ["sealed", "forbidden", "nonsense"])
async def test_a_kms_that_cannot_is_away_and_never_gives_plaintext(kms: Transit, mood: str) -> None:
    sealer = sealer_of(kms)
    kek_id, sealed = await sealer.seal(b"private", UUID(int=1), "kid")
    kms.mood = mood
    with pytest.raises(SealerAway):
        await sealer.seal(b"private", UUID(int=1), "kid")
    await asyncio.sleep(AWAY_S + 0.05)  # refused without trying, meanwhile
    with pytest.raises(SealerAway):
        await sealer.open(kek_id, sealed, UUID(int=1), "kid")
    kms.mood = "well"
    await asyncio.sleep(AWAY_S + 0.05)
    assert await sealer.open(kek_id, sealed, UUID(int=1), "kid") == b"private"
    await sealer.close()


async def test_while_the_kms_is_away_it_is_not_asked_for_each_request(kms: Transit) -> None:
    sealer = sealer_of(kms)
    kms.mood = "sealed"
    for _ in range(50):
        with pytest.raises(SealerAway):
            await sealer.seal(b"private", UUID(int=1), "kid")
    assert len(kms.calls) <= 2
    await sealer.close()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"MTAS_KEY_SEALER": "local"}, "MTAS_KEY_ENCRYPTION_KEYS"),
        ({}, "MTAS_TRANSIT_URL"),
        ({"MTAS_TRANSIT_URL": "http://vault.internal/v1/transit"}, "MTAS_TRANSIT_URL"),
        ({"MTAS_TRANSIT_URL": "ftp://127.0.0.1/v1/transit"}, "MTAS_TRANSIT_URL"),
        (
            {"MTAS_TRANSIT_URL": "https://vault.internal/v1/transit", "MTAS_TRANSIT_KEY": ""},
            "MTAS_TRANSIT_KEY",
        ),
    ],
)
def test_a_sealer_that_would_not_work_does_not_start(changes: dict[str, str], complaint: str) -> None:
    environment = {
        "MTAS_DATABASE_URL": "x",
        "MTAS_NATS_URL": "x",
        "MTAS_INTERNAL_TOKEN": "x" * 32,
        "MTAS_KEY_SEALER": "transit",
    } | changes
    with pytest.raises(ValueError, match=complaint):
        choose_sealer(load(JwksSettings, environment))


# The services ----------------------------------------------------------------------------------


class Pair:
    """jwks and token over one tenant of their own, without NATS; short caches tell of a change."""

    def __init__(self, stores: Stack, kms: Transit, clock: FakeClock) -> None:
        self.stores, self.kms, self.clock = stores, kms, clock

    @asynccontextmanager
    async def jwks(self) -> AsyncIterator[httpx2.AsyncClient]:
        app = services.jwks.app.create_app(load(JwksSettings, self._environment("jwks")), clock=self.clock)
        headers = {"Authorization": f"Bearer {self.stores.secrets['jwks-token']}"}
        async with serve(app) as url, httpx2.AsyncClient(base_url=url, headers=headers) as http:
            yield http

    @asynccontextmanager
    async def token(self) -> AsyncIterator[httpx2.AsyncClient]:
        app = services.token.app.create_app(load(TokenSettings, self._environment("token")), clock=self.clock)
        async with serve(app) as url, httpx2.AsyncClient(base_url=url) as http:
            yield http

    def _environment(self, service: str) -> dict[str, str]:
        return self.stores.environment(
            service, **self.kms.settings(MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_CACHE_TTL_S="0.2")
        )


async def _rest(_context: object) -> None:
    await asyncio.Event().wait()


class Tenant:
    def __init__(self, slug: str, tenant_id: UUID, secret: str | None) -> None:
        self.slug, self.tenant_id, self.secret = slug, tenant_id, secret or ""

    async def mint(self, token: httpx2.AsyncClient) -> httpx2.Response:
        form = {"grant_type": "client_credentials"}
        return await token.post(f"/t/{self.slug}/token", data=form, auth=(self.slug, self.secret))

    async def rotate(self, jwks: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
        return await jwks.post(f"/internal/tenants/{self.tenant_id}/signing-keys/rotate", json=body)


async def new_tenant(seed: Seed) -> Tenant:
    slug = some_slug()
    tenant_id = await seed.tenant(slug)
    return Tenant(slug, tenant_id, await seed.client(tenant_id, slug, ClientType.MACHINE))


@pytest.fixture
def pair(stores: Stack, kms: Transit, monkeypatch: pytest.MonkeyPatch) -> Pair:
    # The database is everybody's: left to itself, jwks would move all of the other tests' keys to the KMS.
    monkeypatch.setattr(services.jwks.app, "keep_turning", _rest)
    return Pair(stores, kms, FakeClock())


async def test_tokens_while_the_kms_is_away(pair: Pair, kms: Transit, seed: Seed) -> None:
    one, other = await new_tenant(seed), await new_tenant(seed)
    async with pair.jwks() as jwks, pair.token() as token:
        for tenant in (one, other):
            assert (await tenant.rotate(jwks, emergency=True)).status_code == 200
        assert (await one.mint(token)).status_code == 200
        opened = kms.calls.count("decrypt")
        assert opened == 1

        kms.mood = "sealed"
        await asyncio.sleep(0.3)  # the cache of which key signs has run out
        assert (await one.mint(token)).status_code == 200, "what is parsed needs no KMS"
        refused = await other.mint(token)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert (await token.get("/readyz")).status_code == 200, "it serves whom it can"

        kms.mood = "well"
        await asyncio.sleep(AWAY_S + 0.05)
        answers = await asyncio.gather(*(other.mint(token) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert kms.calls.count("decrypt") == opened + 2, "one that was refused, and one for all twenty"


async def test_a_key_that_does_not_open_is_its_own_apps_trouble(
    pair: Pair, seed: Seed, capfd: pytest.CaptureFixture[str]
) -> None:
    one, other = await new_tenant(seed), await new_tenant(seed)
    async with pair.jwks() as jwks, pair.token() as token:
        for tenant in (one, other):
            assert (await tenant.rotate(jwks, emergency=True)).status_code == 200
        await seed.execute(
            "update jwks.signing_keys k set sealed_private_key = o.sealed_private_key"
            " from jwks.signing_keys o where k.tenant_id = $1 and o.tenant_id = $2",
            one.tenant_id,
            other.tenant_id,
        )
        refused = await one.mint(token)
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert (await other.mint(token)).status_code == 200
    assert "signing key does not open" in "".join(capfd.readouterr())


async def test_a_kms_that_never_answers_costs_a_bounded_time(pair: Pair, kms: Transit, seed: Seed) -> None:
    tenant = await new_tenant(seed)
    async with pair.jwks() as jwks, pair.token() as token:
        assert (await tenant.rotate(jwks, emergency=True)).status_code == 200
        kms.mood = "never"
        begun = asyncio.get_running_loop().time()
        assert (await tenant.mint(token)).status_code == 503
        assert asyncio.get_running_loop().time() - begun < TIMEOUT_S + 2


async def test_no_key_is_made_that_could_not_be_sealed(pair: Pair, kms: Transit, seed: Seed) -> None:
    tenant = await new_tenant(seed)
    async with pair.jwks() as jwks:
        assert (await tenant.rotate(jwks, emergency=True)).status_code == 200
        before = await seed.fetch("select * from jwks.signing_keys where tenant_id = $1", tenant.tenant_id)
        kms.mood = "sealed"
        for emergency in (True, False):
            refused = await tenant.rotate(jwks, emergency=emergency)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
        after = await seed.fetch("select * from jwks.signing_keys where tenant_id = $1", tenant.tenant_id)
        assert after == before
        assert [key["kek_id"] for key in after] == ["transit:mtas"]


# Without a process: one tenant's keys, by turning the clock ---------------------------------------


async def turned(tenant: Rotator, seconds: float) -> None:
    tenant.clock.advance(seconds)
    try:
        await tenant.turn()
    except SealerAway:
        tenant.signing.forget(tenant.tenant_id)


async def test_keys_still_take_over_and_retire_while_the_kms_is_away(
    stores: Stack, seed: Seed, kms: Transit
) -> None:
    sealer = sealer_of(kms)
    async with rotator(stores, seed, FakeClock(), sealer=sealer) as tenant:
        await turned(tenant, 0)
        await turned(tenant, 89 * DAY)
        assert await tenant.states() == ["active", "pending"]
        kms.mood = "sealed"
        await turned(tenant, DAY)
        await turned(tenant, DAY)
        assert await tenant.states() == ["retired", "active"]
        await turned(tenant, 89 * DAY)
        assert await tenant.states() == ["retired", "active"], "the next one waits for the KMS"
        kms.mood = "well"
        await asyncio.sleep(AWAY_S + 0.05)
        await turned(tenant, 0)
        assert await tenant.states() == ["retired", "active", "pending"]
    await sealer.close()


async def test_keys_move_to_the_kms_and_back(stores: Stack, seed: Seed, kms: Transit) -> None:
    clock = FakeClock()
    local, away = LocalKeySealer({"local-1": bytes(32)}), sealer_of(kms)
    async with rotator(stores, seed, clock, sealer=local) as tenant:
        await tenant.turn()
        token = await tenant.sign()
        for seals in (away, local):
            both = EitherKeySealer(seals, local, away)
            async with rotator(stores, seed, clock, sealer=both, of=tenant) as moving:
                assert await reseal(moving.context, tenant.tenant_id) == 1
                assert [key["kek_id"] for key in await tenant.keys()] == [seals.sealing_id]
            async with rotator(stores, seed, clock, sealer=seals, of=tenant) as alone:
                assert verifies(await alone.sign(), await tenant.jwks()), "the other may go"
        assert verifies(token, await tenant.jwks())
    await away.close()


async def test_a_key_that_signs_no_more_does_not_stay_open(stores: Stack, seed: Seed, kms: Transit) -> None:
    """In the token service's memory; the one that signs stays, also while the KMS is away."""
    sealer = sealer_of(kms)
    async with rotator(stores, seed, FakeClock(), sealer=sealer) as tenant:
        await tenant.turn()
        await tenant.sign()
        former = await tenant.kid("active")
        await tenant.later(89 * DAY)
        await tenant.later(DAY)
        await tenant.sign()
        now = await tenant.kid("active")
        opened = kms.calls.count("decrypt")
        tenant.signing.close(tenant.tenant_id, lambda kid: kid != now)
        assert {sealed.kid for _, sealed in tenant.signing._parsed._entries} == {now} != {former}
        kms.mood = "sealed"
        tenant.signing.forget(tenant.tenant_id)
        assert verifies(await tenant.sign(), await tenant.jwks())
        assert kms.calls.count("decrypt") == opened
    await sealer.close()
