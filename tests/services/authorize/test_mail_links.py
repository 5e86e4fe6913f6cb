"""Forgotten passwords and confirmed addresses: what a link in a mail does, once, and what it does not."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from deploy.local.stack import Stack
from shared.mail.links import Links
from shared.secret import Secret
from tests.services.authorize.conftest import PASSWORD, Apart, Person, World, answer
from tests.services.authorize.test_mail import all_sent, come, settled, sign_up
from tests.support.post import Post, link_in

NEW = "a new one, quite unlike the former"


@pytest.fixture
async def links(stores: Stack) -> Links:
    return Links(Secret(stores.secrets["form-secret"]))


@pytest.fixture
async def mailless(world: World, authorize_apart: Apart) -> AsyncIterator[World]:
    """With a mail server set that nobody listens at: what is asked for stays to be seen."""
    async with authorize_apart(MTAS_SMTP_URL="smtp://127.0.0.1:1") as url:
        world.url = url
        yield world


async def ask(person: Person, page: str, email: str) -> httpx2.Response:
    form = await person.http.get(person.path(page))
    return await person.send(form, {"email": email})


async def token_for(world: World, links: Links, purpose: str, email: str = "ada@example.com") -> str:
    """As the mail would carry it, once the consumer has found out whose address it is."""
    rows = await world.seed.fetch(
        "update authorize.mails m set user_id = u.user_id from authorize.users u"
        " where m.tenant_id = $1 and m.purpose = $2 and m.email = $3 and u.tenant_id = m.tenant_id"
        " and u.email_key = lower(m.email) returning m.mail_id",
        world.tenant_id,
        purpose,
        email,
    )
    return links.token(world.tenant_id, purpose, max(row["mail_id"] for row in rows))


async def reset_form(world: World, links: Links) -> tuple[Person, httpx2.Response]:
    person = world.person()
    await ask(person, "forgot", "ada@example.com")
    token = await token_for(world, links, "reset_password")
    return person, await person.http.get(person.path("reset"), params={"token": token})


# Asking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["forgot", "verify-again"])
async def test_asking_is_answered_alike_for_known_and_unknown(mailless: World, page: str) -> None:
    known, unknown = mailless.person(), mailless.person()
    pages = [await ask(known, page, "ada@example.com"), await ask(unknown, page, "eve@example.com")]
    assert [each.status_code for each in pages] == [200, 200]
    texts = [re.sub(r'(form_token" value=")[\w-]+', r"\1", each.text) for each in pages]
    assert texts[0].replace("ada@", "eve@") == texts[1]
    rows = await mailless.seed.fetch(
        "select purpose, user_id from authorize.mails where tenant_id = $1", mailless.tenant_id
    )
    assert [row["user_id"] for row in rows] == [None, None], "and so is what is written"
    assert [kind for kind, _, _ in await mailless.events()] == ["mail.requested"] * 2


async def test_an_unknown_address_gets_no_mail(world: World, post: Post) -> None:
    await ask(world.person(), "forgot", "eve@example.com")
    await ask(world.person(), "forgot", "ada@example.com")
    await come(post, "ada@example.com")
    await all_sent(world)
    assert post.to("eve@example.com") == []


async def test_a_mail_that_is_tried_again_goes_to_the_account_and_not_to_what_was_typed(
    world: World, post: Post
) -> None:
    """ß and ss are one address to look up, and two domains: the other may be anybody's."""
    await world.add_user("ada@fass.example")
    post.answers += ["451 4.3.0 not now"]
    await ask(world.person(), "forgot", "ada@faß.example")
    await come(post, "ada@fass.example")
    assert post.tries == 2
    [row] = await settled(world)
    assert row["email"] == "ada@fass.example", "and so its link confirms this one"


