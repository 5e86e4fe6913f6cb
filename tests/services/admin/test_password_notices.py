"""Whose dashboard password was changed by a link is told so: once, in their language, and in the end."""

import asyncio
from uuid import UUID

from tests.services.admin.conftest import PUBLIC_URL, World
from tests.services.admin.test_forgotten_password import NEW, ask, choose, made, path_of, post
from tests.services.admin.test_invitation_mails import mails_to, until
from tests.services.admin.test_members import an_app
from tests.support.post import Post, link_in, text_of

__all__ = ["post"]
GERMAN = {"Accept-Language": "de-AT,en;q=0.5"}


async def notices(world: World, email: str) -> int:
    return len(
        await world.seed.fetch(
            "select from admin.password_notices join admin.developers using (developer_id) where email = $1",
            email,
        )
    )


async def told(world: World, email: str) -> None:
    async def none_waits() -> bool:
        return await notices(world, email) == 0

    await until(none_waits)


async def test_one_letter_however_many_apps_tell_of_it(world: World, post: Post) -> None:
    first, second = await an_app(world), await an_app(world)
    _, email = await world.developer(first)
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    developer_id: UUID = row["developer_id"]
    await world.set_role(second, developer_id, "viewer")
    path, person = await made(world, email), world.person()
    form = await person.get(path)
    done = await person.submit(form, {"password": NEW}, headers=GERMAN)
    assert done.status_code == 303
    [letter] = await mails_to(post, email)
    assert (letter["Content-Language"], "geändert" in letter["Subject"]) == ("de", True)
    assert link_in(letter) == f"{PUBLIC_URL}/dashboard/forgot-password"
    assert "token=" not in text_of(letter)
    await told(world, email)
    await asyncio.sleep(0.2)
    assert len(post.to(email)) == 1


async def test_who_resets_by_mail_is_told_by_mail_and_a_server_away_loses_nothing(
    world: World, post: Post
) -> None:
    _, email = await world.developer()
    await ask(world, email)
    [link] = await mails_to(post, email)
    post.answers = ["451 later", "451 later"]
    await choose(world.person(), path_of(link_in(link)))
    [_, letter] = await mails_to(post, email, 2)
    assert "was changed" in letter["Subject"]
    await told(world, email)


async def test_an_address_that_takes_no_mail_is_given_up(world: World, post: Post) -> None:
    _, email = await world.developer()
    post.answers = ["550 no such mailbox"]
    await choose(world.person(), await made(world, email))
    await told(world, email)
    assert post.to(email) == []


async def test_a_password_that_is_refused_is_none_to_tell_of(world: World, post: Post) -> None:
    _, email = await world.developer()
    assert (await choose(world.person(), await made(world, email), "too short")).status_code == 422
    assert await notices(world, email) == 0


async def test_without_a_mail_server_nothing_waits(world: World) -> None:
    _, email = await world.developer()
    assert (await choose(world.person(), await made(world, email))).status_code == 303
    assert await notices(world, email) == 0
