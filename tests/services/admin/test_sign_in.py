"""Signing in to the dashboard: what an attacker learns, how often they may try, what a session is worth."""

import asyncio
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx2
import pytest

from services.admin.app import create_app
from services.admin.flows import check_password
from services.admin.flows.check_password import ADDRESS
from services.admin.settings import Settings
from shared.limits import Bucket
from shared.passwords import Passwords
from shared.settings import load
from tests.services.admin.conftest import PASSWORD, Person, World, some_address
from tests.support.browser import forms
from tests.support.serve import serve


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that anybody looked at."""
    seen: list[str] = []
    verify = Passwords.verify

    async def spy(self: Passwords, tenant_id: UUID | None, password: str, stored: str | None) -> bool:
        seen.append(password)
        return await verify(self, tenant_id, password, stored)

    monkeypatch.setattr(Passwords, "verify", spy)
    return seen


def comparable(page: httpx2.Response) -> str:
    """The page without what is new on every page, and without what was typed."""
    text = re.sub(r'(form_token" value=")[^"]*', r"\1", page.text)
    return re.sub(r'(name="email"[^>]* value=")[^"]*', r"\1", text)


async def test_unknown_account_and_wrong_password_are_one_answer(world: World, checked: list[str]) -> None:
    _, email = await world.developer()
    checked.clear()
    wrong = await world.person().sign_in(email, "not the right password")
    unknown = await world.person().sign_in("nobody@example.com", "not the right password")
    assert wrong.status_code == unknown.status_code == 422
    assert comparable(wrong) == comparable(unknown)
    assert "mtas_dashboard=" not in wrong.headers.get("set-cookie", "")
    assert len(checked) == 2  # a dummy hash takes as long


async def test_64_parallel_tries_are_looked_at_five_times(world: World, checked: list[str]) -> None:
    _, email = await world.developer()
    checked.clear()
    people = [world.person() for _ in range(64)]  # each from another address
    answers = await asyncio.gather(*(person.sign_in(email, "a wrong password") for person in people))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(checked) == 5
    assert len(refused) == 59
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    # The right one does not help either, until the wait is over.
    assert (await world.person().sign_in(email)).status_code == 429
    assert len(checked) == 5


async def test_waiting_longer_each_time_and_a_success_forgives(world: World) -> None:
    _, email = await world.developer()
    for _ in range(5):
        assert (await world.person().sign_in(email, "wrong")).status_code == 422
    assert (await world.person().sign_in(email, "wrong")).headers["retry-after"] == "1"
    world.clock.advance(1)
    assert (await world.person().sign_in(email, "wrong")).status_code == 422
    assert (await world.person().sign_in(email)).headers["retry-after"] == "2"
    world.clock.advance(2)
    assert (await world.person().sign_in(email)).status_code == 303
    assert (await world.person().sign_in(email, "wrong")).status_code == 422


async def test_one_try_on_each_of_many_accounts_is_limited_by_address(
    world: World, checked: list[str]
) -> None:
    # Rotating inside an IPv6 /64 is still one address.
    people = [world.person(f"2001:db8:0:7::{number:x}") for number in range(1, 61)]
    answers = await asyncio.gather(
        *(person.sign_in(f"account-{number}@example.com", "wrong") for number, person in enumerate(people))
    )
    assert len(checked) == ADDRESS.size
    assert [answer.status_code for answer in answers].count(429) == 60 - ADDRESS.size


async def lock(world: World, email: str) -> None:
    """Use up the free tries that strangers have at this account."""
    for _ in range(5):
        assert (await world.person().sign_in(email, "wrong")).status_code == 422
    assert (await world.person().sign_in(email)).status_code == 429


async def test_whoever_guesses_elsewhere_does_not_lock_the_owner_out(world: World) -> None:
    person, email = await world.developer()
    await lock(world, email)
    person.http.cookies.delete("mtas_dashboard")
    assert [(await person.sign_in(email, "wrong")).status_code for _ in range(2)] == [422, 422]
    assert (await person.sign_in(email)).status_code == 303


async def test_nor_keep_a_developer_at_work_from_confirming_who_it_is(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, email = await world.developer(app_id)
    await lock(world, email)
    world.clock.advance(601)  # the password is too long ago now
    assert (await world.person().sign_in(email, "wrong")).status_code == 422
    assert (await world.person().sign_in(email)).status_code == 429
    path = f"/dashboard/apps/{app_id}/clients/{app_id}/rotate-secret"
    answer = await person.fill(path, {"overlap_s": "0", "password": PASSWORD})
    assert "mtas_cs_" in answer.text


async def test_a_known_device_has_no_more_tries_than_a_stranger(world: World) -> None:
    person, email = await world.developer()
    person.http.cookies.delete("mtas_dashboard")
    answers = [(await person.sign_in(email, "wrong")).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    _, another = await world.developer()
    await lock(world, another)
    assert (await person.sign_in(another)).status_code == 429, "it is known for its own account alone"


@pytest.fixture
def few_strangers(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All tests share the one bucket: it is full before and after."""
    world.clock.advance(3600)
    monkeypatch.setattr(check_password, "STRANGERS", Bucket(size=10, per_second=1.0))
    yield
    world.clock.advance(3600)