async def test_a_confirmed_address_gets_no_second_confirmation(world: World, post: Post) -> None:
    await world.seed.execute(
        "update authorize.users set email_verified = true where tenant_id = $1", world.tenant_id
    )
    await ask(world.person(), "verify-again", "ada@example.com")
    await all_sent(world)
    assert post.mails == []


async def test_without_a_mail_server_the_pages_are_not_there(world: World) -> None:
    person = world.person()
    assert "forgot" not in (await person.get(person.path("login"))).text
    for page in ("forgot", "verify-again"):
        assert (await person.http.get(person.path(page))).status_code == 404


async def test_asking_for_one_address_is_limited_for_all_who_ask(mailless: World) -> None:
    statuses = [
        (await ask(mailless.person(), "forgot", email)).status_code for email in ["eve@example.com"] * 7
    ]
    assert statuses == [200] * 5 + [429] * 2
    assert (await ask(mailless.person(), "forgot", "ada@example.com")).status_code == 200


async def test_whoever_asks_for_everybody_is_told_to_wait(mailless: World) -> None:
    person = mailless.person()
    statuses = [(await ask(person, "forgot", f"user-{n}@example.com")).status_code for n in range(32)]
    assert statuses == [200] * 30 + [429] * 2


# Resetting ------------------------------------------------------------------------------------


async def test_a_reset_sets_the_password_and_signs_everybody_out(world: World, post: Post) -> None:
    thief = world.person()
    await thief.sign_in()
    world.clock.advance(60)
    person = world.person()
    await ask(person, "forgot", "ada@example.com")
    first, second = await come(post, "ada@example.com", 2)
    [mail] = [each for each in (first, second) if "/reset?" in link_in(each)]  # beside the thief's new device
    page = await person.get(link_in(mail).removeprefix("http://localhost"))
    done = await person.submit(page, {"password": NEW})
    assert "Your new password is set" in done.text
    assert "<h1>Sign in</h1>" in (await thief.get(thief.path("account"))).text
    assert (await world.person().sign_in(password=PASSWORD)).status_code == 422
    assert (await world.person().sign_in(password=NEW)).url.path.endswith("/account")
    [user] = await world.seed.fetch("select * from authorize.users where user_id = $1", world.user_id)
    assert user["email_verified"], "who reads the mail has the address"
    assert user["grants_valid_from"] == world.clock()
    subjects = [mail["Subject"] for mail in await come(post, "ada@example.com", 4)]
    assert "Your password at Acme & Co was changed" in subjects
    assert subjects.count("A new sign-in at Acme & Co") == 2, "the thief, and another new device"


async def test_whoever_guesses_does_not_keep_the_owner_of_the_mailbox_out(
    mailless: World, links: Links
) -> None:
    person, form = await reset_form(mailless, links)
    assert (await person.send(form, {"password": NEW})).status_code == 303
    for _ in range(5):
        await mailless.person().sign_in(password="a guess at the account")
    assert (await mailless.person().sign_in(password=NEW)).status_code == 429
    assert (await person.sign_in(password=NEW)).url.path.endswith("/account")


async def test_what_waited_goes_on_after_a_reset(world: World, post: Post) -> None:
    person = world.person()
    login = await person.get(world.authorize())
    forgot = await person.get(str(login.url).replace("/login?", "/forgot?"))
    await person.send(forgot, {"email": "ada@example.com"})
    (mail,) = await come(post, "ada@example.com")
    page = await person.get(link_in(mail).removeprefix("http://localhost"))
    again = await person.submit(page, {"password": NEW})
    got = answer(await person.submit(again, {"email": "ada@example.com", "password": NEW}))
    assert got["state"] == "s-1"


