"""An invitation does not outlive its inviter; and an app keeps an owner who can sign in."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.services.admin.conftest import PASSWORD, World
from tests.services.admin.test_api import is_problem
from tests.services.admin.test_invitations import join, path_of
from tests.services.admin.test_members import a_member, an_app, members_of, roles
from tests.support.seed import some_slug

END = {
    "removed": "delete from admin.members where developer_id = $1",
    "demoted": "update admin.members set role = 'admin' where developer_id = $1",
    "disabled": "update admin.developers set disabled_at = now() where developer_id = $1",
}


async def invited_by_an_owner(world: World, app_id: str, role: str) -> tuple[UUID, dict[str, Any]]:
    await a_member(world, app_id, "owner")  # another, so that the inviter may go
    inviter, owner = await a_member(world, app_id, "owner")
    body = {"email": f"{some_slug()}@example.com", "role": role}
    answer = await owner("POST", f"/apps/{app_id}/invitations", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(inviter), answer.json()


@pytest.mark.parametrize("end", END)
async def test_it_is_void_once_its_inviter_may_not_give_the_role(world: World, end: str) -> None:
    app_id = await an_app(world)
    inviter, invited = await invited_by_an_owner(world, app_id, "owner")
    person = world.person()
    page = await person.get(path_of(invited))
    assert page.status_code == 200
    await world.seed.execute(END[end], inviter)
    assert (await person.submit(page, {"password": PASSWORD})).status_code == 410
    assert (await world.person().get(path_of(invited))).status_code == 410
    email = invited["invitation"]["email"]
    assert email not in await members_of(world, app_id)
    # Members see it, and another owner takes it over.
    [listed] = (await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"]
    assert (listed["email"], listed["void"]) == (email, True)
    viewer, _ = await world.developer(app_id, "viewer")
    assert "Void" in (await viewer.get(f"/dashboard/apps/{app_id}/members")).text
    path = f"/apps/{app_id}/invitations/{listed['invitation_id']}/resend"
    again = await world.api("POST", path)
    assert again.json()["invitation"]["void"] is False
    assert (await join(world, again.json())).status_code == 303
    assert (await members_of(world, app_id))[email] == "owner"


async def test_an_inviter_who_still_has_the_role_that_it_gives_is_one(world: World) -> None:
    app_id = await an_app(world)
    inviter, invited = await invited_by_an_owner(world, app_id, "admin")
    await world.seed.execute(END["demoted"], inviter)
    assert (await join(world, invited)).status_code == 303


async def test_an_operators_ends_with_their_being_one(world: World) -> None:
    app_id = await an_app(world)
    person, email = await world.developer(is_operator=True)
    page = await person.fill(
        f"/dashboard/apps/{app_id}/invite", {"email": f"{some_slug()}@example.com", "role": "viewer"}
    )
    link = page.text.split('id="invitation-link">')[1].split("<")[0].replace("&amp;", "&")
    assert (await world.person().get(path_of({"link": link}))).status_code == 200
    await world.seed.execute("update admin.developers set is_operator = false where email = $1", email)
    assert (await join(world, {"link": link})).status_code == 410


async def test_one_of_whose_inviter_nothing_is_known_is_void(world: World) -> None:
    """Written by an instance of the version before."""
    app_id = await an_app(world)
    _, invited = await invited_by_an_owner(world, app_id, "viewer")
    await world.seed.execute(
        "update admin.invitations set invited_by = null where invitation_id = $1",
        UUID(invited["invitation"]["invitation_id"]),
    )
    assert (await join(world, invited)).status_code == 410


@pytest.mark.parametrize("end", END)
async def test_whoever_is_taking_the_role_away_is_waited_for(world: World, end: str) -> None:
    """Once that has been answered, nobody joins any more, however close it was."""
    app_id = await an_app(world)
    inviter, invited = await invited_by_an_owner(world, app_id, "owner")
    person = world.person()
    page = await person.get(path_of(invited))
    connection = await superuser(world)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(END[end], inviter)
        joining = asyncio.create_task(person.submit(page, {"password": PASSWORD}))
        await asyncio.sleep(0.5)
        assert not joining.done()
        await transaction.commit()
        assert (await joining).status_code == 410
    finally:
        await connection.close()
    assert invited["invitation"]["email"] not in await members_of(world, app_id)


async def superuser(world: World) -> Any:
    return await asyncpg.connect(world.stores.postgres.superuser_url)


# The last owner ---------------------------------------------------------------------------------


async def disable(world: World, developer_id: str) -> None:
    await world.seed.execute(END["disabled"], UUID(developer_id))


async def test_an_owner_who_cannot_sign_in_is_no_owner_who_stays(world: World) -> None:
    app_id = await an_app(world)
    owner_id, owner = await a_member(world, app_id, "owner")
    disabled_id, _ = await a_member(world, app_id, "owner")
    await disable(world, disabled_id)
    for call in (owner, world.api):
        is_problem(await call("DELETE", f"/apps/{app_id}/members/{owner_id}"), 409)
        answer = await call("PATCH", f"/apps/{app_id}/members/{owner_id}", json={"role": "admin"})
        is_problem(answer, 409)
    # The other one may be removed, and is then no longer there to be the last.
    assert (await owner("DELETE", f"/apps/{app_id}/members/{disabled_id}")).status_code == 204
    assert await roles(world, app_id) == {owner_id: "owner"}


async def test_the_last_of_all_stays_though_disabled(world: World) -> None:
    app_id = await an_app(world)
    disabled_id, _ = await a_member(world, app_id, "owner")
    await disable(world, disabled_id)
    is_problem(await world.api("DELETE", f"/apps/{app_id}/members/{disabled_id}"), 409)


async def test_of_owners_who_leave_at_once_one_who_can_sign_in_stays(world: World) -> None:
    app_id = await an_app(world)
    disabled_id, _ = await a_member(world, app_id, "owner")
    await disable(world, disabled_id)
    owners = [await a_member(world, app_id, "owner") for _ in range(4)]
    calls = (call("DELETE", f"/apps/{app_id}/members/{id_}") for id_, call in owners)
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*calls)])
    assert statuses == [204, 204, 204, 409]
    assert len(await roles(world, app_id)) == 2


async def test_whoever_is_disabling_the_other_owner_is_waited_for(world: World) -> None:
    app_id = await an_app(world)
    owner_id, owner = await a_member(world, app_id, "owner")
    other_id, _ = await a_member(world, app_id, "owner")
    connection = await superuser(world)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(END["disabled"], UUID(other_id))
        leaving = asyncio.create_task(owner("DELETE", f"/apps/{app_id}/members/{owner_id}"))
        await asyncio.sleep(0.5)
        assert not leaving.done()
        await transaction.commit()
        is_problem(await leaving, 409)
    finally:
        await connection.close()
    assert (await roles(world, app_id))[owner_id] == "owner"
