"""Users, by way of authorize's internal API, the real one."""

from services.admin.app import create_app
from services.admin.settings import Settings
from shared.settings import load
from tests.services.admin.conftest import OPERATOR_TOKEN, PASSWORD, Person, World, some_address
from tests.services.admin.test_api_tokens import told
from tests.support.serve import serve


async def test_a_user_is_made_and_listed(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    body = {"email": " Ada@Example.com ", "password": PASSWORD, "name": "Ada Lovelace"}
    made = await world.api("POST", f"/apps/{app_id}/users", json=body)
    assert made.status_code == 201
    assert made.json()["email"] == "Ada@Example.com"
    [user] = (await world.api("GET", f"/apps/{app_id}/users")).json()["items"]
    assert (user["user_id"], user["email"], user["name"], user["disabled"]) == (
        made.json()["user_id"],
        "Ada@Example.com",
        "Ada Lovelace",
        False,
    )
    assert PASSWORD not in str(user)


async def test_one_email_is_one_user_in_an_app_and_another_in_the_next(world: World) -> None:
    first = (await world.register())["app"]["app_id"]
    second = (await world.register())["app"]["app_id"]
    body = {"email": "ada@example.com", "password": PASSWORD}
    ids = [
        (await world.api("POST", f"/apps/{app_id}/users", json=body)).json()["user_id"]
        for app_id in (first, second)
    ]
    assert ids[0] != ids[1]
    again = await world.api("POST", f"/apps/{first}/users", json=body | {"email": "ADA@example.com"})
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "#/email")


async def test_what_authorize_refuses_is_said_at_the_field(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    body = {"email": "ada", "password": "short"}
    answer = await world.api("POST", f"/apps/{app_id}/users", json=body)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"#/email", "#/password"}
    person, _ = await world.developer(app_id, "admin")
    page = await person.fill(f"/dashboard/apps/{app_id}/add-user", body)
    assert page.status_code == 422
    assert 'href="#email"' in page.text
    assert 'href="#password"' in page.text
    assert 'value="short"' not in page.text


