"""Verifiers never fail: the real jwks and token services, a clock to turn, two verifiers that keep a JWKS for
exactly its max-age and ask for it no sooner, an unknown `kid` or not, and one that always has the newest.

On servers of its own, because the turned clock would rotate the keys of every other test's tenants.
NATS is away: changes are known by the short lifetime of caches alone.
"""

import asyncio
import base64
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import datetime

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

import services.jwks.app
import services.token.app
from deploy.local.stack import Stack
from services.jwks.flows import rotation
from services.jwks.settings import Settings as JwksSettings
from services.token.settings import Settings as TokenSettings
from shared.oauth.types import ClientType
from shared.settings import load
from tests.support.clock import FakeClock
from tests.support.seed import Seed, some_slug
from tests.support.serve import serve

DAY = 86_400
MAX_AGE = 300
TTL = 600  # of access tokens
STEP = 120


class Verifier:
    """A backend: fetches the JWKS when its copy is as old as it may be, and never otherwise."""

    def __init__(self, world: "World", keeps_s: float = MAX_AGE) -> None:
        self._world = world
        self._keeps_s = keeps_s
        self._keys: KeySet | None = None
        self._fetched_at: datetime | None = None

    async def accepts(self, token: str) -> bool:
        now = self._world.clock()
        if self._fetched_at is None or (now - self._fetched_at).total_seconds() >= self._keeps_s:
            await self.fetch()
        assert self._keys is not None
        try:
            jwt.decode(token, self._keys, algorithms=["RS256", "ES256"])
        except (JoseError, ValueError):
            return False
        return True

    async def fetch(self) -> None:
        answer = await self._world.jwks.get(f"/t/{self._world.slug}/jwks.json")
        assert answer.headers["cache-control"] == f"public, max-age={MAX_AGE}"
        self._keys = KeySet.import_key_set(answer.json())
        self._fetched_at = self._world.clock()


