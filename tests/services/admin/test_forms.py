"""Forms: only ours, from this browser (OWASP CSRF; Fetch Metadata), whatever the page."""

import pytest
from litestar.routes import HTTPRoute

from services.admin.app import create_app
from services.admin.settings import Settings
from shared.secret import Secret
from tests.services.admin.conftest import PASSWORD, World
from tests.support.seed import some_slug


def dashboard_posts() -> list[str]:
    """Every address of the dashboard that takes a form, as the application has them."""
    nowhere = Secret("postgresql://127.0.0.1:1/x")
    app = create_app(
        Settings(
            database_url=nowhere,
            nats_url=Secret("nats://127.0.0.1:1"),
            valkey_url=Secret("redis://127.0.0.1:1"),
            internal_token=Secret("x"),
            form_secret=Secret("0" * 64),
            setup_token=Secret("x"),
            operator_token=Secret("x"),
        )
    )
    routes: list[HTTPRoute] = app._app.routes  # type: ignore[attr-defined]
    return sorted(
        route.path_format
        for route in routes
        if "POST" in route.methods and route.path.startswith("/dashboard")
    )


POSTS = dashboard_posts()


def test_there_are_forms_to_protect() -> None:
    assert len(POSTS) >= 14


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_without_our_token_is_refused(world: World, path: str) -> None:
    person, _ = await world.developer(is_operator=True)
    nobody = "0198c0de-0000-7000-8000-000000000000"
    ids = dict.fromkeys(("user_id", "developer_id", "invitation_id", "token_id", "session_id"), nobody)
    path = path.format(app_id="acme", client_id="acme", **ids)
    for fields in ({"name": "x"}, {"form_token": ""}, {"form_token": "A" * 43}, {"form_token": "é"}):
        answer = await person.http.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 403, (path, fields)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="same-site"),
        pytest.param({"Origin": "https://evil.example"}, id="another-origin"),
        pytest.param({"Origin": "http://localhost:3000"}, id="another-port"),
    ],
)
async def test_a_form_from_another_site_is_refused_even_with_the_token(
    world: World, headers: dict[str, str]
) -> None:
    person, _ = await world.developer(is_operator=True)
    app_id = some_slug()
    page = await person.get("/dashboard/register-app")
    answer = await person.submit(page, {"name": "X", "app_id": app_id}, headers=headers)
    assert answer.status_code == 403
    assert not await world.seed.fetch("select from admin.tenants where slug = $1", app_id)


async def test_a_cross_site_sign_in_gives_no_session(world: World) -> None:
    _, email = await world.developer()
    victim = world.person()
    fields = {"email": email, "password": PASSWORD}
    answer = await victim.http.post(
        "/dashboard/sign-in", data=fields, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert victim.session is None


async def test_another_sessions_token_is_worth_nothing(world: World) -> None:
    attacker, _ = await world.developer(is_operator=True)
    victim, _ = await world.developer(is_operator=True)
    page = await attacker.get("/dashboard/register-app")
    answer = await victim.submit(page, {"name": "X", "app_id": some_slug()})
    assert answer.status_code == 403


async def test_a_page_with_no_referrer_can_be_sent(world: World) -> None:
    """`Origin: null` is what a browser says on our own pages, which keep their address to themselves."""
    person, _ = await world.developer(is_operator=True)
    page = await person.get("/dashboard/register-app")
    answer = await person.submit(page, {"name": "X", "app_id": some_slug()}, headers={"Origin": "null"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        pytest.param(b"{}", "application/json", 415, id="json"),
        pytest.param(b"a", "multipart/form-data; boundary=x", 415, id="multipart"),
        pytest.param(b"", "", 415, id="nothing"),
        pytest.param(b"name=a&name=b", "application/x-www-form-urlencoded", 400, id="repeated"),
        pytest.param(b"name=%ff", "application/x-www-form-urlencoded", 400, id="not-utf-8"),
        pytest.param(b"name=a%00b", "application/x-www-form-urlencoded", 400, id="nul"),
        pytest.param(
            "&".join(f"f{number}=" for number in range(200)).encode(),
            "application/x-www-form-urlencoded",
            400,
            id="too-many-fields",
        ),
        pytest.param(b"name=" + b"a" * 70_000, "application/x-www-form-urlencoded", 413, id="too-large"),
    ],
)
async def test_what_is_no_form_is_refused(world: World, content: bytes, media_type: str, status: int) -> None:
    person, _ = await world.developer(is_operator=True)
    answer = await person.http.post(
        "/dashboard/register-app", content=content, headers={"Content-Type": media_type}
    )
    assert answer.status_code == status
    assert "Request id" in answer.text
