"""Signing in: one answer for every failure, whatever its cause."""

import statistics
import time
from datetime import timedelta

import argon2
import pytest

from shared.passwords import Passwords
from tests.services.authorize.conftest import PASSWORD, World
from tests.services.authorize.test_mail_links import mailless

__all__ = ["mailless"]

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


async def test_a_disabled_accounts_password_is_a_wrong_one_wherever_it_is_asked_for(
    mailless: World,
) -> None:
    """It is told apart neither by the page nor by a letter, where an address must be confirmed first."""
    await mailless.seed.execute(
        "update admin.tenants set verified_email_required = true where tenant_id = $1",
        mailless.tenant_id,
    )
    await mailless.seed.execute(
        "update authorize.users set email_verified = false, disabled_at = now() where user_id = $1",
        mailless.user_id,
    )
    wrong = await failure(mailless, "ada@example.com", WRONG)
    assert await failure(mailless, "ada@example.com", PASSWORD) == wrong
    query = "select from authorize.mails where tenant_id = $1"
    assert not await mailless.seed.fetch(query, mailless.tenant_id)


@pytest.mark.alone
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
    assert 'aria-describedby="email-error-1"' in page.text
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


async def test_a_password_that_is_changed_while_it_is_verified_signs_nobody_in(world: World) -> None:
    """Whoever knew it would otherwise stay behind the reset that was to put them out."""
    answer = await world.seed.while_under_way(
        "update authorize.credentials set password_hash = 'another' where tenant_id = $1",
        world.tenant_id,
        do=world.person().sign_in(),
    )
    assert answer.status_code == 422
    assert not await world.seed.fetch("select from authorize.sessions where tenant_id = $1", world.tenant_id)
