"""Mail: asked for in the transaction of its cause, sent by the consumer, once; later if it must be."""

import asyncio
from email.message import EmailMessage
from typing import Any

from tests.services.authorize.conftest import ORIGIN, PASSWORD, Person, World
from tests.support.post import Post, link_in, text_of


async def sign_up(person: Person, email: str, **headers: str) -> Any:
    page = await person.http.get(person.path("signup"), headers=headers)
    return await person.send(page, {"email": email, "password": PASSWORD}, headers=headers)


async def come(post: Post, address: str, number: int = 1) -> list[EmailMessage]:
    async with asyncio.timeout(8):
        while len(post.to(address)) < number:
            await asyncio.sleep(0.01)
    return post.to(address)


async def settled(world: World) -> list[dict[str, Any]]:
    """The mails' rows, once every one is sent or given up."""
    async with asyncio.timeout(8):
        while True:
            rows = await world.seed.fetch(
                "select * from authorize.mails where tenant_id = $1 order by mail_id", world.tenant_id
            )
            if rows and all(row["sent_at"] or row["claimed_at"] for row in rows):
                return rows
            await asyncio.sleep(0.02)


async def all_sent(world: World) -> None:
    """None is under way any more: each was sent, or found to be for nobody."""
    async with asyncio.timeout(8):
        while not all(row["sent_at"] for row in await settled(world)):
            await asyncio.sleep(0.02)


async def test_a_mail_has_both_forms_and_a_link_below_the_configured_origin(world: World, post: Post) -> None:
    spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    await sign_up(world.person(), "grace@example.com", **spoofed)
    (mail,) = await come(post, "grace@example.com")
    assert link_in(mail).startswith(f"{ORIGIN}/t/{world.slug}/verify?")
    assert "evil" not in mail.as_string()
    assert mail["From"] == "Acme & Co <no-reply@localhost>"
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_an_event_and_a_row_hold_neither_token_nor_link(world: World, post: Post) -> None:
    await sign_up(world.person(), "grace@example.com")
    (mail,) = await come(post, "grace@example.com")
    token = link_in(mail).partition("token=")[2]
    (row,) = await settled(world)
    assert token not in str(row)
    assert str(row["mail_id"]) in mail["Message-ID"]


async def test_one_that_is_away_gets_the_mail_later_and_once(world: World, post: Post) -> None:
    post.answers += ["451 4.3.0 not now", "421 4.3.2 closing", "451 4.3.0 not now"] * 3
    await sign_up(world.person(), "grace@example.com")
    await come(post, "grace@example.com")
    assert post.tries == 10
    await all_sent(world)
    assert len(post.mails) == 1


async def test_what_is_refused_for_good_goes_to_the_dead_letters_at_once(world: World, post: Post) -> None:
    post.answers += ["550 5.1.1 no such mailbox"]
    await sign_up(world.person(), "nobody@example.com")
    await sign_up(world.person(), "grace@example.com")
    await come(post, "grace@example.com")
    assert post.to("nobody@example.com") == []
    assert post.tries == 2


async def test_the_owner_of_a_taken_address_is_told(world: World, post: Post) -> None:
    answer = await sign_up(world.person(), "ADA@example.com")
    assert answer.status_code == 422
    (mail,) = await come(post, "ada@example.com")
    assert "already" in mail["Subject"]
    assert "/forgot" in text_of(mail)
    assert "token=" not in mail.as_string()


async def test_where_addresses_are_confirmed_sign_up_answers_alike(world: World, post: Post) -> None:
    """A free address and a taken one: status, body and cookies; which it was, the mail says."""
    await world.seed.execute(
        "update admin.tenants set verified_email_required = true where tenant_id = $1", world.tenant_id
    )
    free, taken = world.person(), world.person()
    answers = [await sign_up(free, "zoe@example.com"), await sign_up(taken, "ada@example.com")]
    assert [answer.status_code for answer in answers] == [200, 200]
    pages = [answer.text.replace("zoe@", "ada@") for answer in answers]
    assert [hide(page, person) for page, person in zip(pages, (free, taken), strict=True)] == [
        hide(pages[0], free)
    ] * 2
    assert free.session is None
    assert taken.session is None
    assert "Confirm" in (await come(post, "zoe@example.com"))[0]["Subject"]
    assert "already" in (await come(post, "ada@example.com"))[0]["Subject"]


def hide(page: str, person: Person) -> str:
    """Without what differs between any two browsers."""
    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    return page.replace(token, "…") if token else page


async def test_many_sign_ups_with_one_address_send_few_mails(world: World, post: Post) -> None:
    statuses = [(await sign_up(world.person(), "ada@example.com")).status_code for _ in range(7)]
    assert statuses == [422] * 5 + [429] * 2
    await come(post, "ada@example.com", 5)


async def test_the_owner_is_told_of_a_new_device_and_of_no_other(world: World, post: Post) -> None:
    person = world.person()
    await person.sign_in(password="a guess at the account")
    await person.sign_in()
    person.http.cookies.delete(f"mtas_session_{person.slug}")
    await person.sign_in()
    another = world.person()
    await another.sign_in()
    mails = await come(post, "ada@example.com", 2)
    assert len(await settled(world)) == 2
    assert {mail["Subject"] for mail in mails} == {"A new sign-in at Acme & Co"}
    assert link_in(mails[0]).startswith(f"{ORIGIN}/t/{world.slug}/forgot")


async def test_who_has_just_signed_up_is_not_told_that_they_did(world: World, post: Post) -> None:
    person = world.person()
    await sign_up(person, "grace@example.com")
    person.http.cookies.delete(f"mtas_session_{person.slug}")
    await person.sign_in("grace@example.com")
    await come(post, "grace@example.com")
    assert [row["purpose"] for row in await settled(world)] == ["verify_email"]