async def test_one_try_on_each_of_many_accounts_from_everywhere_has_an_end(
    world: World, checked: list[str], few_strangers: None
) -> None:
    known, email = await world.developer()
    known.http.cookies.delete("mtas_dashboard")
    checked.clear()
    people = [world.person() for _ in range(40)]  # each from another address
    answers = await asyncio.gather(
        *(person.sign_in(f"account-{number}@example.com", "wrong") for number, person in enumerate(people))
    )
    assert len(checked) == 10
    assert [answer.status_code for answer in answers].count(429) == 30
    assert (await known.sign_in(email)).status_code == 303


async def test_without_valkey_nobody_is_let_in_and_nothing_is_looked_at(
    world: World, admin_environment: dict[str, str], checked: list[str]
) -> None:
    _, email = await world.developer()
    checked.clear()
    settings = load(Settings, admin_environment | {"MTAS_VALKEY_URL": "redis://127.0.0.1:1/0"})
    async with serve(create_app(settings)) as url:
        person = Person(url, some_address())
        answer = await person.sign_in(email)
        assert (answer.status_code, checked) == (503, [])
        assert answer.headers["retry-after"]
        assert "Temporarily unavailable" in answer.text
        ready = await person.http.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]) == (503, {"postgres": True, "valkey": False})
        await person.http.aclose()


async def test_signing_in_replaces_the_session_from_before(world: World) -> None:
    person, email = await world.developer()
    before = person.session
    assert before is not None
    page = await person.get("/dashboard/register-app")  # any page with a form of this session
    token = page.text.split('form_token" value="')[1][:43]
    answer = await person.http.post(
        "/dashboard/sign-in", data={"email": email, "password": PASSWORD, "form_token": token}
    )
    assert answer.status_code == 303
    assert person.session != before
    stranger = world.person()
    stranger.http.cookies.set("mtas_dashboard", before, domain="127.0.0.1")
    assert (await stranger.http.get("/dashboard")).status_code == 303


async def test_a_planted_session_is_not_adopted(world: World) -> None:
    planted = "A" * 43
    _, email = await world.developer()
    victim = world.person()
    victim.http.cookies.set("mtas_dashboard", planted, domain="127.0.0.1", path="/")
    assert (await victim.sign_in(email)).status_code == 303
    stranger = world.person()
    stranger.http.cookies.set("mtas_dashboard", planted, domain="127.0.0.1")
    assert (await stranger.http.get("/dashboard")).status_code == 303


async def test_signing_out_ends_the_session(world: World) -> None:
    person, _ = await world.developer()
    session = person.session
    assert session is not None
    page = await person.get("/dashboard/register-app")
    answer = await person.submit(page, {}, to="/sign-out")
    assert answer.headers["location"] == "/dashboard/sign-in?done=signed-out"
    assert person.session is None
    person.http.cookies.set("mtas_dashboard", session, domain="127.0.0.1")
    assert (await person.http.get("/dashboard")).status_code == 303


