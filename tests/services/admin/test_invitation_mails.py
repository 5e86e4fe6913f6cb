"""Invitations by mail: sent once, later if it must be; what their links are worth, and who sees them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest

from deploy.local.stack import Stack
from services.admin.app import create_app
from services.admin.flows import invitation_mails
from services.admin.flows.invitation_mails import TO_ADDRESS
from services.admin.settings import Settings
from shared.events.bus import Bus
from shared.limits import Bucket
from shared.mail.links import Links
from shared.secret import Secret
from shared.settings import load
from tests.services.admin.conftest import PUBLIC_URL, World
from tests.services.admin.test_api import is_problem
from tests.services.admin.test_api_tokens import make
from tests.services.admin.test_invitations import join, path_of
from tests.services.admin.test_members import a_member, an_app, invite, members_of
from tests.support.post import Post, link_in, post_office, text_of
from tests.support.seed import some_slug
from tests.support.serve import serve


@pytest.fixture
async def post(
    world: World, stores: Stack, admin_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Post]:
    """A mail server, and the world's service with it and with NATS."""
    monkeypatch.setattr(Bus, "retry_after_s", 0.01)
    async with post_office("/dashboard/join") as post, another(world, stores, admin_environment, post.url):
        yield post


@asynccontextmanager
async def another(
    world: World, stores: Stack, environment: dict[str, str], smtp_url: str
) -> AsyncIterator[None]:
    """The world with an instance that sends mail."""
    nats = stores.environment("admin")["MTAS_NATS_URL"]
    settings = load(Settings, environment | {"MTAS_SMTP_URL": smtp_url, "MTAS_NATS_URL": nats})
    async with (
        serve(create_app(settings, clock=world.clock)) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as http,
    ):
        world.url, world.http = url, http
        yield


