"""A forgotten dashboard password: who is sent what, what a link is worth, and what ends with it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from services.admin.flows import check_password
from services.admin.flows.password_links import LIFETIME, MAILS_BY_ADDRESS, MAILS_TO_ACCOUNT
from services.admin.store.password_links import delete_old_password_links
from shared.events.bus import Bus
from tests.services.admin.conftest import PUBLIC_URL, Person, World, some_address
from tests.services.admin.test_api import is_problem
from tests.services.admin.test_api_tokens import make
from tests.services.admin.test_invitation_mails import another, mails_to
from tests.services.admin.test_members import an_app
from tests.services.admin.test_sign_in import comparable
from tests.support.browser import forms
from tests.support.post import Post, link_in, post_office, text_of
from tests.support.seed import some_slug

NEW = "seven herons beside the quiet canal"
FORGOT = "/dashboard/forgot-password"


@pytest.fixture
async def post(
    world: World, stores: Stack, admin_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Post]:
    """A mail server, and the world's service with it and with NATS."""
    monkeypatch.setattr(Bus, "retry_after_s", 0.01)
    async with (
        post_office("/dashboard/api-tokens") as post,
        another(world, stores, admin_environment, post.url),
    ):
        yield post


async def ask(world: World, email: str, **options: Any) -> httpx2.Response:
    return await world.person().fill(FORGOT, {"email": email}, **options)


async def made(world: World, email: str) -> str:
    """The link that the operator makes."""
    answer = await world.api("POST", "/developers/password-links", json={"email": email})
    assert answer.status_code == 201, answer.text
    return path_of(answer.json()["link"])


def path_of(link: str) -> str:
    assert link.startswith(f"{PUBLIC_URL}/dashboard/reset-password?token=mtas_pl_")
    return link.removeprefix(PUBLIC_URL)


async def choose(person: Person, path: str, password: str = NEW) -> httpx2.Response:
    return await person.fill(path, {"password": password})


async def requests_of(world: World, email: str) -> list[dict[str, Any]]:
    return await world.seed.fetch("select * from admin.password_links where email_key = $1", email)


async def test_by_mail_from_the_link_on_the_sign_in_page_to_the_new_password(
    world: World, post: Post
) -> None:
    app_id = await an_app(world)
    other_device, email = await world.developer(app_id)
    person = world.person()
    sign_in = await person.get("/dashboard/sign-in")
    assert f'href="{FORGOT}"' in sign_in.text
    asked = await person.fill(FORGOT, {"email": f" {email.upper()} "})
    assert (asked.status_code, "Check your mail" in asked.text) == (200, True)
    [mail] = await mails_to(post, email)
    assert f"{PUBLIC_URL}/dashboard/api-tokens" in text_of(mail)
    path = path_of(link_in(mail))
    assert email in (await person.get(path)).text  # following it uses nothing up
    done = await choose(person, path)
    assert (done.status_code, done.headers["location"]) == (303, "/dashboard/sign-in?done=password-reset")
    assert person.session is None  # nobody is signed in by it
    assert "Your password is changed" in (await person.get(done.headers["location"])).text
    assert (await other_device.http.get("/dashboard")).status_code == 303
    assert (await world.person().sign_in(email)).status_code == 422
    assert (await person.sign_in(email, NEW)).status_code == 303


async def test_known_unknown_and_disabled_are_one_answer(world: World, post: Post) -> None:
    _, email = await world.developer()
    _, disabled = await world.developer()
    await world.seed.execute("update admin.developers set disabled_at = now() where email = $1", disabled)
    nobody = f"{some_slug()}@example.com"
    answers = [await ask(world, address) for address in (disabled, nobody, email)]
    pages = {
        comparable(answer).replace(address, "EMAIL")
        for answer, address in zip(answers, (disabled, nobody, email), strict=True)
    }
    assert len(pages) == 1
    assert {answer.status_code for answer in answers} == {200}
    await mails_to(post, email)  # asked for last, so the others were looked at
    assert (post.to(disabled), post.to(nobody)) == ([], [])


async def test_the_answer_looks_at_no_account(world: World, post: Post) -> None:
    """So it takes as long for each: what is written does not depend on who there is."""
    _, email = await world.developer()
    nobody = f"{some_slug()}@example.com"
    post.answers = ["451 later"] * 3
    for address in (email, nobody):
        await ask(world, address)
        [row] = await requests_of(world, address)
        assert (row["email_key"], row["mail_language"]) == (address, "en")
        for table in ("admin.audit_log", "events.outbox"):
            about = f"select data::text from {table} where subject = $1"
            assert "@" not in str(await world.seed.fetch(about, str(row["link_id"])))


