"""Signing in: one answer for every failure, limits that hold in parallel, a new session each time."""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import argon2
import pytest

from shared.passwords import Passwords
from tests.services.authorize.conftest import PASSWORD, Person, World

WRONG = "not the right password"


async def test_the_password_signs_in(world: World) -> None:
    person = world.person()
    page = await person.sign_in()
    assert page.url.path == person.path("account")
    assert "ada@example.com" in page.text
    [(kind, subject, data)] = await world.events()
    assert kind == "session.started"
    assert data == {"user_id": str(world.user_id), "amr": ["pwd"]}
    [row] = await world.seed.fetch("select * from authorize.sessions where tenant_id = $1", world.tenant_id)
    assert subject == str(row["session_id"])
    assert person.session
    assert person.session.encode() not in bytes(row["token_hash"])


@pytest.mark.parametrize("email", ["ADA@example.com", "  ada@Example.COM "])
async def test_an_address_is_one_however_it_is_typed(world: World, email: str) -> None:
    assert (await world.person().sign_in(email)).url.path.endswith("/account")


async def test_a_password_is_one_however_it_is_composed(world: World) -> None:
    await world.add_user("noel@example.com", "le père Noël est une ordure")
    person = world.person()
    page = await person.sign_in("noel@example.com", "le pe\u0300re Noe\u0308l est une ordure")
    assert page.url.path.endswith("/account")


