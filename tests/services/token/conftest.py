"""The token service on a real socket, with a clock to turn; the jwks service's part is seeded."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from deploy.local.stack import Stack
from services.jwks.flows.key_generation import generate
from services.token.app import create_app
from services.token.settings import Settings
from shared.clock import random_bytes
from shared.keys import LocalKeySealer, parse_keys
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant, generate_code
from shared.oauth.types import ClientType
from shared.secret import Secret, b64url
from shared.settings import load
from shared.valkey import Valkey, open_valkey
from tests.support.clock import FakeClock
from tests.support.seed import Seed, some_slug
from tests.support.serve import serve

VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = b64url(hashlib.sha256(VERIFIER.encode()).digest())
API = "https://api.example"
CACHE_TTL_S = 0.5  # NATS being away, it is this that makes a change known
REDIRECT_URI = "https://app.example/callback"


@dataclass
class World:
    """One tenant with its confidential client and one user, and the service that serves them."""

    http: httpx2.AsyncClient
    clock: FakeClock
    seed: Seed
    valkey: Valkey  # as authorize: may write codes
    reader: Valkey  # as token: may read them
    sealer: LocalKeySealer
    slug: str
    tenant_id: UUID
    client_secret: str
    user_id: UUID

    @property
    def client_id(self) -> str:
        return self.slug

    async def code(self, **changes: Any) -> str:
        """A code, as the authorize service would have left it in Valkey."""
        code = generate_code(random_bytes).reveal()
        grant = CodeGrant(
            **{
                "client_id": self.client_id,
                "redirect_uri": REDIRECT_URI,
                "code_challenge": CHALLENGE,
                "scope": ("openid", "email"),
                "resource": None,
                "nonce": "n-0S6",
                "user_id": self.user_id,
                "session_id": uuid4(),
                "auth_time": self.clock(),
                "expires_at": self.clock() + timedelta(seconds=60),
            }
            | changes
        )
        await self.valkey.set(code_key(self.tenant_id, code), encode_grant(grant), ex=60)
        return code

    async def session(self, *, ended: bool = False) -> UUID:
        """An SSO session of the user, as authorize would have left it."""
        (row,) = await self.seed.fetch(
            "insert into authorize.sessions (tenant_id, token_hash, user_id, auth_time, last_seen_at,"
            " expires_at, ended_at) values ($1, $2, $3, now(), now(), now(), case when $4 then now() end)"
            " returning session_id",
            self.tenant_id,
            random_bytes(32),
            self.user_id,
            ended,
        )
        return UUID(str(row["session_id"]))

    async def post(self, endpoint: str, form: dict[str, str], **changes: Any) -> httpx2.Response:
        """POST as the confidential client; `auth=None` for no Basic credentials."""
        changes.setdefault("auth", (self.client_id, self.client_secret))
        return await self.http.post(f"/t/{self.slug}/{endpoint}", data=form, **changes)

    async def redeem(self, code: str, form: dict[str, str] | None = None, **changes: Any) -> httpx2.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        } | (form or {})
        return await self.post("token", {k: v for k, v in fields.items() if v}, **changes)

    async def refresh(
        self, token: str, form: dict[str, str] | None = None, **changes: Any
    ) -> httpx2.Response:
        fields = {"grant_type": "refresh_token", "refresh_token": token} | (form or {})
        return await self.post("token", fields, **changes)

    async def sign_in(self, **changes: Any) -> dict[str, Any]:
        """Tokens of a fresh grant."""
        response = await self.redeem(await self.code(**changes))
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def is_active(self, token: str) -> bool:
        response = await self.post("introspect", {"token": token})
        assert response.status_code == 200, response.text
        return bool(response.json()["active"])

    async def families(self) -> list[dict[str, Any]]:
        return await self.seed.fetch("select * from token.families where tenant_id = $1", self.tenant_id)

    async def events(self) -> list[dict[str, Any]]:
        """This tenant's events, from the outbox or, once relayed, from JetStream's stream."""
        return await self.seed.fetch("select * from events.outbox where tenant_id = $1", self.tenant_id)


@pytest.fixture(scope="session")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
async def token_url(stores: Stack, clock: FakeClock) -> AsyncIterator[str]:
    # NATS is left away here: nothing of a request may need it, and events stay to be seen.
    environment = stores.environment(
        "token", MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_CACHE_TTL_S=str(CACHE_TTL_S)
    )
    async with serve(create_app(load(Settings, environment), clock=clock)) as url:
        yield url


@pytest.fixture
async def world(stores: Stack, seed: Seed, clock: FakeClock, token_url: str) -> AsyncIterator[World]:
    async with a_world(stores, seed, clock, token_url) as world:
        yield world


@asynccontextmanager
async def a_world(stores: Stack, seed: Seed, clock: FakeClock, url: str) -> AsyncIterator[World]:
    slug = some_slug()
    tenant_id = await seed.tenant(slug)
    secret = await seed.client(tenant_id, slug, ClientType.WEB, resources=[API])
    assert secret is not None
    sealer = LocalKeySealer(parse_keys(Secret(stores.secrets["key-encryption-keys"])))
    await seed_key(seed, sealer, tenant_id)
    codes = open_valkey(Secret(stores.environment("authorize")["MTAS_VALKEY_URL"]))
    reader = open_valkey(Secret(stores.environment("token")["MTAS_VALKEY_URL"]))
    async with httpx2.AsyncClient(base_url=url) as http:
        yield World(
            http, clock, seed, codes, reader, sealer, slug, tenant_id, secret, await seed.user(tenant_id)
        )
    await codes.aclose()
    await reader.aclose()


async def seed_key(seed: Seed, sealer: LocalKeySealer, tenant_id: UUID, alg: str = "RS256") -> str:
    key = await generate(sealer, tenant_id, alg)
    await seed.execute(
        "insert into jwks.signing_keys (tenant_id, kid, alg, state, public_jwk, sealed_private_key, kek_id,"
        " created_at, activates_at) values ($1, $2, $3, 'active', $4, $5, $6, now(), now())",
        tenant_id,
        key.kid,
        key.alg,
        msgspec.json.encode(key.public_jwk).decode(),
        key.sealed_private_key,
        key.kek_id,
    )
    return key.kid