async def test_disabling_and_enabling(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id = await world.seed.user(await world.tenant_id(app_id))
    for verb, disabled in (("disable", True), ("disable", True), ("enable", False)):
        answer = await world.api("POST", f"/apps/{app_id}/users/{user_id}/{verb}")
        assert (answer.status_code, answer.json()["disabled"]) == (200, disabled)


async def test_a_deleted_user_is_gone_and_ids_stay(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    tenant_id = await world.tenant_id(app_id)
    body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace"}
    user_id = (await world.api("POST", f"/apps/{app_id}/users", json=body)).json()["user_id"]
    await world.seed.execute(
        "insert into token.families (tenant_id, family_id, client_id, user_id, session_id, scope, audience,"
        " auth_time, refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at)"
        " values ($1, uuidv7(), 'c', $2, uuidv7(), '{}', 'a', now(), true, true, now(), now(), now(), now())",
        tenant_id,
        user_id,
    )
    assert (await world.api("DELETE", f"/apps/{app_id}/users/{user_id}")).status_code == 204
    assert (await world.api("GET", f"/apps/{app_id}/users")).json()["items"] == []
    for table in ("users", "credentials", "sessions", "mails", "consents"):
        rows = await world.seed.fetch(f"select 1 from authorize.{table} where tenant_id = $1", tenant_id)
        assert rows == [], table
    [family] = await world.seed.fetch("select * from token.families where tenant_id = $1", tenant_id)
    assert family["revoked_reason"] == "user_deleted"
    assert (await world.api("DELETE", f"/apps/{app_id}/users/{user_id}")).status_code == 404
    # The address is free, for somebody who is another user.
    again = await world.api("POST", f"/apps/{app_id}/users", json=body)
    assert (again.status_code, again.json()["user_id"] != user_id) == (201, True)


async def test_another_apps_user_is_not_found(world: World) -> None:
    mine = (await world.register())["app"]["app_id"]
    theirs = (await world.register())["app"]["app_id"]
    user_id = await world.seed.user(await world.tenant_id(theirs))
    for verb in ("disable", "enable"):
        answer = await world.api("POST", f"/apps/{mine}/users/{user_id}/{verb}")
        assert answer.status_code == 404
    assert (await world.api("DELETE", f"/apps/{mine}/users/{user_id}")).status_code == 404
    [user] = (await world.api("GET", f"/apps/{theirs}/users")).json()["items"]
    assert user["disabled"] is False
    assert (await world.api("GET", f"/apps/{mine}/users")).json()["items"] == []


async def test_searching_takes_text_as_text(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    tenant_id = await world.tenant_id(app_id)
    await world.seed.user(tenant_id, "ada@example.com", name="Ada Lovelace")
    await world.seed.user(tenant_id, "grace@example.com", name="Grace 100% Hopper")

    async def found(search: str) -> list[str]:
        answer = await world.api("GET", f"/apps/{app_id}/users", params={"search": search})
        return [user["email"] for user in answer.json()["items"]]

    assert await found("LOVE") == ["ada@example.com"]
    assert await found("grace@") == ["grace@example.com"]
    assert await found(" 100%") == await found("00% h") == ["grace@example.com"]
    assert await found("gr") == await found("G") == ["grace@example.com"]
    for nobody in ("%", "_", "'", "\\", "%%%", "___", "a%a", "\\%@", "race", "hopper"):
        expected = ["grace@example.com"] if nobody in ("race", "hopper") else []
        assert await found(nobody) == expected, nobody
    assert len(await found("\x00")) == 2
    assert await found("example") == ["grace@example.com", "ada@example.com"]


async def test_authorize_being_away_is_said_and_nothing_happens(
    world: World, admin_environment: dict[str, str]
) -> None:
    app_id = (await world.register())["app"]["app_id"]
    settings = load(Settings, admin_environment | {"MTAS_AUTHORIZE_URL": "http://127.0.0.1:1"})
    async with serve(create_app(settings)) as url:
        person = Person(url, some_address())
        answer = await person.http.post(
            f"/api/v1/apps/{app_id}/users",
            json={"email": "ada@example.com", "password": PASSWORD},
            headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        await person.http.aclose()
    assert (await world.api("GET", f"/apps/{app_id}/users")).json()["items"] == []


async def test_an_internal_token_that_is_wrong_makes_nobody(
    world: World, admin_environment: dict[str, str]
) -> None:
    app_id = (await world.register())["app"]["app_id"]
    environment = {name: value for name, value in admin_environment.items() if "INTERNAL" not in name}
    settings = load(Settings, environment | {"MTAS_INTERNAL_TOKEN": "another" * 5})
    async with serve(create_app(settings)) as url:
        person = Person(url, some_address())
        answer = await person.http.post(
            f"/api/v1/apps/{app_id}/users",
            json={"email": "ada@example.com", "password": PASSWORD},
            headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
        )
        assert answer.status_code == 503
        await person.http.aclose()


# One user -------------------------------------------------------------------------------------


async def signed_in(world: World, app_id: str) -> tuple[str, str]:
    """A user with a session: their ids."""
    tenant_id = await world.tenant_id(app_id)
    user_id = await world.seed.user(tenant_id, name="Ada Lovelace")
    [row] = await world.seed.fetch(
        "insert into authorize.sessions (tenant_id, user_id, token_hash, auth_time, last_seen_at, expires_at,"
        " user_agent, address) values ($1, $2, sha256(gen_random_uuid()::text::bytea), now(), now(),"
        " now() + interval '1 day', 'Lynx/2.9', '192.0.2.7') returning session_id",
        tenant_id,
        user_id,
    )
    return str(user_id), str(row["session_id"])


async def sessions_of(world: World, app_id: str, user_id: str) -> list[str]:
    answer = await world.api("GET", f"/apps/{app_id}/users/{user_id}/sessions")
    assert answer.status_code == 200, answer.text
    return [session["session_id"] for session in answer.json()["items"]]


async def test_a_session_is_seen_and_ended(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id, session_id = await signed_in(world, app_id)
    assert (await world.api("GET", f"/apps/{app_id}/users/{user_id}")).json()["name"] == "Ada Lovelace"
    assert await sessions_of(world, app_id, user_id) == [session_id]
    path = f"/apps/{app_id}/users/{user_id}/sessions/{session_id}"
    assert (await world.api("DELETE", path)).status_code == 204
    assert await sessions_of(world, app_id, user_id) == []
    assert (await world.api("DELETE", path)).status_code == 404
    event = await told(world, app_id, "session.ended")
    assert (event["reason"], event["actor"]) == ("ended_by_administrator", "operator")


async def test_signing_out_everywhere_voids_what_was_granted(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id, _ = await signed_in(world, app_id)
    before = await world.seed.fetch(
        "select grants_valid_from from authorize.users where user_id = $1", user_id
    )
    assert (await world.api("POST", f"/apps/{app_id}/users/{user_id}/sign-out")).status_code == 204
    assert await sessions_of(world, app_id, user_id) == []
    after = await world.seed.fetch(
        "select grants_valid_from from authorize.users where user_id = $1", user_id
    )
    assert after[0]["grants_valid_from"] > before[0]["grants_valid_from"]
    assert (await told(world, app_id, "user.signed_out"))["actor"] == "operator"


async def test_what_is_kept_is_exported_and_deleted(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id, session_id = await signed_in(world, app_id)
    exported = (await world.api("GET", f"/apps/{app_id}/users/{user_id}/export")).json()
    assert (exported["app"], exported["user"]["user_id"]) == (app_id, user_id)
    assert [session["session_id"] for session in exported["sessions"]] == [session_id]
    path = f"/apps/{app_id}/users/{user_id}"
    assert (await world.api("DELETE", path)).status_code == 204
    for method, tail in (("GET", ""), ("GET", "/sessions"), ("GET", "/export"), ("POST", "/sign-out")):
        assert (await world.api(method, path + tail)).status_code == 404, tail
    assert (await world.api("DELETE", path)).status_code == 404
    tables = ("users", "credentials", "sessions")
    for table in tables:
        assert not await world.seed.fetch(f"select from authorize.{table} where user_id = $1", user_id)
    deleted = await told(world, app_id, "user.deleted")
    assert (deleted["by"], deleted["actor"]) == ("administrator", "operator")


async def test_another_apps_user_is_neither_seen_nor_touched(world: World) -> None:
    mine = (await world.register())["app"]["app_id"]
    theirs = (await world.register())["app"]["app_id"]
    user_id, session_id = await signed_in(world, theirs)
    path = f"/apps/{mine}/users/{user_id}"
    for method, tail in (
        ("GET", ""),
        ("GET", "/sessions"),
        ("GET", "/export"),
        ("POST", "/sign-out"),
        ("DELETE", f"/sessions/{session_id}"),
        ("DELETE", ""),
    ):
        assert (await world.api(method, path + tail)).status_code == 404, tail
    assert await sessions_of(world, theirs, user_id) == [session_id]


async def test_a_user_has_a_page_and_is_deleted_only_after_step_up(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id, _ = await signed_in(world, app_id)
    person, _ = await world.developer(app_id, "admin")
    here = f"/dashboard/apps/{app_id}/users/{user_id}"
    page = await person.get(here)
    for words in ("Ada Lovelace", "Lynx/2.9", "192.0.2.7", user_id):
        assert words in page.text
    exported = await person.submit(page, {}, to="/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert exported.json()["user"]["user_id"] == user_id
    ended = await person.submit(page, {}, to="/end")
    assert ended.headers["location"] == f"{here}?done=session-ended"
    world.clock.advance(601)
    asked = await person.submit(page, {}, to="/delete")
    assert (asked.status_code, 'name="password"' in asked.text) == (403, True)
    assert (await world.api("GET", f"/apps/{app_id}/users/{user_id}")).status_code == 200
    assert (await person.submit(asked, {"password": PASSWORD})).status_code == 303
    assert (await person.http.get(here)).status_code == 404


async def test_while_authorize_is_away_the_page_says_what_it_knows(
    world: World, admin_environment: dict[str, str]
) -> None:
    app_id = (await world.register())["app"]["app_id"]
    user_id, _ = await signed_in(world, app_id)
    developer, _ = await world.developer(app_id, "viewer")
    settings = load(Settings, admin_environment | {"MTAS_AUTHORIZE_URL": "http://127.0.0.1:1"})
    async with serve(create_app(settings, clock=world.clock)) as url:
        person = Person(url, some_address())
        person.http.cookies.update(developer.http.cookies)
        page = await person.http.get(f"/dashboard/apps/{app_id}/users/{user_id}")
        assert (page.status_code, "Not known just now" in page.text) == (200, True)
        await person.http.aclose()