async def test_a_link_used_twice_at_once_works_once(mailless: World, links: Links) -> None:
    _, form = await reset_form(mailless, links)
    token = form.text.partition('name="token" value="')[2].partition('"')[0]
    visitors = [mailless.person() for _ in range(8)]
    forms = [await each.http.get(each.path("reset"), params={"token": token}) for each in visitors]
    answers = await asyncio.gather(
        *(
            each.send(form, {"password": f"{NEW} {number}"})
            for number, (each, form) in enumerate(zip(visitors, forms, strict=True))
        )
    )
    assert sorted(each.status_code for each in answers) == [303] + [410] * 7
    winner = [each.status_code for each in answers].index(303)
    assert (await mailless.person().sign_in(password=f"{NEW} {winner}")).status_code == 200


async def test_two_links_at_once_change_it_once(mailless: World, links: Links) -> None:
    forms = [await reset_form(mailless, links) for _ in range(3)]
    answers = await asyncio.gather(*(person.send(form, {"password": NEW}) for person, form in forms))
    assert sorted(each.status_code for each in answers) == [303, 410, 410]


async def test_a_link_lapses_after_fifteen_minutes(mailless: World, links: Links) -> None:
    person, form = await reset_form(mailless, links)
    mailless.clock.advance(15 * 60)
    assert (await person.send(form, {"password": NEW})).status_code == 410
    assert (await mailless.person().sign_in()).status_code == 200


async def test_a_password_that_may_not_be_leaves_the_link_good(mailless: World, links: Links) -> None:
    person, form = await reset_form(mailless, links)
    refused = await person.send(form, {"password": "short"})
    assert refused.status_code == 422
    assert (await person.send(refused, {"password": NEW})).status_code == 303


async def test_looking_at_a_link_uses_nothing(mailless: World, links: Links) -> None:
    person, form = await reset_form(mailless, links)
    assert (await person.http.get(str(form.url))).status_code == 200
    assert (await person.send(form, {"password": NEW})).status_code == 303


async def test_a_disabled_users_link_does_nothing(mailless: World, links: Links) -> None:
    person, form = await reset_form(mailless, links)
    await mailless.seed.execute(
        "update authorize.users set disabled_at = now() where tenant_id = $1", mailless.tenant_id
    )
    assert (await person.send(form, {"password": NEW})).status_code == 410


async def test_a_link_is_for_one_tenant_and_one_page(mailless: World, other: World, links: Links) -> None:
    person, form = await reset_form(mailless, links)
    token = form.text.partition('name="token" value="')[2].partition('"')[0]
    for path in (person.path("verify"), f"/t/{other.slug}/reset", person.path("new-email")):
        shown = await person.http.get(path, params={"token": token})
        assert shown.status_code in (404, 410), path
    for forged in ("", "x", token[:-1], token[:-2] + "AA", "%00"):
        assert (await person.http.get(person.path("reset"), params={"token": forged})).status_code == 410


# Confirming -----------------------------------------------------------------------------------


async def test_an_address_is_confirmed_by_its_link(world: World, post: Post) -> None:
    person = world.person()
    await sign_up(person, "Grace@example.com")
    (mail,) = await come(post, "Grace@example.com")
    link = link_in(mail).removeprefix("http://localhost")
    page = await person.get(link)
    assert "Grace@example.com" in page.text
    [user] = await world.seed.fetch(
        "select * from authorize.users where email = 'Grace@example.com' and tenant_id = $1", world.tenant_id
    )
    assert not user["email_verified"], "looking confirms nothing"
    done = await person.submit(page)
    assert "Email address confirmed" in done.text
    assert (await person.send(page)).status_code == 410
    [user] = await world.seed.fetch("select * from authorize.users where user_id = $1", user["user_id"])
    assert user["email_verified"]