async def test_a_session_ends_when_idle_for_an_hour(world: World) -> None:
    person, _ = await world.developer()
    for _ in range(3):
        world.clock.advance(3500)
        assert (await person.http.get("/dashboard")).status_code == 200
    world.clock.advance(3601)
    assert (await person.http.get("/dashboard")).status_code == 303


async def test_a_session_ends_after_a_day_however_much_used(world: World) -> None:
    person, _ = await world.developer()
    for _ in range(24):
        world.clock.advance(3590)
        assert (await person.http.get("/dashboard")).status_code == 200
    world.clock.advance(300)
    assert (await person.http.get("/dashboard")).status_code == 303


async def test_who_confirms_who_they_are_for_nothing_stays_signed_in(world: World) -> None:
    """Their session was replaced before it turned out that there is nothing to revoke."""
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "owner")
    world.clock.advance(660)
    page = await person.get(f"/dashboard/apps/{app_id}/members")
    before, fields = person.session, forms(page)[0].fields | {"password": PASSWORD}
    answer = await person.http.post(f"/dashboard/apps/{app_id}/invitations/{uuid4()}/revoke", data=fields)
    assert answer.status_code == 404
    assert person.session not in (None, before)
    assert (await person.http.get("/dashboard")).status_code == 200


async def test_two_session_cookies_are_none(world: World) -> None:
    """One of them is another's, and nothing says which (RFC 6265 §4.2.2)."""
    (mine, _), (theirs, _) = await world.developer(), await world.developer()
    for pair in ((mine, theirs), (theirs, mine), (mine, mine)):
        cookie = "; ".join(f"mtas_dashboard={person.session}" for person in pair)
        answer = await world.http.get("/dashboard", headers={"Cookie": cookie})
        assert answer.status_code == 303


async def test_a_disabled_developer_is_out_at_once(world: World) -> None:
    person, email = await world.developer()
    await world.seed.execute("update admin.developers set disabled_at = now() where email = $1", email)
    assert (await person.http.get("/dashboard")).status_code == 303
    assert (await world.person().sign_in(email)).status_code == 422


async def test_the_database_holds_no_session_token(world: World) -> None:
    person, _ = await world.developer()
    assert person.session is not None
    rows = await world.seed.fetch("select * from admin.developer_sessions")
    assert person.session.encode() not in b"".join(bytes(row["token_hash"]) for row in rows)


async def test_cookies_over_plain_http_on_localhost(world: World) -> None:
    _, email = await world.developer()
    cookie = (await world.person().sign_in(email)).headers["set-cookie"].lower()
    assert cookie.startswith("mtas_dashboard=")
    assert all(part in cookie for part in ("httponly", "path=/", "samesite=lax", "max-age=86400"))
    assert "domain" not in cookie
    assert "secure" not in cookie


async def test_cookies_over_tls_have_the_host_prefix(world: World, admin_environment: dict[str, str]) -> None:
    settings = load(Settings, admin_environment | {"MTAS_PUBLIC_URL": "https://auth.example"})
    async with serve(create_app(settings)) as url, httpx2.AsyncClient(base_url=url) as http:
        cookie = (await http.get("/dashboard/sign-in")).headers["set-cookie"]
        assert cookie.startswith("__Host-mtas_dashboard_browser=")
        assert "secure" in cookie.lower()
        assert "domain" not in cookie.lower()


@pytest.mark.parametrize(
    ("next_", "lands"),
    [
        ("/dashboard/apps/acme/users", "/dashboard/apps/acme/users"),
        ("//evil.example", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
        ("/\t/evil.example", "/dashboard"),
        ("https://evil.example/dashboard", "/dashboard"),
        ("/dashboard/..//evil.example", "/dashboard"),
        ("/t/acme/logout", "/dashboard"),
    ],
)
async def test_after_signing_in_only_own_pages_are_led_to(world: World, next_: str, lands: str) -> None:
    _, email = await world.developer()
    person = world.person()
    page = await person.get("/dashboard/sign-in", params={"next": next_})
    answer = await person.submit(page, {"email": email, "password": PASSWORD})
    assert answer.headers["location"] == lands
    posted = world.person()
    page = await posted.get("/dashboard/sign-in")
    answer = await posted.submit(page, {"email": email, "password": PASSWORD, "next": next_})
    assert answer.headers["location"] == lands
