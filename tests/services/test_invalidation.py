"""What one process changes the others know within a second, and could have kept what they had for minutes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import pytest

import services.jwks.app
import services.token.app
from deploy.local.stack import Stack
from services.jwks.settings import Settings as JwksSettings
from services.token.flows.signing_keys import SigningKeys
from services.token.settings import Settings as TokenSettings
from shared.events.catalog import ClientSecretRotated
from shared.events.outbox import Relay
from shared.oauth.types import ClientType
from shared.settings import load
from tests.support.events import bus_of, connected, database_of, running, write
from tests.support.seed import Seed, some_slug
from tests.support.serve import serve
from tests.support.tokens import header


@dataclass
class Processes:
    """Two of jwks and one of token, over a tenant of their own."""

    jwks: httpx2.AsyncClient
    other_jwks: httpx2.AsyncClient
    token: httpx2.AsyncClient
    signing_keys: SigningKeys
    slug: str
    tenant_id: UUID
    secret: str

    async def replace_keys(self) -> str:
        """In an emergency, by one of the two. The kid of the only key from now on."""
        path = f"/internal/tenants/{self.tenant_id}/signing-keys/rotate"
        answer = await self.jwks.post(path, json={"emergency": True, "reason": "exercise"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["kid"])

    async def published(self) -> list[str]:
        """By the other one."""
        answer = await self.other_jwks.get(f"/t/{self.slug}/jwks.json")
        return [key["kid"] for key in answer.json().get("keys", [])]

    async def mint(self) -> httpx2.Response:
        form = {"grant_type": "client_credentials"}
        return await self.token.post(f"/t/{self.slug}/token", data=form, auth=(self.slug, self.secret))

    async def signs_with(self) -> str:
        answer = await self.mint()
        return str(header(answer.json()["access_token"])["kid"]) if answer.status_code == 200 else ""

    def open_keys(self) -> set[str]:
        """In the memory of token."""
        return {sealed.kid for _, sealed in self.signing_keys._parsed._entries}


@pytest.fixture
async def processes(stores: Stack, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Processes]:
    made: list[SigningKeys] = []

    def signing_keys(*args: Any, **settings: Any) -> SigningKeys:
        made.append(SigningKeys(*args, **settings))
        return made[-1]

    async def rest(_context: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(services.token.app, "SigningKeys", signing_keys)
    # The database is everybody's, and so are the keys that would be turned.
    monkeypatch.setattr(services.jwks.app, "keep_turning", rest)
    jwks = load(JwksSettings, stores.environment("jwks", MTAS_CACHE_TTL_S="300"))
    token = load(TokenSettings, stores.environment("token", MTAS_CACHE_TTL_S="300"))
    slug = some_slug()
    tenant_id = await seed.tenant(slug)
    secret = await seed.client(tenant_id, slug, ClientType.MACHINE)
    assert secret is not None
    async with AsyncExitStack() as on:
        clients = []
        for app in (
            services.jwks.app.create_app(jwks),
            services.jwks.app.create_app(jwks),
            services.token.app.create_app(token),
        ):
            http = httpx2.AsyncClient(
                base_url=await on.enter_async_context(serve(app)),
                headers={"Authorization": f"Bearer {stores.secrets['jwks-token']}"},
            )
            clients.append(await on.enter_async_context(http))
        for http in clients:
            await until(lambda http=http: hears(http), 5)  # type: ignore[misc]
        one, other, signing = clients
        yield Processes(one, other, signing, made[0], slug, tenant_id, secret)


async def hears(process: httpx2.AsyncClient) -> bool:
    metrics = (await process.get("/metrics")).text.splitlines()
    return any(line.startswith("mtas_nats_connected") and line.endswith(" 1.0") for line in metrics)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 1.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_a_withdrawn_key_signs_and_verifies_nowhere(processes: Processes) -> None:
    """And no private key stays open that will not sign again."""
    for _ in range(2):
        kid = await processes.replace_keys()

        async def everywhere(kid: str = kid) -> bool:
            published, signing = await processes.published(), await processes.signs_with()
            return (published, signing, processes.open_keys()) == ([kid], kid, {kid})

        await until(everywhere)


async def test_a_secret_that_was_ended_authenticates_nowhere(
    processes: Processes, stores: Stack, seed: Seed
) -> None:
    """Also where nobody has used the new one yet."""
    await processes.replace_keys()
    assert (await processes.mint()).status_code == 200
    await seed.execute(
        "update admin.client_secrets set expires_at = now() where tenant_id = $1", processes.tenant_id
    )
    assert (await processes.mint()).status_code == 200  # as it was read
    bus = bus_of(stores, "admin")
    async with database_of(stores, "admin") as admin:
        relay = Relay(admin, bus, "admin")
        async with running(bus.run(), relay.run()):
            await connected(bus)
            rotated = ClientSecretRotated(actor="t", former_expires_at=None)
            await write(admin, processes.tenant_id, processes.slug, rotated)
            relay.nudge()

            async def is_refused() -> bool:
                return (await processes.mint()).status_code == 401

            await until(is_refused)
