"""An app's logo and accent on its hosted pages: its own, inert, kept by browsers under their hash."""

from uuid import UUID

from tests.services.authorize.conftest import World

PNG = b"\x89PNG\r\n\x1a\n..."
LOGO = "0123456789abcdef0123456789abcdef"


async def brand(world: World, tenant_id: UUID) -> None:
    await world.seed.execute(
        "insert into admin.logos (tenant_id, logo, media_type, content, width, height, created_at)"
        " values ($1, $2, 'image/png', $3, 1, 1, now())",
        tenant_id,
        LOGO,
        PNG,
    )
    await world.seed.execute(
        "update admin.tenants set logo = $2, accent = '#0f6b3e' where tenant_id = $1", tenant_id, LOGO
    )


async def test_a_branded_apps_pages_show_it(world: World) -> None:
    await brand(world, world.tenant_id)
    person = world.person()
    page = await person.http.get(person.path("login"))
    logo, accent = person.path("assets/logo") + f"?v={LOGO}", person.path("assets/accent.css") + "?v=0f6b3e"
    assert f'<img class="logo" src="{logo}" alt="">' in page.text
    assert page.text.index("style.css") < page.text.index(accent)
    for url, media_type, content in (
        (logo, "image/png", PNG),
        (accent, "text/css", b":root { --accent: #0f6b3e; --on-accent: #ffffff; }"),
    ):
        answer = await person.http.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == media_type
        assert answer.content.startswith(content)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        stale = await person.http.get(url.partition("?")[0] + "?v=other")
        assert stale.headers["cache-control"] == "no-store"


async def test_an_app_without_has_neither(world: World) -> None:
    person = world.person()
    page = await person.http.get(person.path("login"))
    assert "accent.css" not in page.text
    assert "<img" not in page.text
    for name in ("logo", "accent.css", f"logo?v={LOGO}"):
        assert (await person.http.get(person.path("assets/") + name)).status_code == 404
