"""Client secrets: shown once, two live at most, and a password before a new one after a while."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from shared.oauth.client_secret import hash_secret
from tests.services.admin.conftest import CALLBACK, PASSWORD, World
from tests.support.seed import some_slug


async def live(world: World, client_id: str) -> list[dict[str, Any]]:
    return await world.seed.fetch(
        "select * from admin.client_secrets where client_id = $1 and (expires_at is null or expires_at > $2)"
        " order by expires_at nulls first",
        client_id,
        world.clock(),
    )


def hashes(rows: list[dict[str, Any]]) -> list[bytes]:
    return [bytes(row["secret_hash"]) for row in rows]


async def rotate(world: World, app_id: str, **body: Any) -> httpx2.Response:
    return await world.api("POST", f"/apps/{app_id}/clients/{app_id}/secrets", json=body)


async def test_the_former_secret_lives_on_for_the_overlap(world: World) -> None:
    answer = await world.register()
    app_id, first = answer["client"]["client_id"], answer["client_secret"]
    rotated = (await rotate(world, app_id, overlap_s=3600)).json()
    ends = world.clock() + timedelta(hours=1)
    assert datetime.fromisoformat(rotated["former_expires_at"]) == ends
    rows = await live(world, app_id)
    assert hashes(rows) == [hash_secret(rotated["client_secret"]), hash_secret(first)]
    assert [row["expires_at"] for row in rows] == [None, ends]
    event = (await world.events(app_id))[-1]
    assert event["type"] == "client.secret_rotated"


async def test_the_overlap_is_a_day_unless_chosen(world: World) -> None:
    app_id = (await world.register())["client"]["client_id"]
    rotated = (await rotate(world, app_id)).json()
    assert datetime.fromisoformat(rotated["former_expires_at"]) == world.clock() + timedelta(days=1)


async def test_no_overlap_ends_the_former_secret_now(world: World) -> None:
    app_id = (await world.register())["client"]["client_id"]
    rotated = (await rotate(world, app_id, overlap_s=0)).json()
    assert hashes(await live(world, app_id)) == [hash_secret(rotated["client_secret"])]


@pytest.mark.parametrize("overlap_s", [-1, 30 * 86_400 + 1])
async def test_an_overlap_out_of_bounds_is_refused(world: World, overlap_s: int) -> None:
    app_id = (await world.register())["client"]["client_id"]
    answer = await rotate(world, app_id, overlap_s=overlap_s)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/overlap_s")
    assert len(await live(world, app_id)) == 1


async def test_rotating_again_ends_what_was_left_over(world: World) -> None:
    app_id = (await world.register())["client"]["client_id"]
    second = (await rotate(world, app_id)).json()["client_secret"]
    third = (await rotate(world, app_id)).json()["client_secret"]
    assert hashes(await live(world, app_id)) == [hash_secret(third), hash_secret(second)]


async def test_32_rotations_at_once_leave_two_live(world: World) -> None:
    app_id = (await world.register())["client"]["client_id"]
    answers = await asyncio.gather(*(rotate(world, app_id, overlap_s=600) for _ in range(32)))
    assert {answer.status_code for answer in answers} == {201}
    rows = await live(world, app_id)
    assert [row["expires_at"] is None for row in rows] == [True, False]
    given = [hash_secret(answer.json()["client_secret"]) for answer in answers]
    assert set(hashes(rows)) <= set(given)


async def test_a_public_client_has_no_secret_to_rotate(world: World) -> None:
    app_id = (await world.register())["client"]["client_id"]
    body = {"type": "spa", "name": "Shop", "redirect_uris": [CALLBACK]}
    client = (await world.api("POST", f"/apps/{app_id}/clients", json=body)).json()
    assert client["client_secret"] is None
    path = f"/apps/{app_id}/clients/{client['client']['client_id']}/secrets"
    answer = await world.api("POST", path, json={})
    assert (answer.status_code, await live(world, client["client"]["client_id"])) == (409, [])


async def test_a_secret_is_in_its_own_answer_and_nowhere_else(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """A canary: every later page, API answer, event, row and log line is searched."""
    person, _ = await world.developer(is_operator=True)
    app_id = some_slug()
    page = await person.fill("/dashboard/register-app", {"name": "Acme", "app_id": app_id})
    first = page.text.split("MTAS_APP_SECRET=")[1].split()[0]
    assert page.headers["cache-control"] == "no-store"
    page = await person.fill(
        f"/dashboard/apps/{app_id}/clients/{app_id}/rotate-secret", {"overlap_s": "3600"}
    )
    second = page.text.split("MTAS_APP_SECRET=")[1].split()[0]
    third = (await rotate(world, app_id)).json()["client_secret"]
    added = {"type": "machine", "name": "Worker", "client_id": "worker"}
    fourth = (await world.api("POST", f"/apps/{app_id}/clients", json=added)).json()["client_secret"]

    here = f"/dashboard/apps/{app_id}"
    pages = ["", "/clients", f"/clients/{app_id}", f"/clients/{app_id}/rotate-secret", "/clients/worker"]
    pages += ["/users", "/audit-log", "/settings", "/disable", "/add-client"]
    seen = [(await person.get(here + path)).text for path in pages]
    seen.append((await person.get("/dashboard")).text)
    answers = ["", "/clients", f"/clients/{app_id}", "/clients/worker", "/audit-log", "/users"]
    seen += [(await world.api("GET", f"/apps/{app_id}{path}")).text for path in answers]
    seen += [str(event) for event in await world.events(app_id)]
    seen += [str(row) for row in await world.seed.fetch("select * from admin.client_secrets")]
    seen += [str(row) for row in await world.seed.fetch("select * from admin.audit_log")]
    seen += list(capfd.readouterr())
    for secret in (first, second, third, fourth):
        assert secret.startswith("mtas_cs_")
        assert [text for text in seen if secret in text] == []


async def test_sending_the_same_form_twice_rotates_once(world: World) -> None:
    """Reloading the answer sends the form again: it does not show the secret, and ends nothing."""
    person, _ = await world.developer(is_operator=True)
    app_id = (await world.register())["client"]["client_id"]
    form = await person.get(f"/dashboard/apps/{app_id}/clients/{app_id}/rotate-secret")
    first = await person.submit(form, {"overlap_s": "3600"})
    secret = first.text.split("MTAS_APP_SECRET=")[1].split()[0]
    before = await live(world, app_id)
    again = await person.submit(form, {"overlap_s": "3600"})
    assert again.status_code == 409
    assert secret not in again.text
    assert await live(world, app_id) == before


async def test_reloading_a_registration_does_not_show_its_secret(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    form = await person.get("/dashboard/register-app")
    values = {"name": "Acme", "app_id": some_slug()}
    first = await person.submit(form, values)
    again = await person.submit(form, values)
    assert (first.status_code, again.status_code) == (200, 409)
    assert "mtas_cs_" not in again.text


async def test_the_env_block_is_complete(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    app_id = some_slug()
    fields = {"name": "Acme", "app_id": app_id, "redirect_uris": "http://localhost:8000/auth/callback"}
    page = await person.fill("/dashboard/register-app", fields)
    block = page.text.split('<pre id="env">')[1].split("</pre>")[0].strip()
    values = dict(line.split("=", 1) for line in block.splitlines())
    assert list(values) == [
        "MTAS_ISSUER",
        "MTAS_APP_ID",
        "MTAS_APP_SECRET",
        "MTAS_APP_URL",
        "MTAS_COOKIE_SECRETS",
    ]
    assert values["MTAS_ISSUER"] == f"http://localhost:8080/t/{app_id}"
    assert (values["MTAS_APP_ID"], values["MTAS_APP_URL"]) == (app_id, "http://localhost:8000")
    assert len(values["MTAS_COOKIE_SECRETS"]) == 43


async def test_ten_minutes_after_signing_in_a_new_secret_needs_the_password(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    app_id = (await world.register())["client"]["client_id"]
    path = f"/dashboard/apps/{app_id}/clients/{app_id}/rotate-secret"
    assert 'name="password"' not in (await person.get(path)).text
    world.clock.advance(601)
    page = await person.get(path)
    assert 'name="password"' in page.text
    for password, status in (("", 403), ("not the right password", 422)):
        answer = await person.submit(page, {"overlap_s": "0", "password": password})
        assert answer.status_code == status
        assert 'href="#password"' in answer.text
        assert "mtas_cs_" not in answer.text
    assert len(await live(world, app_id)) == 1
    assert hashes(await live(world, app_id)) == hashes(await live(world, app_id))

    before = person.session
    answer = await person.submit(page, {"overlap_s": "0", "password": PASSWORD})
    assert "mtas_cs_" in answer.text
    assert person.session not in (None, before)
    stolen = world.person()
    assert before is not None
    stolen.http.cookies.set("mtas_dashboard", before, domain="127.0.0.1")
    assert (await stolen.http.get("/dashboard")).status_code == 303


async def test_guessing_the_password_there_is_limited_like_signing_in(world: World) -> None:
    person, email = await world.developer(is_operator=True)
    app_id = (await world.register())["client"]["client_id"]
    world.clock.advance(601)
    page = await person.get(f"/dashboard/apps/{app_id}/clients/{app_id}/rotate-secret")
    answers = await asyncio.gather(
        *(person.submit(page, {"overlap_s": "0", "password": f"guess {number}"}) for number in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [422] * 5 + [429] * 7
    person.http.cookies.delete("mtas_dashboard")
    assert (await person.sign_in(email)).status_code == 429  # and the other path is shut with it


async def test_adding_a_client_needs_it_too(world: World) -> None:
    person, _ = await world.developer(is_operator=True)
    app_id = (await world.register())["client"]["client_id"]
    world.clock.advance(601)
    add = f"/dashboard/apps/{app_id}/add-client"
    machine = await person.fill(f"{add}?type=machine", {"name": "Worker", "type": "machine"})
    assert (machine.status_code, "mtas_cs_" in machine.text) == (403, False)
    spa = await person.fill(f"{add}?type=spa", {"name": "Shop", "type": "spa", "redirect_uris": CALLBACK})
    assert spa.status_code == 403