class World:
    def __init__(self, own: Stack, slug: str) -> None:
        self.own, self.slug = own, slug
        self.clock = FakeClock()
        self.seed = Seed(own.postgres.superuser_url)
        self.secret = ""
        self.new_kek = f"new-1:{base64.b64encode(os.urandom(32)).decode()}"
        self.keks = own.secrets["key-encryption-keys"]
        self.jwks: httpx2.AsyncClient
        self.token: httpx2.AsyncClient
        self.out: list[tuple[float, str]] = []
        self.verifiers = [Verifier(self), Verifier(self), Verifier(self, keeps_s=0)]
        self._services: AsyncExitStack

    async def serve_jwks(self, running: AsyncExitStack, keks: str) -> None:
        environment = self._environment("jwks", keks)
        app = services.jwks.app.create_app(load(JwksSettings, environment), clock=self.clock)
        self.jwks = httpx2.AsyncClient(
            base_url=await running.enter_async_context(serve(app)),
            headers={"Authorization": f"Bearer {self.own.secrets['jwks-token']}"},
        )
        await running.enter_async_context(self.jwks)

    async def serve_token(self, running: AsyncExitStack) -> None:
        environment = self._environment("token", f"{self.keks},{self.new_kek}")
        app = services.token.app.create_app(load(TokenSettings, environment), clock=self.clock)
        url = await running.enter_async_context(serve(app))
        self.token = await running.enter_async_context(httpx2.AsyncClient(base_url=url))

    def _environment(self, service: str, keks: str) -> dict[str, str]:
        environment = self.own.environment(
            service,
            MTAS_NATS_URL="nats://127.0.0.1:1",
            MTAS_CACHE_TTL_S="0.02",
            MTAS_JWKS_MAX_AGE_S=str(MAX_AGE),
            MTAS_KEY_ENCRYPTION_KEYS=keks,
        )
        environment.pop("MTAS_KEY_ENCRYPTION_KEYS_FILE")
        return environment

    async def mint(self) -> str:
        form = {"grant_type": "client_credentials"}
        for _ in range(100):
            answer = await self.token.post(f"/t/{self.slug}/token", data=form, auth=(self.slug, self.secret))
            if answer.status_code == 200:
                return str(answer.json()["access_token"])
            assert answer.status_code == 503, answer.text  # the first key is being made
            await asyncio.sleep(0.1)
        raise AssertionError("no key")

    async def pass_time(self, seconds: float) -> None:
        """Turn the clock, let the services do what is due, mint; everything that is out verifies."""
        self.clock.advance(seconds)
        await asyncio.sleep(0.07)
        now = self.clock().timestamp()
        self.out = [(expires_at, token) for expires_at, token in self.out if expires_at > now]
        self.out.append((now + TTL, await self.mint()))
        for verifier in self.verifiers if int(now) % 2 else self.verifiers[::-1]:
            for _, token in self.out:
                assert await verifier.accepts(token)

    async def on_request(self, what: str, **body: object) -> None:
        """`rotate` or `import`. A verifier has the JWKS from just before, which is as old as one may get."""
        await self.verifiers[0].fetch()
        (row,) = await self.seed.fetch("select tenant_id from admin.tenants where slug = $1", self.slug)
        path = f"/internal/tenants/{row['tenant_id']}/signing-keys/{what}"
        answer = await self.jwks.post(path, json=body)
        assert answer.status_code == 200, answer.text

    async def through_a_rotation(self) -> None:
        """From the publication of a key until the one before it is gone."""
        async with asyncio.timeout(20):  # an RSA key takes its time, which the clock here knows nothing of
            while "pending" not in [state for state, _, _ in await self.states()]:
                await asyncio.sleep(0.02)
        for _ in range(3):
            await self.pass_time(STEP)
        await self.pass_time(DAY - 6 * STEP)
        # The second verifier is out of step with the first.
        self.clock.advance(STEP / 2)
        await self.verifiers[1].fetch()
        for _ in range(4 + (TTL + 1020) // STEP):
            await self.pass_time(STEP)

    async def states(self) -> list[tuple[str, str, int | None]]:
        rows = await self.seed.fetch(
            "select state, alg, rsa_bits from jwks.signing_keys k join admin.tenants using (tenant_id)"
            " where slug = $1 order by k.activates_at",
            self.slug,
        )
        return [(row["state"], row["alg"], row["rsa_bits"]) for row in rows]

    async def set(self, column: str, value: object) -> None:
        await self.verifiers[0].fetch()
        await self.seed.execute(f"update admin.tenants set {column} = $2 where slug = $1", self.slug, value)


def own_key() -> str:
    key = rsa.generate_private_key(65537, 4096)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("mtas-verifiers") / "data"
    with Stack(folder, services=(), spare_ports=True, durable=False) as stack:
        yield stack


@pytest.fixture
async def world(own: Stack, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(rotation, "PERIOD_S", 0.02)
    monkeypatch.setattr(rotation, "FIRST_KEYS_PERIOD_S", 0.05)
    world = World(own, some_slug())
    tenant_id = await world.seed.tenant(world.slug, access_token_ttl_s=TTL, id_token_ttl_s=TTL)
    world.secret = await world.seed.client(tenant_id, world.slug, ClientType.MACHINE) or ""
    return world


async def test_verifiers_never_fail_while_keys_change_in_order(world: World) -> None:
    async with AsyncExitStack() as running:
        await world.serve_token(running)
        async with AsyncExitStack() as jwks:
            await world.serve_jwks(jwks, world.keks)
            await world.mint()

            await world.on_request("rotate")
            await world.through_a_rotation()
            assert [state for state, _, _ in await world.states()] == ["retired", "active"]

            await world.set("signing_key_bits", 3072)
            await world.through_a_rotation()
            assert (await world.states())[-2:] == [("retired", "RS256", 2048), ("active", "RS256", 3072)]

            await world.on_request("import", pem=own_key())
            await world.through_a_rotation()
            assert (await world.states())[-2:] == [("retired", "RS256", 3072), ("active", "RS256", 4096)]

            await world.set("signing_alg", "ES256")
            await world.through_a_rotation()
            assert (await world.states())[-2:] == [("retired", "RS256", 4096), ("active", "ES256", None)]

        # Sealed anew: what was the second key-encryption key is the first now.
        await world.serve_jwks(running, f"{world.new_kek},{world.keks}")
        for _ in range(5):
            await world.pass_time(STEP)
        sealed = await world.seed.fetch("select kek_id from jwks.signing_keys where state <> 'retired'")
        assert [row["kek_id"] for row in sealed] == ["new-1"]

        # A scheduled one, under it.
        await world.pass_time(89 * DAY)
        await world.through_a_rotation()
        assert (await world.states())[-2:] == [("retired", "ES256", None), ("active", "ES256", None)]


async def test_an_emergency_is_known_within_the_max_age(world: World) -> None:
    """By design the one rotation that verifiers notice: what is out becomes void. A verifier that
    keeps to its copy takes the void for good, and the new ones for bad, for the max-age at most; one that
    fetches for an unknown `kid`, as the SDKs do, takes the new ones at once."""
    async with AsyncExitStack() as running:
        await world.serve_token(running)
        await world.serve_jwks(running, world.keks)
        keeps, fetches, _ = world.verifiers
        former = await world.mint()
        assert await keeps.accepts(former)
        await world.on_request("rotate", emergency=True, reason="exercise")
        await asyncio.sleep(0.15)
        new = await world.mint()
        assert (await keeps.accepts(former), await keeps.accepts(new)) == (True, False)
        await fetches.fetch()
        assert (await fetches.accepts(former), await fetches.accepts(new)) == (False, True)
        world.clock.advance(MAX_AGE)
        assert (await keeps.accepts(former), await keeps.accepts(new)) == (False, True)
