"""What becomes of a link or an account between two looks at it is answered as what it has become."""

from typing import Any

import pytest

from services.authorize.flows.check_password import check_password
from services.authorize.flows.own_data import find_user
from services.authorize.flows.users import read_new_password
from services.authorize.store import account
from shared.events.catalog import ConsentGiven
from tests.services.authorize.conftest import PASSWORD, World
from tests.services.authorize.test_connected_apps import third_party
from tests.services.authorize.test_mail_links import links, mailless, reset_form, wish

__all__ = ["links", "mailless"]


async def test_a_reset_link_that_lapses_while_its_password_is_refused_is_gone(
    mailless: World, links: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, form = await reset_form(mailless, links)

    def later(*values: str) -> None:
        mailless.clock.advance(15 * 60)
        read_new_password(*values)

    monkeypatch.setattr("services.authorize.flows.reset_password.read_new_password", later)
    assert (await person.send(form, {"password": "short"})).status_code == 410


async def test_a_link_to_a_taken_address_that_lapses_meanwhile_is_gone(
    mailless: World, links: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, token = await wish(mailless, links)
    await mailless.add_user("eve@example.com")
    form = await stranger.http.get(stranger.path("new-email"), params={"token": token})
    assert (await stranger.send(form)).status_code == 422
    update_email = account.update_email

    async def a_day_later(*values: Any, **named: Any) -> bool:
        mailless.clock.advance(24 * 60 * 60)
        return await update_email(*values, **named)

    monkeypatch.setattr(account, "update_email", a_day_later)
    assert (await stranger.send(form)).status_code == 410


async def test_whose_account_is_deleted_while_they_look_at_it_is_signed_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person()
    await person.sign_in()

    async def deleted(*values: Any) -> Any:
        await world.seed.execute("delete from authorize.users where user_id = $1", world.user_id)
        return await find_user(*values)

    monkeypatch.setattr("services.authorize.routes.account.find_user", deleted)
    assert (await person.get(person.path("account"))).url.path.endswith("/login")


async def test_whose_account_is_deleted_while_they_consent_is_asked_to_sign_in(world: World) -> None:
    partner, person = await third_party(world), world.person()
    await person.sign_in()
    consent = await person.get(world.authorize(client_id=partner))
    answered = await world.seed.while_under_way(
        "delete from authorize.users where user_id = $1",
        world.user_id,
        do=person.submit(consent, {"answer": "allow"}),
    )
    assert answered.url.path.endswith("/login")
    assert ConsentGiven.type not in [kind for kind, _, _ in await world.events()]


async def test_whose_address_becomes_anothers_is_not_who_knows_the_others_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, theirs = world.person(), "the other one's own words"
    await person.sign_in()
    form = await person.http.get(person.path("account/delete"))

    async def by_then(*values: Any) -> Any:
        await world.seed.execute(
            "update authorize.users set email = 'former', email_key = 'former' where user_id = $1",
            world.user_id,
        )
        await world.add_user("ada@example.com", theirs)
        return await check_password(*values)

    monkeypatch.setattr("services.authorize.flows.confirm_password.check_password", by_then)
    refused = await person.send(form, {"confirm": "ada@example.com", "password": theirs})
    assert refused.status_code == 422
    assert len(await world.seed.fetch("select from authorize.users where user_id = $1", world.user_id)) == 1


async def test_what_was_mailed_to_the_former_address_is_void(mailless: World, links: Any) -> None:
    """Whoever reads that address's mail may be why it was changed."""
    reader, form = await reset_form(mailless, links)
    person, token = await wish(mailless, links)
    page = await person.http.get(person.path("new-email"), params={"token": token})
    assert (await person.send(page)).status_code == 303
    assert (await reader.send(form, {"password": "nine paper boats upstream"})).status_code == 410


async def test_what_was_mailed_before_a_new_password_is_void(mailless: World, links: Any) -> None:
    """Whoever asked for another address, or has a link to a password, may be why it was changed."""
    reader, form = await reset_form(mailless, links)
    person, token = await wish(mailless, links)
    page = await person.http.get(person.path("account/password"))
    changed = await person.send(page, {"current": PASSWORD, "password": "nine paper boats upstream"})
    assert changed.status_code == 303
    assert (await reader.send(form, {"password": "a dozen kites over the dunes"})).status_code == 410
    assert (await person.http.get(person.path("new-email"), params={"token": token})).status_code == 410
