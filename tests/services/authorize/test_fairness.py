"""A storm of sign-ins at one tenant costs another no more than the hashes that run."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import httpx2
import pytest

import shared.passwords
from shared.passwords import Passwords
from tests.services.authorize.conftest import PASSWORD, Person, World

STORM = "a guess at the stormed tenant"


class Watched:
    """The hashing of the service under test: what has begun, and what had when a tenant asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passwords: Passwords | None = None
        self.begun: list[str] = []
        self.begun_when_asked: dict[UUID | None, int] = {}
        verify, in_thread = Passwords.verify, shared.passwords._verify

        async def watch(
            passwords: Passwords, tenant_id: UUID | None, password: str, stored: str | None
        ) -> bool:
            self.passwords = passwords
            self.begun_when_asked[tenant_id] = len(self.begun)
            return await verify(passwords, tenant_id, password, stored)

        def watch_in_thread(stored: str, password: str) -> bool:
            self.begun.append(password)
            return in_thread(stored, password)

        monkeypatch.setattr(Passwords, "verify", watch)
        monkeypatch.setattr(shared.passwords, "_verify", watch_in_thread)

    async def until_waiting(self, number: int) -> None:
        while self.passwords is None or self.passwords.counters.waiting < number:
            await asyncio.sleep(0.001)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


async def pages_of(world: World, url: str, number: int) -> list[tuple[Person, httpx2.Response]]:
    """Sign-in pages, each in a browser and at an address of its own."""
    people = [world.person() for _ in range(number)]
    for person in people:
        person.http.base_url = url
    return [(person, await person.http.get(person.path("login"))) for person in people]


def storm(pages: list[tuple[Person, httpx2.Response]]) -> "list[asyncio.Task[httpx2.Response]]":
    return [
        asyncio.create_task(person.send(page, {"email": f"guess-{n}@example.com", "password": STORM}))
        for n, (person, page) in enumerate(pages)
    ]


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_neighbour_of_a_stormed_tenant_is_next(
    world: World,
    other: World,
    watched: Watched,
    authorize_apart: Callable[..., AbstractAsyncContextManager[str]],
    workers: int,
) -> None:
    async with authorize_apart(MTAS_PASSWORD_WORKERS=str(workers)) as url:
        pages = await pages_of(world, url, 24)
        ((neighbour, page),) = await pages_of(other, url, 1)
        tasks = storm(pages)
        await watched.until_waiting(12)
        answer = await neighbour.send(page, {"email": "ada@example.com", "password": PASSWORD})
        assert answer.status_code == 303
        assert neighbour.session is not None
        assert watched.passwords is not None
        assert watched.passwords.counters.waiting > 0  # the storm goes on
        before = watched.begun.index(PASSWORD) - watched.begun_when_asked[other.tenant_id]
        assert before <= workers, "more than one hash a worker came before the neighbour's"
        assert {each.status_code for each in await asyncio.gather(*tasks)} == {422}


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_nobodys_password_waits_its_turn_like_anybodys(
    world: World,
    watched: Watched,
    authorize_apart: Callable[..., AbstractAsyncContextManager[str]],
    email: str,
) -> None:
    """A dummy that passed the queue would tell, under load, which accounts exist."""
    async with authorize_apart(MTAS_PASSWORD_WORKERS="1") as url:
        pages = await pages_of(world, url, 9)
        person, page = pages.pop()
        tasks = storm(pages)
        await watched.until_waiting(5)
        ahead = watched.passwords.counters.waiting if watched.passwords else 0
        answer = await person.send(page, {"email": email, "password": "wrong, and last in line"})
        assert answer.status_code == 422
        asked = watched.begun_when_asked[world.tenant_id]
        assert watched.begun.index("wrong, and last in line") >= asked + ahead - 1
        await asyncio.gather(*tasks)


async def test_a_stormed_tenant_is_told_to_come_back_and_its_neighbour_is_not(
    world: World,
    other: World,
    watched: Watched,
    authorize_apart: Callable[..., AbstractAsyncContextManager[str]],
) -> None:
    settings = {"WORKERS": "1", "QUEUE": "4", "QUEUE_PER_TENANT": "4"}
    async with authorize_apart(**{f"MTAS_PASSWORD_{name}": value for name, value in settings.items()}) as url:
        pages = await pages_of(world, url, 16)
        ((neighbour, page),) = await pages_of(other, url, 1)
        tasks = storm(pages)
        await watched.until_waiting(4)  # all places are taken, by one tenant
        answer = await neighbour.send(page, {"email": "ada@example.com", "password": PASSWORD})
        assert answer.status_code == 303
        answers = await asyncio.gather(*tasks)
        assert {each.status_code for each in answers} == {422, 503}
        refused = [each for each in answers if each.status_code == 503]
        assert all(int(each.headers["retry-after"]) > 0 for each in refused)
        assert all("We cannot do this right now" in each.text for each in refused)
        assert watched.passwords is not None
        assert watched.passwords.counters.refused == len(refused)
