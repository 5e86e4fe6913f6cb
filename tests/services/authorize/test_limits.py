"""Limits on guessing: they hold in parallel, by account and by address, and end with the right password."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.authorize.flows import limits
from shared.limits import Bucket
from shared.passwords import Passwords
from tests.services.authorize.conftest import PASSWORD, Person, World, answer

WRONG = "not the right password"


async def try_once(person: Person, email: str, password: str = WRONG, **options: Any) -> int:
    page = await person.http.get(person.path("login"))
    response = await person.send(page, {"email": email, "password": password}, **options)
    return response.status_code


async def test_five_tries_are_free_then_each_waits_longer(world: World) -> None:
    for email in ("ada@example.com", "nobody@example.com"):  # the same for both
        person = world.person()
        assert [await try_once(person, email) for _ in range(5)] == [422] * 5
        for delay in (1, 2, 4, 8):
            assert await try_once(person, email, PASSWORD) == 429
            world.clock.advance(delay - 0.001)
            assert await try_once(person, email, PASSWORD) == 429
            world.clock.advance(0.001)
            assert await try_once(person, email) == 422


async def test_who_must_wait_is_told_how_long(world: World) -> None:
    person = world.person()
    for _ in range(5):
        await try_once(person, "ada@example.com")
    page = await person.send(
        await person.http.get(person.path("login")), {"email": "ada@example.com", "password": PASSWORD}
    )
    assert page.status_code == 429
    assert page.headers["retry-after"] == "1"
    assert "Wait 1 second" in page.text
    assert "aria-invalid" not in page.text  # nothing is wrong with what was typed
    assert 'value="ada@example.com"' in page.text


async def test_in_parallel_no_more_are_checked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0
    verify = Passwords.verify

    async def count(self: Passwords, tenant_id: UUID | None, password: str, stored: str | None) -> bool:
        nonlocal checked
        checked += 1
        return await verify(self, tenant_id, password, stored)

    monkeypatch.setattr(Passwords, "verify", count)
    people = [world.person() for _ in range(40)]  # each from an address of its own
    statuses = await asyncio.gather(*(try_once(person, "ada@example.com") for person in people))
    assert checked == 5
    assert sorted(statuses) == [422] * 5 + [429] * 35


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """No password fits, and looking takes no time: for tests that only count."""

    async def never(self: Passwords, tenant_id: UUID | None, password: str, stored: str | None) -> bool:
        return False

    monkeypatch.setattr(Passwords, "verify", never)


async def test_a_hundred_tries_and_no_more(world: World, instant: None) -> None:
    person = world.person()
    statuses = []
    for _ in range(101):
        statuses.append(await try_once(person, "nobody@example.com"))
        world.clock.advance(900)
    assert statuses == [422] * 100 + [429]


async def test_success_forgives(world: World) -> None:
    for _ in range(2):
        person = world.person()
        assert [await try_once(person, "ada@example.com") for _ in range(4)] == [422] * 4
        assert await try_once(person, "ada@example.com", PASSWORD) == 303


async def test_one_tenants_tries_are_not_anothers(world: World, other: World) -> None:
    person = world.person()
    for _ in range(6):
        await try_once(person, "ada@example.com")
    assert await try_once(other.person(), "ada@example.com", PASSWORD) == 303


async def test_one_password_for_everybody_runs_into_the_address(world: World, instant: None) -> None:
    """Rotating inside an IPv6 /64 does not help, and IPv4 counts by the address."""
    person = world.person()
    statuses = []
    page = await person.http.get(person.path("login"))
    for number in range(201):
        address = f"2001:db8:1:2::{number:x}"
        response = await person.send(
            page,
            {"email": f"user-{number}@example.com", "password": WRONG},
            headers={"X-Forwarded-For": address},
        )
        statuses.append(response.status_code)
    assert statuses == [422] * 200 + [429]
    elsewhere = {"X-Forwarded-For": "2001:db8:1:3::1"}
    assert await try_once(person, "x@example.com", headers=elsewhere) == 422


# Interactions: nobody must be anybody to begin one ---------------------------------------------


async def begin(person: Person, url: str, address: str | None = None) -> int:
    headers = {"X-Forwarded-For": address} if address else None
    return (await person.http.get(url, headers=headers)).status_code


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BEGUN_BY_ADDRESS", Bucket(size=5, per_second=1.0))
    monkeypatch.setattr(limits, "BEGUN_AT_TENANT", Bucket(size=12, per_second=1.0))


async def test_who_begins_in_a_loop_is_told_to_wait(world: World, narrow: None) -> None:
    """RFC 6749 §10.10 is about guessing; this is about filling the store where codes are kept."""
    person = world.person()
    begun = await asyncio.gather(*(begin(person, world.authorize()) for _ in range(30)))
    assert sorted(begun) == [303] * 5 + [429] * 25
    page = await person.http.get(world.authorize())
    assert page.status_code == 429
    assert page.headers["retry-after"] == "1"
    assert "location" not in page.headers
    assert await begin(world.person(), world.authorize()) == 303, "another address may"
    world.clock.advance(1)
    assert await begin(person, world.authorize()) == 303


async def test_from_everywhere_at_once_a_tenant_has_an_end(world: World, other: World, narrow: None) -> None:
    person = world.person()
    begun = [await begin(person, world.authorize(), f"198.51.100.{n}") for n in range(20)]
    assert begun == [303] * 12 + [429] * 8
    assert await begin(other.person(), other.authorize()) == 303, "and it is that tenant's alone"


async def test_who_is_signed_in_begins_nothing(world: World, narrow: None) -> None:
    """Silent answers need no interaction, so no limit is in the way of single sign-on."""
    person = world.person()
    await person.sign_in()
    for _ in range(10):
        assert "code" in answer(await person.http.get(world.authorize()))
