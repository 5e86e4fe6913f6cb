"""Limits on guessing: they hold in parallel, by account and by address, and end with the right password."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.authorize.flows import limits
from shared.limits import Bucket, Tries
from shared.oauth.types import ClientType
from shared.passwords import Passwords
from shared.secret import from_b64url
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


# A guesser must not lock the owner out: the devices that they have have tries of their own --------


async def known(world: World, email: str = "ada@example.com") -> Person:
    """A browser that this user has signed in with, and out again."""
    person = world.person()
    await person.sign_in(email)
    leave(person)
    return person


def leave(person: Person) -> None:
    """Signed out; what is left is the cookie of a known device."""
    person.http.cookies.delete(f"mtas_session_{person.slug}")


async def lock(world: World, email: str = "ada@example.com") -> None:
    """Use up every try that strangers have at this account."""
    stranger = world.person()
    for _ in range(limits.ACCOUNT.stop):
        assert await try_once(stranger, email) == 422
        world.clock.advance(900)
    assert await try_once(stranger, email, PASSWORD) == 429


async def test_whoever_guesses_elsewhere_does_not_lock_the_owner_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ACCOUNT", Tries(stop=7))
    device = await known(world)
    await lock(world)
    assert await try_once(device, "ada@example.com") == 422
    assert await try_once(device, "ada@example.com", PASSWORD) == 303
    assert await try_once(world.person(), "ada@example.com", PASSWORD) == 429, "but no new one gets in"


async def test_a_known_device_has_no_more_tries_than_a_stranger(world: World) -> None:
    device = await known(world)
    assert [await try_once(device, "ada@example.com") for _ in range(6)] == [422] * 5 + [429]
    assert await try_once(world.person(), "ada@example.com", PASSWORD) == 303, "nor uses up theirs"


async def test_it_is_known_for_that_account_and_that_tenant_alone(world: World, other: World) -> None:
    await world.add_user("grace@example.com")
    device = await known(world, "grace@example.com")
    for _ in range(5):
        await try_once(world.person(), "ada@example.com")
        await try_once(other.person(), "ada@example.com")
    assert await try_once(device, "ada@example.com", PASSWORD) == 429
    cookie = device.cookie(f"mtas_device_{world.slug}")
    assert cookie is not None
    there = other.person()
    there.http.cookies.set(f"mtas_device_{other.slug}", cookie, domain="127.0.0.1")
    assert await try_once(there, "ada@example.com", PASSWORD) == 429


async def test_what_was_granted_before_is_void_for_devices_too(world: World) -> None:
    """A reset, or signing out everywhere: who had the password before is a stranger like any other."""
    thief = await known(world)
    world.clock.advance(1)
    await world.seed.execute(
        "update authorize.users set grants_valid_from = $3 where tenant_id = $1 and user_id = $2",
        world.tenant_id,
        world.user_id,
        world.clock(),
    )
    for _ in range(5):
        await try_once(world.person(), "ada@example.com")
    assert await try_once(thief, "ada@example.com", PASSWORD) == 429


async def test_a_new_password_leaves_known_the_device_it_was_chosen_on_alone(world: World) -> None:
    """Whoever knew the former one, and has signed in with it, is a stranger from then on."""
    owner, thief = await known(world), await known(world)
    world.clock.advance(1)
    await owner.sign_in()
    page = await owner.http.get(owner.path("account/password"))
    changed = await owner.send(page, {"current": PASSWORD, "password": "a new one, quite unlike the former"})
    assert changed.status_code == 303
    leave(owner)
    for _ in range(5):
        await try_once(world.person(), "ada@example.com")
    assert await try_once(thief, "ada@example.com") == 429, "those were the strangers' tries"
    assert await try_once(owner, "ada@example.com") == 422, "and this one has its own"


async def test_whose_device_it_is_cannot_be_read_from_the_cookie_or_by_a_script(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"))
    answer = await person.send(page, {"email": "ada@example.com", "password": PASSWORD})
    name = f"mtas_device_{world.slug}"
    [line] = [line for line in answer.headers.get_list("set-cookie") if line.startswith(name)]
    assert {part.strip().lower() for part in line.split(";")} >= {"httponly", "path=/", "samesite=lax"}
    raw = from_b64url(person.cookie(name) or "")
    assert world.user_id.bytes not in raw
    assert b"ada" not in raw


# One try on each of many accounts, from many addresses -------------------------------------------


@pytest.fixture
def few_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRANGERS", Bucket(size=20, per_second=1.0))


async def test_spraying_from_everywhere_has_an_end(
    world: World, other: World, instant: None, few_strangers: None
) -> None:
    people = [world.person() for _ in range(60)]  # each from an address of its own
    statuses = await asyncio.gather(
        *(try_once(person, f"user-{number}@example.com") for number, person in enumerate(people))
    )
    assert sorted(statuses) == [422] * 20 + [429] * 40
    assert await try_once(other.person(), "user-1@example.com") == 422, "another tenant's are its own"
    world.clock.advance(1)
    assert await try_once(world.person(), "user-1@example.com") == 422


async def test_and_who_has_been_here_before_gets_in_meanwhile(world: World, few_strangers: None) -> None:
    device = await known(world)
    statuses = {await try_once(world.person(), f"user-{number}@example.com") for number in range(21)}
    assert statuses == {422, 429}
    assert await try_once(device, "ada@example.com", PASSWORD) == 303


async def test_right_passwords_and_locked_accounts_cost_the_others_nothing(
    world: World, few_strangers: None
) -> None:
    for _ in range(25):
        assert await try_once(world.person(), "ada@example.com", PASSWORD) == 303
    statuses = [await try_once(world.person(), "ada@example.com") for _ in range(30)]
    assert statuses == [422] * 5 + [429] * 25
    assert [await try_once(world.person(), f"user-{n}@example.com") for n in range(15)] == [422] * 15


# Interactions: nobody must be anybody to begin one ---------------------------------------------


async def begin(person: Person, url: str, address: str | None = None) -> int:
    headers = {"X-Forwarded-For": address} if address else None
    return (await person.http.get(url, headers=headers)).status_code


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BEGUN_BY_ADDRESS", Bucket(size=5, per_second=1.0))
    monkeypatch.setattr(limits, "BEGUN_FOR_CLIENT", Bucket(size=12, per_second=1.0))
    monkeypatch.setattr(limits, "BEGUN_AT_TENANT", Bucket(size=15, per_second=1.0))


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


async def test_from_everywhere_at_once_a_client_and_a_tenant_have_an_end(
    world: World, other: World, narrow: None
) -> None:
    person = world.person()
    another = f"{world.slug}-app"
    await world.seed.client(world.tenant_id, another, ClientType.WEB, name="Another")
    begun = [await begin(person, world.authorize(), f"198.51.100.{n}") for n in range(20)]
    assert begun == [303] * 12 + [429] * 8
    url = world.authorize(client_id=another)
    begun = [await begin(person, url, f"198.51.101.{n}") for n in range(20)]
    assert begun == [303] * 3 + [429] * 17, "what one client was refused did not cost the other anything"
    assert await begin(other.person(), other.authorize()) == 303, "and it is that tenant's alone"


async def test_who_is_signed_in_begins_nothing(world: World, narrow: None) -> None:
    """Silent answers need no interaction, so no limit is in the way of single sign-on."""
    person = world.person()
    await person.sign_in()
    for _ in range(10):
        assert "code" in answer(await person.http.get(world.authorize()))
