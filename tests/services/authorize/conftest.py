"""The authorize service on a real socket, with a clock to turn; admin's and jwks's parts are seeded."""

import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from uuid import UUID

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.jwk import RSAKey

from deploy.local.stack import Stack
from services.authorize.app import create_app
from services.authorize.settings import Settings
from shared.events.bus import Bus
from shared.oauth.authorization_code import CodeGrant, code_key, decode_grant
from shared.oauth.types import ClientType
from shared.passwords import Passwords
from shared.secret import Secret, b64url
from shared.settings import load
from shared.valkey import Valkey, open_valkey
from tests.support.browser import Form, forms
from tests.support.clock import FakeClock
from tests.support.post import Post, post_office
from tests.support.seed import Seed, some_slug
from tests.support.serve import serve

Apart = Callable[..., AbstractAsyncContextManager[str]]
ORIGIN = "http://localhost"
REDIRECT_URI = "https://app.example/callback"
PASSWORD = "paper lanterns over the harbour"
CHALLENGE = b64url(hashlib.sha256(b"a-verifier-of-at-least-forty-three-characters").digest())
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}  # as a browser on a no-referrer page says


class Person:
    """One browser: keeps cookies, fills forms, and follows redirects as long as they stay here."""

    def __init__(self, url: str, slug: str) -> None:
        self.slug = slug
        self.address = f"10.{os.urandom(1)[0]}.{os.urandom(1)[0]}.{os.urandom(1)[0]}"
        self.http = httpx2.AsyncClient(base_url=url, headers={"X-Forwarded-For": self.address})

    def path(self, name: str) -> str:
        return f"/t/{self.slug}/{name}"

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self._follow(await self.http.get(path, **options))

    async def submit(
        self, page: httpx2.Response, values: dict[str, str] | None = None, **options: Any
    ) -> httpx2.Response:
        """The first form of `page`, as a browser on it would send it."""
        return await self._follow(await self.send(page, values, **options))

    async def send(
        self, page: httpx2.Response, values: dict[str, str] | None = None, **options: Any
    ) -> httpx2.Response:
        """The same, without following."""
        form: Form = forms(page)[0]
        headers = SAME_ORIGIN | options.pop("headers", {})
        target = urljoin(str(page.url), form.action)
        return await self.http.post(target, data=form.fields | (values or {}), headers=headers, **options)

    async def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> httpx2.Response:
        """At the tenant itself, with no client waiting."""
        page = await self.http.get(self.path("login"))
        return await self.submit(page, {"email": email, "password": password})

    def cookie(self, name: str) -> str | None:
        value: str | None = self.http.cookies.get(name)
        return value

    @property
    def session(self) -> str | None:
        return self.cookie(f"mtas_session_{self.slug}")

    async def _follow(self, response: httpx2.Response) -> httpx2.Response:
        for _ in range(10):
            if response.status_code != 303 or not response.headers["location"].startswith("/"):
                return response
            response = await self.http.get(response.headers["location"])
        raise AssertionError(f"too many redirects at {response.url}")