async def failure(world: World, email: str, password: str) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers, without what differs between any two requests."""
    person = world.person()
    form = await person.http.get(person.path("login"))
    page = await person.send(form, {"email": email, "password": password})
    token = person.cookie("mtas_browser")
    assert token
    assert person.session is None
    body = page.text.replace(email, "EMAIL")
    for field in form.text.split('name="form_token" value="')[1:]:
        body = body.replace(field.partition('"')[0], "TOKEN")
    headers = {k: v for k, v in page.headers.items() if k not in ("date", "x-request-id", "content-length")}
    return page.status_code, body, headers


async def test_nothing_tells_whether_an_account_exists(world: World) -> None:
    await world.add_user("off@example.com")
    await world.seed.execute(
        "update authorize.users set disabled_at = now() where email_key = 'off@example.com'"
    )
    wrong = await failure(world, "ada@example.com", WRONG)
    assert wrong[0] == 422
    assert await failure(world, "nobody@example.com", WRONG) == wrong
    assert await failure(world, "off@example.com", WRONG) == wrong
    assert await failure(world, "off@example.com", PASSWORD) == wrong


async def test_nor_does_the_time_it_takes(world: World) -> None:
    async def seconds(email: str) -> float:
        person = world.person()
        form = await person.http.get(person.path("login"))
        began = time.perf_counter()
        await person.send(form, {"email": email, "password": WRONG})
        return time.perf_counter() - began

    known, unknown = [], []
    for number in range(8):
        world.clock.advance(3600)  # past every delay
        known.append(await seconds("ada@example.com"))
        unknown.append(await seconds(f"nobody-{number}@example.com"))
    # A hash takes some twenty milliseconds and more; what is left out would show.
    assert 0.5 < statistics.median(known) / statistics.median(unknown) < 2


async def test_what_is_missing_is_said_by_field(world: World) -> None:
    person = world.person()
    page = await person.send(await person.http.get(person.path("login")), {"email": " ", "password": ""})
    assert page.status_code == 422
    assert 'href="#email"' in page.text
    assert 'aria-describedby="email-error"' in page.text
    assert "<title>Error: Sign in" in page.text


async def test_a_disabled_user_is_signed_out_everywhere(world: World) -> None:
    person = world.person()
    await person.sign_in()
    await world.seed.execute(
        "update authorize.users set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    assert "Sign in" in (await person.get(person.path("account"))).text


async def test_what_voids_grants_voids_sessions(world: World) -> None:
    """As a password reset will."""
    person = world.person()
    await person.sign_in()
    await world.seed.execute(
        "update authorize.users set grants_valid_from = $2 where tenant_id = $1",
        world.tenant_id,
        world.clock() + timedelta(microseconds=1),
    )
    assert "<h1>Sign in</h1>" in (await person.get(person.path("account"))).text


async def test_a_hash_of_former_days_is_renewed(world: World) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    user_id = await world.seed.user(world.tenant_id, "old@example.com")
    await world.set_password(user_id, weak)
    assert (await world.person().sign_in("old@example.com")).status_code == 200
    rows = await world.seed.fetch(
        "select password_hash from authorize.credentials where user_id = $1", user_id
    )
    stored = rows[0]["password_hash"]
    assert "m=19456,t=2,p=1" in stored
    assert not Passwords(workers=1).needs_rehash(stored)
    assert (await world.person().sign_in("old@example.com")).status_code == 200


# Sessions -------------------------------------------------------------------------------------


async def test_a_planted_session_is_replaced(world: World) -> None:
    """Session fixation: whatever cookie was there before, another is there after."""
    person = world.person()
    planted = "p" * 43
    person.http.cookies.set(f"mtas_session_{world.slug}", planted)
    await person.sign_in()
    person.http.cookies.delete(f"mtas_session_{world.slug}", domain="")
    assert person.session not in (None, planted)
    thief = world.person()
    thief.http.cookies.set(f"mtas_session_{world.slug}", planted)
    assert "<h1>Sign in</h1>" in (await thief.get(thief.path("account"))).text


async def test_a_new_sign_in_ends_the_browsers_former_session(world: World) -> None:
    person, thief = world.person(), world.person()
    await person.sign_in()
    former = person.session
    assert former
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="login"))
    await person.submit(page, {"email": "ada@example.com", "password": PASSWORD})
    assert person.session != former
    thief.http.cookies.set(f"mtas_session_{world.slug}", former)
    assert "<h1>Sign in</h1>" in (await thief.get(thief.path("account"))).text
    kinds = [(kind, data.get("reason")) for kind, _, data in await world.events()]
    assert sorted(kinds) == sorted(
        [("session.started", None), ("session.ended", "replaced"), ("session.started", None)]
    )


async def test_a_session_is_worth_nothing_at_another_tenant(world: World, other: World) -> None:
    person, stranger = world.person(), other.person()
    await person.sign_in()
    assert person.session
    for name in (f"mtas_session_{other.slug}", f"mtas_session_{world.slug}"):
        stranger.http.cookies.set(name, person.session)
    assert "<h1>Sign in</h1>" in (await stranger.get(stranger.path("account"))).text
    response = await stranger.http.get(other.authorize(prompt="none"))
    assert "error=login_required" in response.headers["location"]


async def test_a_session_lapses_when_idle(world: World) -> None:
    person = world.person()
    await person.sign_in()
    for _ in range(3):
        world.clock.advance(86_400 - 60)
        assert "You are signed in" in (await person.get(person.path("account"))).text
    world.clock.advance(86_400)
    assert "<h1>Sign in</h1>" in (await person.get(person.path("account"))).text


async def test_a_session_ends_for_good_after_its_absolute_lifetime(world: World) -> None:
    await world.seed.execute(
        "update admin.tenants set session_idle_ttl_s = 31536000, session_absolute_ttl_s = 3600"
        " where tenant_id = $1",
        world.tenant_id,
    )
    person = world.person()
    await person.sign_in()
    world.clock.advance(3599)
    assert "You are signed in" in (await person.get(person.path("account"))).text
    world.clock.advance(1)
    person.http.cookies.jar.clear_expired_cookies = lambda: None  # type: ignore[method-assign]
    assert "<h1>Sign in</h1>" in (await person.get(person.path("account"))).text


async def test_being_seen_is_written_once_a_minute(world: World) -> None:
    person = world.person()
    await person.sign_in()

    async def last_seen() -> float:
        rows = await world.seed.fetch(
            "select last_seen_at from authorize.sessions where tenant_id = $1", world.tenant_id
        )
        return float(rows[0]["last_seen_at"].timestamp())

    began = await last_seen()
    world.clock.advance(59)
    await person.get(person.path("account"))
    assert await last_seen() == began
    world.clock.advance(1)
    await person.get(person.path("account"))
    assert await last_seen() == began + 60


async def test_cookies_are_out_of_reach(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"))
    response = await person.send(page, {"email": "ada@example.com", "password": PASSWORD})
    cookies = [*page.headers.get_list("set-cookie"), *response.headers.get_list("set-cookie")]
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


async def test_over_tls_cookies_are_tied_to_the_host(
    world: World, authorize_apart: Callable[..., AbstractAsyncContextManager[str]]
) -> None:
    async with authorize_apart(MTAS_PUBLIC_URL="https://id.example") as url:
        person = world.person()
        person.http.base_url = url
        page = await person.http.get(person.path("login"))
        browser = page.headers["set-cookie"]
        assert browser.startswith("__Host-mtas_browser=")
        assert "Secure" in browser
        cookie = {"Cookie": browser.partition(";")[0]}
        response = await person.send(page, {"email": "ada@example.com", "password": PASSWORD}, headers=cookie)
        assert response.status_code == 303
        session = response.headers["set-cookie"]
        assert session.startswith(f"__Host-mtas_session_{world.slug}=")
        assert "Secure" in session


# Limits ---------------------------------------------------------------------------------------


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
    assert 'value="ada@example.com"' in page.text


async def test_in_parallel_no_more_are_checked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0
    verify = Passwords.verify

    async def count(self: Passwords, password: str, stored: str | None) -> bool:
        nonlocal checked
        checked += 1
        return await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", count)
    people = [world.person() for _ in range(40)]  # each from an address of its own
    statuses = await asyncio.gather(*(try_once(person, "ada@example.com") for person in people))
    assert checked == 5
    assert sorted(statuses) == [422] * 5 + [429] * 35


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """No password fits, and looking takes no time: for tests that only count."""

    async def never(self: Passwords, password: str, stored: str | None) -> bool:
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
