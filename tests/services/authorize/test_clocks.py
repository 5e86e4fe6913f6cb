"""Two processes' clocks differ by a second or two: what ends a user's grants ends those of the other too."""

from uuid import UUID

from shared.mail.links import Links
from tests.services.authorize.conftest import World
from tests.services.authorize.test_account import family, revoked, sessions
from tests.services.authorize.test_mail_links import NEW, links, mailless, reset_form

__all__ = ["links", "mailless"]


async def grant_of_the_future(world: World) -> UUID:
    """Signed in at a process whose clock is ahead of ours, with `offline_access`."""
    await world.person().sign_in()
    [session_id] = await sessions(world)
    world.clock.advance(2)
    grant = await family(world, session_id, offline=True)
    world.clock.advance(-2)
    return grant


async def test_a_reset_ends_a_grant_that_began_after_it(mailless: World, links: Links) -> None:
    grant = await grant_of_the_future(mailless)
    person, form = await reset_form(mailless, links)
    assert (await person.send(form, {"password": NEW})).status_code == 303
    assert await revoked(mailless) == {grant: "password_reset"}


async def test_disabling_ends_a_grant_that_began_after_it(world: World, bearer: dict[str, str]) -> None:
    grant = await grant_of_the_future(world)
    user = f"/internal/tenants/{world.tenant_id}/users/{world.user_id}"
    for verb in ("disable", "enable"):
        assert (await world.person().http.post(f"{user}/{verb}", headers=bearer)).status_code == 204
    assert await revoked(world) == {grant: "user_disabled"}