async def test_the_token_is_stored_as_a_hash_and_in_no_event(world: World, post: Post) -> None:
    _, email = await world.developer()
    await ask(world, email, headers={"Accept-Language": "de-AT,en;q=0.5", "X-Forwarded-Host": "evil.example"})
    [mail] = await mails_to(post, email)
    assert (mail["From"], mail["Content-Language"]) == ("MTAS <no-reply@localhost>", "de")
    assert "Neues Passwort" in mail["Subject"]
    assert "evil" not in mail.as_string()
    [token] = parse_qs(urlsplit(link_in(mail)).query)["token"]
    [row] = await requests_of(world, email)
    assert token not in str(row)
    assert row["expires_at"] - row["created_at"] == LIFETIME == timedelta(minutes=15)
    for table in ("admin.audit_log", "events.outbox"):
        assert token not in str(await world.seed.fetch(f"select t::text from {table} t"))


async def test_a_mail_server_that_is_away_is_tried_again_with_another_link(world: World, post: Post) -> None:
    _, email = await world.developer()
    post.answers = ["451 later", "451 later"]
    await ask(world, email)
    [mail] = await mails_to(post, email)
    assert post.tries == 3
    assert (await choose(world.person(), path_of(link_in(mail)))).status_code == 303


async def test_a_new_request_voids_the_former(world: World, post: Post) -> None:
    _, email = await world.developer()
    await ask(world, email)
    [first] = await mails_to(post, email)
    await ask(world, email)
    _, second = await mails_to(post, email, 2)
    assert (await world.person().get(path_of(link_in(first)))).status_code == 410
    by_operator = await made(world, email)
    assert (await world.person().get(path_of(link_in(second)))).status_code == 410
    assert (await world.person().get(by_operator)).status_code == 200


async def test_a_link_is_over_once_used_lapsed_or_edited(world: World) -> None:
    _, email = await world.developer()
    used = await made(world, email)
    assert (await choose(world.person(), used)).status_code == 303
    lapsed = await made(world, email)
    person = world.person()
    form = await person.get(lapsed)
    world.clock.advance(LIFETIME.total_seconds())
    assert (await person.submit(form, {"password": NEW})).status_code == 410
    for path in (
        used,
        lapsed,
        used[:-1] + "x",
        "/dashboard/reset-password?token=x",
        "/dashboard/reset-password",
    ):
        page = await world.person().get(path)
        assert (page.status_code, "Get a new link" in page.text) == (410, True)


async def test_of_many_at_once_one_sets_its_password(world: World) -> None:
    _, email = await world.developer()
    path = await made(world, email)
    people = [world.person() for _ in range(16)]
    pages = [await person.get(path) for person in people]
    passwords = [f"heron number {number} at the canal" for number in range(16)]
    answers = await asyncio.gather(
        *(
            person.submit(page, {"password": password})
            for person, page, password in zip(people, pages, passwords, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303] + [410] * 15
    [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 303]
    assert (await world.person().sign_in(email, passwords[winner])).status_code == 303


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("too short", id="length"),
        pytest.param("passwordpassword", id="breached or a pattern"),
        pytest.param("x" * 257, id="too long"),
        pytest.param("{email}", id="about them"),
    ],
)
async def test_the_rules_are_those_of_sign_up(world: World, password: str) -> None:
    _, email = await world.developer()
    path = await made(world, email)
    person = world.person()
    refused = await choose(person, path, password.format(email=email))
    assert refused.status_code == 422
    assert (await world.person().sign_in(email)).status_code == 303  # the former one still works
    assert (await person.submit(refused, {"password": NEW})).status_code == 303  # and so does the link


async def test_a_password_is_the_same_from_every_keyboard(world: World) -> None:
    _, email = await world.developer()
    await choose(world.person(), await made(world, email), "vierzehn grüne Äpfel im Korb")
    decomposed = "vierzehn gru\u0308ne A\u0308pfel im Korb"
    assert (await world.person().sign_in(email, decomposed)).status_code == 303


async def test_who_is_disabled_meanwhile_gets_nowhere(world: World) -> None:
    _, email = await world.developer()
    path = await made(world, email)
    person = world.person()
    form = await person.get(path)
    await world.seed.execute("update admin.developers set disabled_at = now() where email = $1", email)
    assert (await person.submit(form, {"password": NEW})).status_code == 410
    refused = await world.api("POST", "/developers/password-links", json={"email": email})
    assert is_problem(refused, 422)["errors"][0]["pointer"] == "#/email"


