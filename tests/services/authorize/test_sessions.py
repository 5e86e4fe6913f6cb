"""Sessions: a new one at each sign-in, worth something at one tenant, and not for ever."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.services.authorize.conftest import PASSWORD, World


async def test_a_planted_session_is_replaced(world: World) -> None:
    """Session fixation: whatever cookie was there before, another is there after."""
    person = world.person()
    planted = "p" * 43
    person.http.cookies.set(f"mtas_session_{world.slug}", planted)
    await person.sign_in()
    person.http.cookies.delete(f"mtas_session_{world.slug}", domain="")
    assert person.session not in (None, planted)
    thief = world.person()
    thief.http.cookies.set(f"mtas_session_{world.slug}", planted)
    assert "<h1>Sign in</h1>" in (await thief.get(thief.path("account"))).text


async def test_signing_in_again_goes_on_with_the_session_under_another_token(world: World) -> None:
    person, thief = world.person(), world.person()
    await person.sign_in()
    former = person.session
    assert former
    world.clock.advance(5)
    page = await person.get(world.authorize(prompt="login"))
    await person.submit(page, {"email": "ada@example.com", "password": PASSWORD})
    assert person.session != former
    thief.http.cookies.set(f"mtas_session_{world.slug}", former)
    assert "<h1>Sign in</h1>" in (await thief.get(thief.path("account"))).text
    events = await world.events()
    assert sorted(kind for kind, _, _ in events) == ["session.renewed", "session.started"]
    assert len({subject for _, subject, _ in events}) == 1


async def test_another_user_ends_the_session_that_this_browser_had(world: World) -> None:
    await world.add_user("grace@example.com")
    person = world.person()
    await person.sign_in()
    page = await person.get(world.authorize(prompt="login"))
    await person.submit(page, {"email": "grace@example.com", "password": PASSWORD})
    reasons = [data.get("reason") for kind, _, data in await world.events() if kind == "session.ended"]
    assert reasons == ["replaced"]


async def test_a_session_is_worth_nothing_at_another_tenant(world: World, other: World) -> None:
    person, stranger = world.person(), other.person()
    await person.sign_in()
    assert person.session
    for name in (f"mtas_session_{other.slug}", f"mtas_session_{world.slug}"):
        stranger.http.cookies.set(name, person.session)
    assert "<h1>Sign in</h1>" in (await stranger.get(stranger.path("account"))).text
    response = await stranger.http.get(other.authorize(prompt="none"))
    assert "error=login_required" in response.headers["location"]


async def test_a_session_lapses_when_idle(world: World) -> None:
    person = world.person()
    await person.sign_in()
    for _ in range(3):
        world.clock.advance(86_400 - 60)
        assert "You are signed in" in (await person.get(person.path("account"))).text
    world.clock.advance(86_400)
    assert "<h1>Sign in</h1>" in (await person.get(person.path("account"))).text


async def test_a_session_ends_for_good_after_its_absolute_lifetime(world: World) -> None:
    await world.seed.execute(
        "update admin.tenants set session_idle_ttl_s = 31536000, session_absolute_ttl_s = 3600"
        " where tenant_id = $1",
        world.tenant_id,
    )
    person = world.person()
    await person.sign_in()
    world.clock.advance(3599)
    assert "You are signed in" in (await person.get(person.path("account"))).text
    world.clock.advance(1)
    person.http.cookies.jar.clear_expired_cookies = lambda: None  # type: ignore[method-assign]
    assert "<h1>Sign in</h1>" in (await person.get(person.path("account"))).text


async def test_being_seen_is_written_once_a_minute(world: World) -> None:
    person = world.person()
    await person.sign_in()

    async def last_seen() -> float:
        rows = await world.seed.fetch(
            "select last_seen_at from authorize.sessions where tenant_id = $1", world.tenant_id
        )
        return float(rows[0]["last_seen_at"].timestamp())

    began = await last_seen()
    world.clock.advance(59)
    await person.get(person.path("account"))
    assert await last_seen() == began
    world.clock.advance(1)
    await person.get(person.path("account"))
    assert await last_seen() == began + 60


async def test_cookies_are_out_of_reach(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"))
    response = await person.send(page, {"email": "ada@example.com", "password": PASSWORD})
    cookies = [*page.headers.get_list("set-cookie"), *response.headers.get_list("set-cookie")]
    names = {cookie.partition("=")[0] for cookie in cookies}
    assert names == {"mtas_browser", f"mtas_session_{world.slug}", f"mtas_device_{world.slug}"}
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


async def test_over_tls_cookies_are_tied_to_the_host(
    world: World, authorize_apart: Callable[..., AbstractAsyncContextManager[str]]
) -> None:
    async with authorize_apart(MTAS_PUBLIC_URL="https://id.example") as url:
        person = world.person()
        person.http.base_url = url
        page = await person.http.get(person.path("login"))
        browser = page.headers["set-cookie"]
        assert browser.startswith("__Host-mtas_browser=")
        assert "Secure" in browser
        cookie = {"Cookie": browser.partition(";")[0]}
        response = await person.send(page, {"email": "ada@example.com", "password": PASSWORD}, headers=cookie)
        assert response.status_code == 303
        session = response.headers["set-cookie"]
        assert session.startswith(f"__Host-mtas_session_{world.slug}=")
        assert "Secure" in session
