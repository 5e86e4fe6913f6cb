"""The admin service on a real socket with a clock to turn, and authorize's real one behind it."""

import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import argon2
import httpx2
import pytest

from deploy.local.stack import Stack
from services.admin.app import create_app
from services.admin.settings import Settings
from services.authorize.app import create_app as create_authorize
from services.authorize.settings import Settings as AuthorizeSettings
from shared.settings import load
from tests.support.browser import forms
from tests.support.clock import FakeClock
from tests.support.seed import Seed, some_slug
from tests.support.serve import serve

PASSWORD = "paper lanterns over the harbour"
PASSWORD_HASH = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
SETUP_TOKEN = "the-set-up-token"
OPERATOR_TOKEN = "mtas_at_" + "o" * 43
PUBLIC_URL = "http://localhost:8080"
CALLBACK = "https://app.example/callback"

_addresses = itertools.count(1)


def some_address() -> str:
    """An address that no other test uses: they share one limiter."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Person:
    """A browser at the dashboard: keeps cookies, fills forms; follows redirects when told to."""

    def __init__(self, url: str, address: str | None = None) -> None:
        self.http = httpx2.AsyncClient(
            base_url=url, headers={"X-Forwarded-For": address or some_address()}, timeout=30
        )

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        response = await self.http.get(path, **options)
        while response.status_code == 303:
            response = await self.http.get(response.headers["location"])
        return response

    async def submit(
        self, page: httpx2.Response, values: dict[str, str], *, to: str | None = None, **options: Any
    ) -> httpx2.Response:
        """The page's form for `to` (the one in the main part, if not named), filled and sent."""
        found = [form for form in forms(page) if form.method == "post"]
        form = next(
            form
            for form in found
            if (form.action.endswith(to) if to else not form.action.endswith("/sign-out"))
        )
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL} | options.pop("headers", {})
        return await self.http.post(
            urljoin(str(page.url), form.action), data=form.fields | values, headers=headers, **options
        )

    async def fill(self, path: str, values: dict[str, str], **options: Any) -> httpx2.Response:
        return await self.submit(await self.get(path), values, **options)

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx2.Response:
        return await self.fill("/dashboard/sign-in", {"email": email, "password": password})

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("mtas_dashboard")


@dataclass
class World:
    """The running service, and ways to set its stage."""

    url: str
    http: httpx2.AsyncClient
    clock: FakeClock
    seed: Seed
    stores: Stack
    people: list[Person] = field(default_factory=list)

    def person(self, address: str | None = None) -> Person:
        person = Person(self.url, address)
        self.people.append(person)
        return person

    async def api(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {OPERATOR_TOKEN}"} | options.pop("headers", {})
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    async def register(self, app_id: str | None = None, **settings: Any) -> dict[str, Any]:
        body = {"app_id": app_id or some_slug(), "name": "Test App", "redirect_uris": [CALLBACK]}
        body |= {"signing_alg": "ES256"} | settings  # a jwks service that comes later makes these at once
        response = await self.api("POST", "/apps", json=body)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def developer(
        self, app_id: str | None = None, role: str = "owner", *, is_operator: bool = False
    ) -> tuple[Person, str]:
        """A developer who is signed in, member of `app_id` where one is named. Returns their email too."""
        email = f"dev-{os.urandom(4).hex()}@example.com"
        [row] = await self.seed.fetch(
            "insert into admin.developers (email, email_key, password_hash, is_operator, created_at)"
            " values ($1, $1, $2, $3, now()) returning developer_id",
            email,
            PASSWORD_HASH,
            is_operator,
        )
        if app_id is not None:
            await self.set_role(app_id, row["developer_id"], role)
        person = self.person()
        response = await person.sign_in(email)
        assert response.status_code == 303, response.text
        return person, email

    async def set_role(self, app_id: str, developer_id: UUID, role: str) -> None:
        await self.seed.execute(
            "insert into admin.members (tenant_id, developer_id, role, created_at)"
            " select tenant_id, $2, $3, now() from admin.tenants where slug = $1"
            " on conflict (tenant_id, developer_id) do update set role = excluded.role",
            app_id,
            developer_id,
            role,
        )

    async def tenant_id(self, app_id: str) -> UUID:
        [row] = await self.seed.fetch("select tenant_id from admin.tenants where slug = $1", app_id)
        return UUID(str(row["tenant_id"]))

    async def events(self, app_id: str) -> list[dict[str, Any]]:
        """The app's events, which stay in the outbox: NATS is away in these tests."""
        return await self.seed.fetch(
            "select o.* from events.outbox o join admin.tenants t using (tenant_id)"
            " where t.slug = $1 order by position",
            app_id,
        )


@pytest.fixture(scope="session")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
async def authorize_url(stores: Stack) -> AsyncIterator[str]:
    environment = stores.environment("authorize", MTAS_NATS_URL="nats://127.0.0.1:1")
    async with serve(create_authorize(load(AuthorizeSettings, environment))) as url:
        yield url


@pytest.fixture(scope="session")
def admin_environment(stores: Stack, authorize_url: str) -> dict[str, str]:
    # NATS is left away: nothing of a request may need it, and events stay to be seen. No mail either.
    environment = stores.environment(
        "admin",
        MTAS_NATS_URL="nats://127.0.0.1:1",
        MTAS_SMTP_URL="",
        MTAS_PUBLIC_URL=PUBLIC_URL,
        MTAS_AUTHORIZE_URL=authorize_url,
        MTAS_SETUP_TOKEN=SETUP_TOKEN,
        MTAS_OPERATOR_TOKEN=OPERATOR_TOKEN,
        MTAS_KEY_WAIT_S="0",
    )
    ours = ("MTAS_SETUP_TOKEN_FILE", "MTAS_OPERATOR_TOKEN_FILE")
    return {name: value for name, value in environment.items() if name not in ours}


@pytest.fixture(scope="session")
async def admin_url(admin_environment: dict[str, str], clock: FakeClock) -> AsyncIterator[str]:
    async with serve(create_app(load(Settings, admin_environment), clock=clock)) as url:
        yield url


@pytest.fixture
async def world(stores: Stack, seed: Seed, clock: FakeClock, admin_url: str) -> AsyncIterator[World]:
    async with httpx2.AsyncClient(base_url=admin_url, timeout=30) as http:
        world = World(admin_url, http, clock, seed, stores)
        yield world
        for person in world.people:
            await person.http.aclose()


@pytest.fixture
async def first_run(world: World) -> World:
    """Before the first account."""
    await world.seed.execute("truncate admin.developers cascade")
    return world