async def test_who_comes_by_mail_has_shown_that_the_address_is_theirs(world: World, post: Post) -> None:
    _, email = await world.developer()
    await ask(world, email)
    [mail] = await mails_to(post, email)
    await choose(world.person(), path_of(link_in(mail)))
    [row] = await world.seed.fetch("select email_verified from admin.developers where email = $1", email)
    assert row["email_verified"] is True


async def test_it_stands_in_the_audit_log_of_each_of_their_apps(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id, "viewer")
    await choose(world.person(), await made(world, email))
    [event] = [each for each in await world.events(app_id) if each["type"] == "member.password_reset"]
    assert json.loads(event["data"]) == {"actor": f"developer:{event['subject']}", "by": "operator"}


async def test_asking_is_limited_by_account_and_by_address(world: World, post: Post) -> None:
    _, email = await world.developer()
    statuses = [(await ask(world, email)).status_code for _ in range(MAILS_TO_ACCOUNT.size + 1)]
    assert statuses == [200] * MAILS_TO_ACCOUNT.size + [429]
    refused = await ask(world, email)
    assert int(refused.headers["retry-after"]) > 60
    assert (await ask(world, f"{some_slug()}@example.com")).status_code == 200
    person = world.person(some_address())
    page = await person.get(FORGOT)
    answers = [
        await person.submit(page, {"email": f"{some_slug()}@example.com"})
        for _ in range(MAILS_BY_ADDRESS.size + 1)
    ]
    assert [answer.status_code for answer in answers] == [200] * MAILS_BY_ADDRESS.size + [429]


async def test_using_is_limited_by_address_before_a_password_is_hashed(world: World) -> None:
    _, email = await world.developer()
    path = await made(world, email)
    person = world.person()
    page = await person.get(path)
    for _ in range(check_password.ADDRESS.size):
        assert (await person.submit(page, {"password": "short"})).status_code == 422
    assert (await person.submit(page, {"password": NEW})).status_code == 429
    assert (await choose(world.person(), path)).status_code == 303


async def test_forms_come_from_us(world: World, post: Post) -> None:
    _, email = await world.developer()
    path = await made(world, email)
    for address, fields in ((FORGOT, {"email": email}), (path, {"password": NEW})):
        person = world.person()
        page = await person.get(address)
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert (await person.submit(page, fields, headers=headers)).status_code == 403
        assert (await person.submit(page, fields | {"form_token": "x"})).status_code == 403
    assert (await world.person().get(path)).status_code == 200


async def test_what_is_no_address_is_said_at_the_field(world: World, post: Post) -> None:
    refused = await ask(world, "ada")
    assert refused.status_code == 422
    assert "Enter an email address" in refused.text


async def test_without_a_mail_server_the_page_says_whom_to_ask(world: World) -> None:
    _, email = await world.developer()
    page = await world.person().get(FORGOT)
    assert "mtas developer reset-password" in page.text
    assert forms(page) == []
    person = world.person()
    token = forms(await person.get("/dashboard/sign-in"))[0].fields["form_token"]
    answer = await person.http.post(FORGOT, data={"email": email, "form_token": token})
    assert answer.status_code == 200
    assert await requests_of(world, email) == []


async def test_only_the_operators_token_makes_a_link(world: World) -> None:
    app_id = await an_app(world)
    _, email = await world.developer(app_id)
    token = await make(world, email)
    refused = await token("POST", "/developers/password-links", json={"email": email})
    is_problem(refused, 403)
    for wrong in ("nobody@example.com", "ada"):
        refused = await world.api("POST", "/developers/password-links", json={"email": wrong})
        assert is_problem(refused, 422)["errors"][0]["pointer"] == "#/email"


async def test_a_day_after_it_has_lapsed_it_is_forgotten(world: World, stores: Stack) -> None:
    _, email = await world.developer()
    await made(world, email)
    [row] = await requests_of(world, email)
    admin = await asyncpg.connect(stores.environment("admin")["MTAS_DATABASE_URL"])
    try:
        for before, left in ((row["expires_at"], 1), (row["expires_at"] + timedelta(seconds=1), 0)):
            await delete_old_password_links(admin, before)
            assert len(await requests_of(world, email)) == left
    finally:
        await admin.close()