@dataclass
class World:
    """One tenant with a confidential client and one user, and the service that serves them."""

    url: str
    clock: FakeClock
    seed: Seed
    codes: Valkey  # as token: may read codes
    slug: str
    tenant_id: UUID
    user_id: UUID
    signing_key: RSAKey
    _persons: list[Person] = field(default_factory=list)

    def person(self) -> Person:
        person = Person(self.url, self.slug)
        self._persons.append(person)
        return person

    async def close(self) -> None:
        for person in self._persons:
            await person.http.aclose()

    @property
    def issuer(self) -> str:
        return f"{ORIGIN}/t/{self.slug}"

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """A good request; a change to None leaves the parameter out."""
        parameters = {
            "response_type": "code",
            "client_id": self.slug,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid email",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**parameters, **changes}.items() if value is not None}

    def authorize(self, **changes: str | None) -> str:
        return f"/t/{self.slug}/authorize?{urlencode(self.parameters(**changes))}"

    async def grant(self, code: str) -> CodeGrant:
        packed: Any = await self.codes.get(code_key(self.tenant_id, code))
        assert packed is not None, "no such code"
        return decode_grant(packed)

    async def add_user(self, email: str, password: str = PASSWORD) -> UUID:
        user_id = await self.seed.user(self.tenant_id, email)
        await self.set_password(user_id, await password_hash(password))
        return user_id

    async def set_password(self, user_id: UUID, hashed: str) -> None:
        await self.seed.execute(
            "insert into authorize.credentials (tenant_id, user_id, password_hash, updated_at)"
            " values ($1, $2, $3, now())",
            self.tenant_id,
            user_id,
            hashed,
        )

    async def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Type, subject and data of this tenant's events, in order; NATS is away, so all are there."""
        rows = await self.seed.fetch(
            "select type, subject, data::text from events.outbox where tenant_id = $1 order by position",
            self.tenant_id,
        )
        return [(row["type"], row["subject"], _json(row["data"])) for row in rows]

    def id_token(self, key: RSAKey | None = None, **changes: Any) -> str:
        """As the token service signs them."""
        key = key or self.signing_key
        header = {"alg": "RS256", "kid": key.kid, "typ": "JWT"} | changes.pop("header", {})
        claims = {
            "iss": self.issuer,
            "sub": str(self.user_id),
            "aud": self.slug,
            "iat": int(self.clock().timestamp()) - 3600,
            "exp": int(self.clock().timestamp()) - 3000,  # expired: a hint may be
        } | changes
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def answer(response: httpx2.Response) -> dict[str, str]:
    """The parameters that a redirect carries to the app."""
    assert response.status_code == 303, (response.status_code, response.text[:500])
    location = response.headers["location"]
    assert location.startswith(REDIRECT_URI), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


_hashes: dict[str, str] = {}


async def password_hash(password: str) -> str:
    if password not in _hashes:
        passwords = Passwords(workers=1)
        _hashes[password] = await passwords.hash(None, password)
        passwords.close()
    return _hashes[password]


def _json(text: str) -> Any:
    return httpx2.Response(200, text=text).json()


@pytest.fixture(scope="session")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def environment(stores: Stack) -> dict[str, str]:
    # NATS is left away here: nothing of a request may need it, and events stay to be seen. No mail either.
    return stores.environment(
        "authorize", MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_PUBLIC_URL=ORIGIN, MTAS_SMTP_URL=""
    )


@pytest.fixture(scope="session")
async def authorize_url(environment: dict[str, str], clock: FakeClock) -> AsyncIterator[str]:
    async with serve(create_app(load(Settings, environment), clock=clock)) as url:
        yield url


@pytest.fixture
def bearer(stores: Stack) -> dict[str, str]:
    """What the admin service presents at `/internal`."""
    return {"Authorization": f"Bearer {stores.secrets['internal-token']}"}


@pytest.fixture
def authorize_apart(
    environment: dict[str, str], clock: FakeClock
) -> Callable[..., AbstractAsyncContextManager[str]]:
    """Another instance, with settings of its own; by default one whose cache keeps nothing."""

    def start(**changes: str) -> AbstractAsyncContextManager[str]:
        settings = load(Settings, environment | {"MTAS_CACHE_TTL_S": "0.001"} | changes)
        return serve(create_app(settings, clock=clock))

    return start


@pytest.fixture
async def post(
    world: World, stores: Stack, authorize_apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Post]:
    """A mail server, and the world's service with it and with NATS."""
    monkeypatch.setattr(Bus, "retry_after_s", 0.01)
    nats = stores.environment("authorize")["MTAS_NATS_URL"]
    async with (
        post_office(f"/t/{world.slug}/") as post,
        authorize_apart(MTAS_SMTP_URL=post.url, MTAS_NATS_URL=nats) as url,
    ):
        world.url = url
        yield post


@pytest.fixture(scope="session")
async def codes(stores: Stack) -> AsyncIterator[Valkey]:
    reader = open_valkey(Secret(stores.environment("token")["MTAS_VALKEY_URL"]))
    yield reader
    await reader.aclose()


@pytest.fixture
async def world(seed: Seed, clock: FakeClock, authorize_url: str, codes: Valkey) -> AsyncIterator[World]:
    world = await make_world(seed, clock, authorize_url, codes)
    yield world
    await world.close()


@pytest.fixture
async def other(seed: Seed, clock: FakeClock, authorize_url: str, codes: Valkey) -> AsyncIterator[World]:
    """Another tenant of the same service, with a user of the same address and password."""
    world = await make_world(seed, clock, authorize_url, codes)
    yield world
    await world.close()


async def make_world(seed: Seed, clock: FakeClock, url: str, codes: Valkey) -> World:
    slug = some_slug()
    tenant_id = await seed.tenant(slug, name="Acme & Co")
    await seed.client(tenant_id, slug, ClientType.WEB, name="Shop")
    key = await seed_key(seed, tenant_id)
    world = World(url, clock, seed, codes, slug, tenant_id, await seed.user(tenant_id), key)
    await world.set_password(world.user_id, await password_hash(PASSWORD))
    return world


def _make_private_keys() -> Iterator[RSAPrivateKey]:
    """A few in turn: neighbours differ, and making one for every test would take minutes."""
    yield from itertools.cycle([rsa.generate_private_key(65537, 2048) for _ in range(3)])


_private_keys = _make_private_keys()


async def seed_key(seed: Seed, tenant_id: UUID) -> RSAKey:
    """A signing key whose public half the service can read, as jwks would have published it."""
    private = next(_private_keys)
    key = RSAKey(private, private, {"kid": os.urandom(8).hex()})
    public = httpx2.Response(200, json=key.as_dict(private=False)).text
    await seed.execute(
        "insert into jwks.signing_keys (tenant_id, kid, alg, state, public_jwk, sealed_private_key, kek_id,"
        " created_at, activates_at) values ($1, $2, 'RS256', 'active', $3, 'sealed', 'k', now(), now())",
        tenant_id,
        key.kid,
        public,
    )
    return key