async def test_where_it_must_be_confirmed_nobody_is_signed_in_before(world: World, post: Post) -> None:
    await world.seed.execute(
        "update admin.tenants set verified_email_required = true where tenant_id = $1", world.tenant_id
    )
    person = world.person()
    page = await person.get(world.authorize())
    page = await person.send(page, {"email": "ada@example.com", "password": PASSWORD})
    assert "Check your mail" in page.text
    assert person.session is None
    wrong = await world.person().sign_in(password="another password altogether")
    assert "Check your mail" not in wrong.text, "the wrong password learns nothing of it"
    (mail,) = await come(post, "ada@example.com")
    confirmed = await person.submit(await person.get(link_in(mail).removeprefix("http://localhost")))
    interaction = re.search(r'href="(/t/[\w-]+/authorize\?interaction=[\w-]+[^"]*)"', confirmed.text)
    assert interaction, "it leads back to what waited"
    login = await person.get(interaction[1].replace("&amp;", "&"))
    assert "code" in answer(await person.submit(login, {"email": "ada@example.com", "password": PASSWORD}))


async def test_where_it_must_be_confirmed_and_no_mail_is_sent_nobody_gets_in(
    world: World, authorize_apart: Apart
) -> None:
    await world.seed.execute(
        "update admin.tenants set verified_email_required = true where tenant_id = $1", world.tenant_id
    )
    async with authorize_apart() as url:
        world.url = url
        person = world.person()
        page = await person.sign_in()
        assert page.status_code == 404
        assert person.session is None


# A stranger who was signed in ----------------------------------------------------------------


async def wish(world: World, links: Links) -> tuple[Person, str]:
    """Somebody signed in has asked for another address; the link that it gets."""
    stranger = world.person()
    await stranger.sign_in()
    assert (await ask(stranger, "account/email", "eve@example.com")).status_code == 200
    [mail] = await world.seed.fetch(
        "select mail_id from authorize.mails where tenant_id = $1 and purpose = 'change_email'",
        world.tenant_id,
    )
    return stranger, links.token(world.tenant_id, "change_email", mail["mail_id"])


@pytest.mark.parametrize("which", ["others", "theirs"])
async def test_whose_session_is_ended_gets_no_other_address(
    mailless: World, links: Links, which: str
) -> None:
    world, person = mailless, mailless.person()
    _, token = await wish(world, links)
    [theirs] = await world.seed.fetch(
        "select session_id from authorize.sessions where tenant_id = $1", world.tenant_id
    )
    await person.sign_in()
    page = await person.http.get(person.path("account/sessions"))
    assert (await person.http.get(person.path("new-email"), params={"token": token})).status_code == 200
    await person.send(page, {"session": which if which == "others" else str(theirs["session_id"])})
    assert (await person.http.get(person.path("new-email"), params={"token": token})).status_code == 410


@pytest.mark.parametrize(
    "how",
    [["sign-out"], ["disable", "enable"], ["sessions/{session_id}/end"]],
    ids=["out", "disabled", "ended"],
)
async def test_whom_an_administrator_signs_out_gets_no_other_address(
    mailless: World, links: Links, bearer: dict[str, str], how: list[str]
) -> None:
    world, person = mailless, mailless.person()
    _, token = await wish(world, links)
    [session] = await world.seed.fetch(
        "select session_id from authorize.sessions where tenant_id = $1", world.tenant_id
    )
    for step in how:
        path = f"/internal/tenants/{world.tenant_id}/users/{world.user_id}/{step.format(**session)}"
        assert (await person.http.post(path, headers=bearer)).status_code == 204
    assert (await person.http.get(person.path("new-email"), params={"token": token})).status_code == 410


async def test_whose_session_ends_meanwhile_asks_for_no_other_address(mailless: World) -> None:
    world, stranger = mailless, mailless.person()
    await stranger.sign_in()
    form = await stranger.http.get(stranger.path("account/email"))
    refused = await world.seed.while_under_way(
        "update authorize.sessions set ended_at = now() where tenant_id = $1",
        world.tenant_id,
        do=stranger.send(form, {"email": "eve@example.com"}),
    )
    assert refused.status_code == 422
    assert not await world.seed.fetch(
        "select from authorize.mails where tenant_id = $1 and purpose = 'change_email'", world.tenant_id
    )