async def until(happened: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(10):
        while not await happened():
            await asyncio.sleep(0.02)


async def mails_to(post: Post, address: str, number: int = 1) -> list[EmailMessage]:
    async def came() -> bool:
        return len(post.to(address)) >= number

    await until(came)
    return post.to(address)


async def delivery(world: World, app_id: str, email: str) -> str:
    listed = (await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"]
    return str(next(item["delivery"] for item in listed if item["email"] == email))


async def delivered(world: World, app_id: str, email: str, as_: str) -> None:
    async def is_so() -> bool:
        return await delivery(world, app_id, email) == as_

    await until(is_so)


async def is_verified(world: World, email: str) -> bool:
    [row] = await world.seed.fetch("select email_verified from admin.developers where email = $1", email)
    return bool(row["email_verified"])


def mailed(mail: EmailMessage) -> dict[str, Any]:
    """As the API answers one that is shown."""
    return {"link": link_in(mail)}


async def test_the_link_is_mailed_and_shown_to_nobody(world: World, post: Post) -> None:
    app_id = await an_app(world)
    email = f"{some_slug()}@example.com"
    headers = {"X-Forwarded-Host": "evil.example"}
    body = {"email": email, "role": "admin", "language": "de"}
    answer = await world.api("POST", f"/apps/{app_id}/invitations", json=body, headers=headers)
    assert (answer.status_code, answer.json()["link"]) == (201, None)
    [mail] = await mails_to(post, email)
    link = link_in(mail)
    token = parse_qs(urlsplit(link).query)["token"][0]
    assert link.startswith(f"{PUBLIC_URL}/dashboard/join?app={app_id}&token=")
    assert (mail["From"], mail["Content-Language"]) == ("MTAS <no-reply@localhost>", "de")
    assert "eingeladen" in mail["Subject"]
    assert "evil" not in mail.as_string()
    await delivered(world, app_id, email, "sent")
    rows = await world.seed.fetch("select * from admin.invitations where email = $1", email)
    assert token not in str(rows)
    assert rows[0]["token_hash"] is None
    assert token not in (await world.api("GET", f"/apps/{app_id}/invitations")).text
    assert token not in str(await world.seed.fetch("select data::text from events.outbox"))


async def test_it_says_who_invites_only_where_that_address_is_known_to_be_theirs(
    world: World, post: Post
) -> None:
    app_id = await an_app(world)
    person, inviter = await world.developer(app_id, "owner")
    for is_known in (False, True):
        email = f"{some_slug()}@example.com"
        await world.seed.execute(
            "update admin.developers set email_verified = $2 where email = $1", inviter, is_known
        )
        page = await person.fill(f"/dashboard/apps/{app_id}/invite", {"email": email, "role": "viewer"})
        assert "A mail is on its way" in page.text
        assert "token=" not in page.text
        [mail] = await mails_to(post, email)
        assert (inviter in text_of(mail)) == is_known


async def test_who_opens_it_has_shown_that_the_address_is_theirs(world: World, post: Post) -> None:
    app_id = await an_app(world)
    _, owner = await a_member(world, app_id, "owner")
    email = f"{some_slug()}@example.com"
    await owner("POST", f"/apps/{app_id}/invitations", json={"email": email, "role": "viewer"})
    [mail] = await mails_to(post, email)
    assert (await join(world, mailed(mail))).status_code == 303
    assert await members_of(world, app_id) | {email: "viewer"} == await members_of(world, app_id)
    assert await is_verified(world, email)
    assert (await world.person().get(path_of(mailed(mail)))).status_code == 410


async def test_a_link_that_was_shown_shows_nothing(world: World, post: Post) -> None:
    """The inviter could have opened it."""
    app_id = await an_app(world)
    _, owner = await a_member(world, app_id, "owner")
    email = f"{some_slug()}@example.com"
    body = {"email": email, "role": "viewer", "deliver": "link"}
    invited = (await owner("POST", f"/apps/{app_id}/invitations", json=body)).json()
    assert (await join(world, invited)).status_code == 303
    assert not await is_verified(world, email)
    # By mail it may take another, and counts as verified from then on.
    other = await an_app(world)
    _, other_owner = await a_member(world, other, "owner")
    shown = (await other_owner("POST", f"/apps/{other}/invitations", json=body)).json()
    assert (await join(world, shown)).status_code == 403
    await other_owner("POST", f"/apps/{other}/invitations", json={"email": email, "role": "viewer"})
    [mail] = await mails_to(post, email)
    assert (await join(world, mailed(mail))).status_code == 303
    assert await is_verified(world, email)


@pytest.mark.parametrize("place", ["invitations", "developers"])
async def test_an_address_outside_ascii_is_never_vouched_for(world: World, post: Post, place: str) -> None:
    """The mail went to another mailbox than the account says, under one key."""
    app_id = await an_app(world)
    _, owner = await a_member(world, app_id, "owner")
    name = some_slug()
    plain, sharp = f"{name}ss@example.com", f"{name}ß@example.com"
    await owner("POST", f"/apps/{app_id}/invitations", json={"email": plain, "role": "viewer"})
    [mail] = await mails_to(post, plain)
    _, made = await world.developer()
    move = "update admin.developers set email = $2, email_key = $2 where email = $1"
    await world.seed.execute(move, made, plain)
    await world.seed.execute(f"update admin.{place} set email = $2 where email = $1", plain, sharp)
    assert (await join(world, mailed(mail))).status_code == 403
    assert not await is_verified(world, sharp if place == "developers" else plain)


async def test_to_an_address_outside_ascii_the_link_is_handed_on(world: World, post: Post) -> None:
    app_id = await an_app(world)
    _, owner = await a_member(world, app_id, "owner")
    email = f"{some_slug()}ß@example.com"
    body = {"email": email, "role": "viewer"}
    invited = (await owner("POST", f"/apps/{app_id}/invitations", json=body)).json()
    assert (await join(world, invited)).status_code == 303
    assert not await is_verified(world, email)
    refused = await owner(
        "POST",
        f"/apps/{app_id}/invitations",
        json={"email": "ü@example.com", "role": "viewer", "deliver": "mail"},
    )
    assert is_problem(refused, 422)["errors"][0]["pointer"] == "#/deliver"


async def test_an_edited_one_or_one_of_another_kind_is_worth_nothing(world: World, post: Post) -> None:
    app_id, other = await an_app(world), await an_app(world)
    email = f"{some_slug()}@example.com"
    await invite(world, app_id, email)
    [mail] = await mails_to(post, email)
    token = parse_qs(urlsplit(link_in(mail)).query)["token"][0]
    tenant_id = await world.tenant_id(app_id)
    links = Links(Secret(world.stores.secrets["form-secret"]))
    mailed_id = links.open(token, tenant_id, "invitation")
    assert mailed_id is not None
    shown = await world.api(
        "POST",
        f"/apps/{app_id}/invitations",
        json={"email": "x@example.com", "role": "owner", "deliver": "link"},
    )
    shown_id = UUID(shown.json()["invitation"]["invitation_id"])
    wrong = [
        (app_id, token[:-1] + ("A" if token[-1] != "A" else "E")),
        (other, token),
        (app_id, links.token(tenant_id, "verify_email", mailed_id)),
        (app_id, links.token(tenant_id, "invitation", shown_id)),  # its link is another
    ]
    for app, value in wrong:
        answer = await world.person().http.get("/dashboard/join", params={"app": app, "token": value})
        assert answer.status_code == 403, (app, value)


async def test_a_server_that_is_away_gets_the_mail_later_and_once(world: World, post: Post) -> None:
    post.answers += ["451 4.3.0 not now", "421 4.3.2 closing", "451 4.3.0 not now"]
    app_id = await an_app(world)
    email = f"{some_slug()}@example.com"
    await invite(world, app_id, email)
    await mails_to(post, email)
    await delivered(world, app_id, email, "sent")
    assert (post.tries, len(post.to(email))) == (4, 1)


async def test_what_is_refused_for_good_is_said_on_the_page(world: World, post: Post) -> None:
    post.answers += ["550 5.1.1 no such mailbox"]
    app_id = await an_app(world)
    person, _ = await world.developer(app_id, "owner")
    email = f"{some_slug()}@example.com"
    await invite(world, app_id, email)
    await delivered(world, app_id, email, "refused")
    page = await person.get(f"/dashboard/apps/{app_id}/members")
    assert "Not delivered" in page.text
    assert post.tries == 1


async def test_one_that_is_withdrawn_before_it_is_sent_is_not_sent(world: World, post: Post) -> None:
    post.answers += ["451 4.3.0 not now"] * 1000
    app_id = await an_app(world)
    email = f"{some_slug()}@example.com"
    invited = await invite(world, app_id, email)

    async def tried() -> bool:
        return post.tries > 0

    await until(tried)
    path = f"/apps/{app_id}/invitations/{invited['invitation']['invitation_id']}"
    assert (await world.api("DELETE", path)).status_code == 204
    post.answers.clear()
    after = f"{some_slug()}@example.com"
    await invite(world, app_id, after)
    await mails_to(post, after)
    await asyncio.sleep(0.3)
    assert post.to(email) == []


async def test_sent_again_it_has_a_new_link_and_the_old_one_ends(world: World, post: Post) -> None:
    app_id = await an_app(world)
    person, _ = await world.developer(app_id, "owner")
    email = f"{some_slug()}@example.com"
    first = await invite(world, app_id, email, "admin")
    [old] = await mails_to(post, email)
    page = await person.get(f"/dashboard/apps/{app_id}/members")
    again = await person.submit(page, {}, to="/resend")
    assert "A mail is on its way" in again.text
    _, new = await mails_to(post, email, 2)
    assert old["Message-ID"] != new["Message-ID"]
    assert (await join(world, mailed(old))).status_code == 410
    path = f"/apps/{app_id}/invitations/{first['invitation']['invitation_id']}/resend"
    is_problem(await world.api("POST", path), 404)
    assert (await join(world, mailed(new))).status_code == 303
    assert (await members_of(world, app_id))[email] == "admin"


async def test_a_mail_server_that_hangs_holds_up_nobody(
    world: World, stores: Stack, admin_environment: dict[str, str]
) -> None:
    """Neither who invites nor the audit log."""

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, another(world, stores, admin_environment, url):
        app_id = await an_app(world)
        began = time.monotonic()
        for _ in range(6):
            await invite(world, app_id, f"{some_slug()}@example.com")

        async def recorded() -> bool:
            log = (await world.api("GET", f"/apps/{app_id}/audit-log")).json()["items"]
            return [entry["type"] for entry in log].count("member.invited") == 6

        await until(recorded)
        assert time.monotonic() - began < 4


async def test_so_many_mails_go_to_one_address_whoever_sends_them(world: World, post: Post) -> None:
    email = f"{some_slug()}@example.com"
    body = {"email": email, "role": "viewer"}
    for _ in range(TO_ADDRESS.size):
        await invite(world, await an_app(world), email)
    app_id = await an_app(world)
    answer = await world.api("POST", f"/apps/{app_id}/invitations", json=body)
    is_problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 60
    person, _ = await world.developer(app_id, "owner")
    page = await person.fill(f"/dashboard/apps/{app_id}/invite", body)
    assert (page.status_code, "a lot of mail at once" in page.text) == (429, True)
    assert (await world.api("GET", f"/apps/{app_id}/invitations")).json()["items"] == []
    # A link that is handed on is no mail.
    shown = await world.api("POST", f"/apps/{app_id}/invitations", json=body | {"deliver": "link"})
    assert shown.status_code == 201


async def test_an_inviter_sends_so_many(world: World, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitation_mails, "BY_INVITER", Bucket(size=2, per_second=0.001))
    _, email = await world.developer()
    statuses = []
    for _ in range(3):
        app_id = await an_app(world)
        [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
        await world.set_role(app_id, row["developer_id"], "owner")
        call = await make(world, email)
        body = {"email": f"{some_slug()}@example.com", "role": "viewer"}
        statuses.append((await call("POST", f"/apps/{app_id}/invitations", json=body)).status_code)
    assert statuses == [201, 201, 429]
