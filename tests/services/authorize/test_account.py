"""The account: what its user changes, what that ends, and that nobody else can."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import httpx2
import pytest

from services.authorize.routes.devices import device
from tests.services.authorize.conftest import PASSWORD, Person, World
from tests.services.authorize.test_mail import come
from tests.support.browser import forms
from tests.support.post import Post, link_in, text_of

NEW = "a new one, quite unlike the former"
PAGES = ["account", "account/profile", "account/password", "account/sessions", "account/apps", "account/data",
         "account/delete"]  # fmt: skip


async def submit(person: Person, name: str, values: dict[str, str], form: int = 0) -> httpx2.Response:
    page = await person.http.get(person.path(name))
    chosen = forms(page)[form]
    return await person.http.post(chosen.action, data=chosen.fields | values)


async def post_to(person: Person, name: str, values: dict[str, str]) -> httpx2.Response:
    """A form of one's own making, with the token that any page of ours gives."""
    page = await person.http.get(person.path("account/data"))
    return await person.http.post(
        person.path(name), data={"form_token": forms(page)[0].fields["form_token"]} | values
    )


async def about(post: Post, address: str, subject: str) -> EmailMessage:
    """The mail with these words in its subject; others tell of new devices."""
    async with asyncio.timeout(8):
        while True:
            for mail in post.to(address):
                if subject in mail["Subject"]:
                    return mail
            await asyncio.sleep(0.01)


async def is_signed_in(person: Person) -> bool:
    return "You are signed in" in (await person.get(person.path("account"))).text


async def family(
    world: World, session_id: UUID, client_id: str | None = None, *, offline: bool = False
) -> UUID:
    """A grant, as token would have written it."""
    now = world.clock()
    [row] = await world.seed.fetch(
        "insert into token.families (tenant_id, family_id, client_id, user_id, session_id, scope, audience,"
        " auth_time, refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at)"
        " values ($1, uuidv7(), $2, $3, $4, '{openid,email}', 'a', $5, true, $6, $5, $7, $7, $5)"
        " returning family_id",
        world.tenant_id,
        client_id or world.slug,
        world.user_id,
        session_id,
        now,
        offline,
        now + timedelta(days=1),
    )
    return UUID(str(row["family_id"]))


async def revoked(world: World) -> dict[UUID, str | None]:
    rows = await world.seed.fetch("select * from token.families where tenant_id = $1", world.tenant_id)
    return {row["family_id"]: row["revoked_reason"] for row in rows}


async def sessions(world: World) -> list[UUID]:
    """Oldest first."""
    rows = await world.seed.fetch(
        "select session_id from authorize.sessions where tenant_id = $1 order by session_id", world.tenant_id
    )
    return [row["session_id"] for row in rows]


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_of_the_account_is_its_users_alone(world: World, name: str) -> None:
    assert (await world.person().get(world.person().path(name))).url.path.endswith("/login")
    person = world.person()
    await person.sign_in()
    assert (await person.http.get(person.path(name))).status_code == 200


async def test_a_name_is_changed_and_taken_away(world: World) -> None:
    person = world.person()
    await person.sign_in()
    assert (await submit(person, "account/profile", {"name": " Ada  Löwe "})).status_code == 303
    assert "Ada  Löwe" in (await person.get(person.path("account"))).text
    refused = await submit(person, "account/profile", {"name": "x" * 201})
    assert refused.status_code == 422
    await submit(person, "account/profile", {"name": ""})
    events = [data for kind, _, data in await world.events() if kind == "user.updated"]
    assert events == [{"changed": ["name"]}] * 2


# Sessions -------------------------------------------------------------------------------------


async def test_sessions_are_told_apart_by_device_and_address(world: World) -> None:
    other, person = world.person(), world.person()
    other.http.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
    await other.sign_in()
    await person.sign_in()
    page = (await person.get(person.path("account/sessions"))).text
    assert "Firefox on Linux" in page
    assert f"Address {other.address}" in page
    assert page.index("this one") < page.index("Firefox")


