"""What ends with a forgotten dashboard password: sessions, sign-ins under way, and not every API token."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import httpx2
import pytest

from shared.passwords import Passwords
from tests.services.admin.conftest import PASSWORD, World
from tests.services.admin.test_api_tokens import make
from tests.services.admin.test_forgotten_password import NEW, choose, made
from tests.services.admin.test_members import an_app


async def test_whoever_is_signed_in_there_signs_in_again(world: World) -> None:
    _, email = await world.developer()
    someone_else, _ = await world.developer()
    session = someone_else.session
    assert (await choose(someone_else, await made(world, email))).status_code == 303
    assert someone_else.session is None
    again = world.person()
    again.http.cookies.set("mtas_dashboard", str(session))
    assert (await again.http.get("/dashboard")).status_code == 303


async def reset_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch, email: str, tries: Coroutine[Any, Any, httpx2.Response]
) -> httpx2.Response:
    """The answer to who tries with the former password, which is reset once that was found right."""
    verify = Passwords.verify
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slow(self: Passwords, tenant_id: UUID | None, password: str, stored: str | None) -> bool:
        fits = await verify(self, tenant_id, password, stored)
        held.set()
        await go_on.wait()
        return fits

    path = await made(world, email)
    monkeypatch.setattr(Passwords, "verify", slow)
    trying = asyncio.create_task(tries)
    await held.wait()
    assert (await choose(world.person(), path)).status_code == 303
    go_on.set()
    return await trying


async def test_a_sign_in_under_way_with_the_former_password_begins_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password was right when it was looked at, and another one when the session would begin."""
    _, email = await world.developer()
    answer = await reset_meanwhile(world, monkeypatch, email, world.person().sign_in(email))
    assert (answer.status_code, "mtas_dashboard=" in answer.headers.get("set-cookie", "")) == (422, False)
    rows = await world.seed.fetch(
        "select 1 from admin.developer_sessions join admin.developers using (developer_id) where email = $1",
        email,
    )
    assert rows == []


async def test_nor_does_a_confirmation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app_id = await an_app(world)
    person, email = await world.developer(app_id)
    world.clock.advance(11 * 60)
    form = await person.get(f"/dashboard/apps/{app_id}/invite")
    wanted = {"email": "mary@example.com", "role": "viewer", "password": PASSWORD}
    answer = await reset_meanwhile(world, monkeypatch, email, person.submit(form, wanted))
    assert (answer.status_code, "That is not your password" in answer.text) == (422, True)
    assert (await person.http.get("/dashboard")).status_code == 303


async def test_api_tokens_stay_unless_nobody_has_verified_the_address(world: World) -> None:
    app_id = await an_app(world)
    for is_verified in (True, False):
        _, email = await world.developer(app_id)
        await world.seed.execute(
            "update admin.developers set email_verified = $2 where email = $1", email, is_verified
        )
        token = await make(world, email)
        await choose(world.person(), await made(world, email))
        assert (await token("GET", "/apps")).status_code == (200 if is_verified else 401)
        [row] = await world.seed.fetch("select email_verified from admin.developers where email = $1", email)
        assert row["email_verified"] is is_verified  # the operator's link shows nothing


async def test_whoever_guesses_meanwhile_does_not_keep_the_owner_out(world: World) -> None:
    """The device that the new password was chosen on has tries of its own (docs/adr/0017)."""
    _, email = await world.developer()
    for _ in range(5):
        assert (await world.person().sign_in(email, "a wrong password")).status_code == 422
    person = world.person()
    assert (await choose(person, await made(world, email))).status_code == 303
    assert (await world.person().sign_in(email, NEW)).status_code == 429
    assert (await person.sign_in(email, NEW)).status_code == 303
