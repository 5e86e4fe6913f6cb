"""An app's logo and accent: what is stored is re-encoded, what is refused is refused in words."""

import io
import struct
import warnings
import zlib
from typing import Any

import httpx2
import pytest
from PIL import Image

from services.admin.flows.images import MOST_BYTES, SIDE, encode_logo
from tests.services.admin.conftest import PUBLIC_URL, Person, World
from tests.services.admin.test_api_tokens import make
from tests.services.admin.test_pages import check
from tests.support.seed import some_slug


def image(form: str = "PNG", size: tuple[int, int] = (64, 32), **options: Any) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", size, "#3f44c9").save(packed, form, **options)
    return packed.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A header that promises more than anybody should unpack, and next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
REFUSED = {
    "nothing": b"",
    "svg": SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": image("GIF"),
    "tiff": image("TIFF"),
    "cut off": image(size=(300, 300))[:200],
    "a bomb": huge_png(60_000, 60_000),
    "a long strip": image(size=(5_000, 10)),
    "too many pixels": image(size=(4_001, 4_000)),
    "too many bytes": image() + b"x" * MOST_BYTES,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"image|file"):
        encode_logo(REFUSED[name])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_only_the_pixels_are_kept(form: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    sent = image(form, (1200, 600), exif=exif) + b"<script>alert(1)</script>"
    logo = encode_logo(sent)
    assert (logo.width, logo.height) == (SIDE, SIDE // 2)
    assert b"where it was taken" not in logo.content
    assert b"script" not in logo.content
    again = Image.open(io.BytesIO(logo.content))
    assert f"image/{(again.format or '').lower()}" == logo.media_type
    assert encode_logo(sent).logo == logo.logo, "the same image is the same logo"


def test_how_the_process_treats_warnings_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters are no thread's own: meanwhile the event loop goes on, and must not trip over its warnings."""
    warnings.simplefilter("default")  # as in production; pytest takes back what a test sets
    before, seen, opened = list(warnings.filters), [], Image.open

    def look(*args: Any, **options: Any) -> Image.Image:
        seen.append(list(warnings.filters))
        return opened(*args, **options)

    monkeypatch.setattr(Image, "open", look)
    encode_logo(image())
    assert seen == [before]


async def upload(person: Person, app_id: str, content: bytes, **changes: Any) -> httpx2.Response:
    path = f"/dashboard/apps/{app_id}/branding"
    page = await person.get(f"/dashboard/apps/{app_id}")
    token = changes.get("token", page.text.split('name="form_token" value="')[1].split('"')[0])
    return await person.http.post(
        path + "/logo",
        data={"form_token": token},
        files={"logo": ("logo.png", content, "image/png")},
        headers={"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL},
    )


async def test_a_logo_is_set_replaced_and_removed(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "owner")

    async def stored() -> list[str]:
        rows = await world.seed.fetch(
            "select l.logo from admin.logos l join admin.tenants t using (tenant_id, logo) where t.slug = $1",
            app_id,
        )
        return [row["logo"] for row in rows]

    assert (await upload(person, app_id, image())).status_code == 303
    [first] = await stored()
    page = await person.get(f"/dashboard/apps/{app_id}/branding")
    assert f'src="/t/{app_id}/assets/logo?v={first}"' in page.text
    assert (await upload(person, app_id, image("JPEG", (10, 90)))).status_code == 303
    [second] = await stored()
    assert second != first
    tenant_id = await world.tenant_id(app_id)
    assert len(await world.seed.fetch("select from admin.logos where tenant_id = $1", tenant_id)) == 1
    assert [e["type"] for e in await world.events(app_id)].count("tenant.updated") == 2
    page = await person.get(f"/dashboard/apps/{app_id}/branding")
    assert (await person.submit(page, {}, to="/remove-logo")).status_code == 303
    assert await stored() == []


async def test_who_may_not_and_what_is_not_from_us_changes_nothing(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "owner")
    assert (await upload(person, app_id, image(), token="x")).status_code == 403
    assert (await upload(person, app_id, SVG)).status_code == 422
    assert (await upload(person, app_id, b"x" * (MOST_BYTES + 8192))).status_code == 413
    viewer, _ = await world.developer(app_id, "viewer")
    assert (await upload(viewer, app_id, image())).status_code == 403
    other, _ = await world.developer((await world.register())["app"]["app_id"], "owner")
    page = await other.get("/dashboard")
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    path = f"/dashboard/apps/{app_id}/branding/logo"
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL}
    files = {"logo": ("l.png", image(), "image/png")}
    answer = await other.http.post(path, data={"form_token": token}, files=files, headers=headers)
    assert answer.status_code == 404
    no_form = await person.http.post(path, json={"form_token": token}, headers=headers)
    assert no_form.status_code == 415
    assert (
        await world.seed.fetch("select from admin.tenants where slug = $1 and logo is not null", app_id) == []
    )


async def test_no_file_is_read_from_who_is_not_signed_in(world: World) -> None:
    """What is refused where it is read is not even looked at."""
    path = f"/dashboard/apps/{some_slug()}/branding/logo"
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL}
    headers["Content-Type"] = "multipart/form-data; boundary=x"
    answer = await world.person().http.post(path, content=MANY_PARTS, headers=headers)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/dashboard/sign-in")
    too_much = b"x" * (MOST_BYTES + 8192)
    assert (await world.person().http.post(path, content=too_much, headers=headers)).status_code == 303


MANY_PARTS = b"".join(
    b"a\r\n--x\r\nContent-Disposition: form-data; name=f%d\r\n\r\n" % number for number in range(200)
)


@pytest.mark.parametrize(
    ("head", "content"),
    [
        pytest.param("Content-Type: text/plain; charset=punycode", b"aaaa", id="a-slow-codec"),
        pytest.param('Content-Type: text/plain; x="--x"; CHARSET=nonsense', b"a", id="no-codec"),
        pytest.param("Content-Type: text/plain", b"\xff", id="not-utf-8"),
        pytest.param("Content-Type: text/plain", MANY_PARTS, id="too-many-parts"),
    ],
)
async def test_a_part_does_not_choose_how_it_is_decoded(world: World, head: str, content: bytes) -> None:
    """Whoever is signed in may send it, to whatever app."""
    person, _ = await world.developer()
    start = f'--x\r\nContent-Disposition: form-data; name="form_token"\r\n{head}\r\n\r\n'
    answer = await person.http.post(
        "/dashboard/apps/acme/branding/logo",
        content=start.encode() + content + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 400


async def test_an_accent_that_cannot_be_read_is_refused_at_its_field(world: World) -> None:
    app_id = some_slug()
    await world.register(app_id)
    person, _ = await world.developer(app_id, "owner")
    path = f"/dashboard/apps/{app_id}/branding"

    async def save(accent: str) -> httpx2.Response:
        return await person.submit(await person.get(path), {"accent": accent}, to="/branding")

    page = await save("#ffcc00")
    assert page.status_code == 422
    assert check(page).title.startswith("Error: ")
    assert "4.5:1" in page.text
    assert (await save("#0F6B3E")).status_code == 303
    assert (await world.api("GET", f"/apps/{app_id}")).json()["accent"] == "#0f6b3e"
    page = await person.get(path)
    check(page)
    assert 'fill="#0f6b3e"' in page.text
    assert (await save("")).status_code == 303
    assert (await world.api("GET", f"/apps/{app_id}")).json()["accent"] is None
    refused = await world.api("PATCH", f"/apps/{app_id}", json={"accent": "#fff"})
    assert refused.status_code == 422


PNG = {"Content-Type": "image/png"}


async def put(call: Any, app_id: str, content: bytes, type_: str = "image/png") -> httpx2.Response:
    headers = {"Content-Type": type_}
    answer: httpx2.Response = await call("PUT", f"/apps/{app_id}/logo", content=content, headers=headers)
    return answer


async def test_a_logo_is_set_and_removed_by_the_api_as_by_hand(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    person, _ = await world.developer(app_id, "owner")
    sent = image()
    assert (await put(world.api, app_id, sent)).status_code == 204
    page = await person.get(f"/dashboard/apps/{app_id}/branding")
    assert f"assets/logo?v={encode_logo(sent).logo}" in page.text
    assert (await put(world.api, app_id, sent)).status_code == 204, "again, which changes nothing"
    assert (await world.api("DELETE", f"/apps/{app_id}/logo")).status_code == 204
    assert "assets/logo?v=" not in (await person.get(f"/dashboard/apps/{app_id}/branding")).text
    assert [e["type"] for e in await world.events(app_id)].count("tenant.updated") == 2


async def test_what_is_no_logo_is_refused_by_the_api_as_by_hand(world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    for content, type_, status in (
        (SVG, "image/svg+xml", 415),
        (SVG, "image/png", 422),
        (b"", "image/png", 422),
        (b"x" * (MOST_BYTES + 1), "image/png", 413),
        (image(), "application/json", 415),
    ):
        answer = await put(world.api, app_id, content, type_)
        assert answer.status_code == status, (type_, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    _, email = await world.developer(app_id, "viewer")
    viewer = await make(world, email)
    assert (await put(viewer, app_id, image())).status_code == 403
    _, email = await world.developer((await world.register())["app"]["app_id"], "owner")
    stranger = await make(world, email)
    assert (await put(stranger, app_id, image())).status_code == 404
    assert (await world.api("PATCH", f"/apps/{app_id}", content=image(), headers=PNG)).status_code == 415
    rows = await world.seed.fetch("select from admin.tenants where slug = $1 and logo is not null", app_id)
    assert rows == []