async def test_one_session_is_ended_from_another(world: World) -> None:
    other, person = world.person(), world.person()
    await other.sign_in()
    await person.sign_in()
    theirs, _ = await sessions(world)
    assert (await submit(person, "account/sessions", {"session": str(theirs)})).status_code == 303
    assert not await is_signed_in(other)
    assert await is_signed_in(person)
    assert ("session.ended", str(theirs)) in [(kind, subject) for kind, subject, _ in await world.events()]


async def test_anothers_session_is_not_ones_own_to_end(world: World) -> None:
    await world.add_user("eve@example.com")
    eve, person = world.person(), world.person()
    await person.sign_in()
    (mine,) = await sessions(world)
    await eve.sign_in("eve@example.com")
    assert (await post_to(eve, "account/sessions", {"session": str(mine)})).status_code == 303
    assert await is_signed_in(person)
    assert (await post_to(eve, "account/sessions", {"session": "nonsense"})).status_code == 400


async def test_all_others_end_with_what_came_of_them(world: World) -> None:
    other, person = world.person(), world.person()
    await other.sign_in()
    await person.sign_in()
    theirs, mine = await sessions(world)
    bound, offline = await family(world, theirs), await family(world, theirs, offline=True)
    kept = await family(world, mine)
    await submit(person, "account/sessions", {"session": "others"}, form=-1)
    assert not await is_signed_in(other)
    assert await revoked(world) == {bound: "ended_by_user", offline: "ended_by_user", kept: None}


# Password -------------------------------------------------------------------------------------


async def test_a_new_password_needs_the_present_one(world: World) -> None:
    person = world.person()
    await person.sign_in()
    page = await submit(person, "account/password", {"current": "not the present one", "password": NEW})
    assert page.status_code == 422
    assert 'href="#current"' in page.text
    assert (await world.person().sign_in()).status_code == 200


async def test_a_new_password_ends_the_other_sessions_and_goes_on_here_under_another_token(
    world: World, post: Post
) -> None:
    thief, person, copy = world.person(), world.person(), world.person()
    await thief.sign_in()
    await person.sign_in()
    theirs, mine = await sessions(world)
    gone, kept = await family(world, theirs, offline=True), await family(world, mine)
    former = person.session
    assert former
    copy.http.cookies.set(f"mtas_session_{world.slug}", former)
    done = await submit(person, "account/password", {"current": PASSWORD, "password": NEW})
    assert done.status_code == 303
    assert await is_signed_in(person)
    assert not await is_signed_in(thief)
    assert not await is_signed_in(copy), "a stolen cookie is worth nothing any more"
    assert await revoked(world) == {gone: "password_changed", kept: None}
    assert (await world.person().sign_in()).status_code == 422
    assert (await world.person().sign_in(password=NEW)).status_code == 200
    assert "new password" in text_of(await about(post, "ada@example.com", "was changed"))


async def test_a_password_changed_twice_at_once_is_changed_once(world: World) -> None:
    people = [world.person() for _ in range(4)]
    for person in people:
        await person.sign_in()
    answers = await asyncio.gather(
        *(
            submit(person, "account/password", {"current": PASSWORD, "password": f"{NEW} {number}"})
            for number, person in enumerate(people)
        )
    )
    assert sorted(each.status_code for each in answers).count(303) == 1


WAYS: dict[str, dict[str, str]] = {
    "account/password": {"current": "wrong", "password": NEW},
    "account/delete": {"confirm": "ada@example.com", "password": "wrong"},
    "account/email": {"email": "new@example.com", "password": "wrong"},
}
"""To the password, but for signing in."""


@pytest.mark.parametrize("name", WAYS)
async def test_the_limit_on_guesses_holds_on_every_way_to_the_password(
    world: World, post: Post, name: str
) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(601)  # or nobody is asked for it before another address
    statuses = [(await submit(person, name, WAYS[name])).status_code for _ in range(7)]
    assert statuses[:5] == [422] * 5
    assert 429 in statuses


async def test_all_ways_to_the_password_are_counted_together(world: World, post: Post) -> None:
    person = world.person()
    await person.sign_in()
    world.clock.advance(601)
    for name in (*WAYS, *WAYS):
        refused = (await submit(person, name, WAYS[name])).status_code
    assert refused == 429
    signing_in = await post_to(person, "login", {"email": "ada@example.com", "password": PASSWORD})
    assert signing_in.status_code == 429


# Email ----------------------------------------------------------------------------------------


async def test_an_address_changes_by_its_own_link_and_the_old_one_is_told(world: World, post: Post) -> None:
    person = world.person()
    await person.sign_in()
    asked = await submit(person, "account/email", {"email": "new@example.com"})
    assert "Check your mail" in asked.text
    mail = await about(post, "new@example.com", "Confirm your new")
    link = link_in(mail).removeprefix("http://localhost")
    page = await world.person().get(link)
    assert (await world.person().sign_in("new@example.com")).status_code == 422, "looking changes nothing"
    stranger = world.person()
    done = await stranger.submit(await stranger.get(link))
    assert "Sign in with the new one" in done.text
    assert (await stranger.send(page)).status_code in (403, 410)
    assert (await world.person().sign_in("new@example.com")).status_code == 200
    assert (await world.person().sign_in()).status_code == 422
    told = await about(post, "ada@example.com", "was changed")
    assert "another email address" in " ".join(text_of(told).split())
    assert "new@example.com" not in told.as_string()


async def test_after_ten_minutes_the_password_is_asked_for(world: World, post: Post) -> None:
    person = world.person()
    await person.sign_in()
    fresh = await person.http.get(person.path("account/email"))
    assert 'name="password"' not in fresh.text
    world.clock.advance(601)
    refused = await person.send(fresh, {"email": "new@example.com"})
    assert refused.status_code == 422
    assert 'href="#password"' in refused.text
    assert "Check your mail" in (await person.send(refused, {"password": PASSWORD})).text
    await come(post, "new@example.com")


async def test_an_address_of_another_is_not_taken_over(world: World, post: Post) -> None:
    await world.add_user("eve@example.com")
    person = world.person()
    await person.sign_in()
    asked = await submit(person, "account/email", {"email": "eve@example.com"})
    assert "Check your mail" in asked.text, "asking says nothing of who has it"
    (mail,) = await come(post, "eve@example.com")
    page = await person.get(link_in(mail).removeprefix("http://localhost"))
    refused = await person.submit(page)
    assert refused.status_code == 422
    assert (await world.person().sign_in("eve@example.com")).status_code == 200
    assert (await world.person().sign_in()).status_code == 200


async def test_an_address_of_two_at_once_becomes_ones(world: World, post: Post) -> None:
    await world.add_user("eve@example.com")
    pages = []
    for number, email in enumerate(("ada@example.com", "eve@example.com"), start=1):
        person = world.person()
        await person.sign_in(email)
        await submit(person, "account/email", {"email": "new@example.com"})
        mail = (await come(post, "new@example.com", number))[-1]
        pages.append((person, await person.get(link_in(mail).removeprefix("http://localhost"))))
    answers = await asyncio.gather(*(person.send(page) for person, page in pages))
    assert sorted(each.status_code for each in answers) == [303, 422]


AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E Safari/604.1": (
        "Safari on iPhone"
    ),
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    "curl/8.0": "Unknown device",
    "": "Unknown device",
    "<script>Firefox/1": "Firefox",
}


@pytest.mark.parametrize(("agent", "words"), AGENTS.items(), ids=AGENTS.values())
def test_a_device_is_said_in_plain_words(agent: str, words: str) -> None:
    assert str(device(agent)) == words
