"""Home's checklist is ticked by what happened; an app's overview draws what its users did."""

import re
from datetime import UTC, timedelta

from tests.services.admin.conftest import World
from tests.services.admin.test_pages import check
from tests.support.seed import some_slug

STEPS = ["account", "app", "sign-in", "secret", "https", "colleague"]


def ticked(text: str) -> list[str]:
    states = re.findall(r"</strong><span class=\"visually-hidden\"> \((done|to do)\)", text)
    assert len(states) == len(STEPS)
    return [step for step, state in zip(STEPS, states, strict=True) if state == "done"]


async def test_the_checklist_is_ticked_by_what_happened(world: World) -> None:
    person, _ = await world.developer()
    page = await person.get("/dashboard")
    check(page)
    assert ticked(page.text) == ["account"]
    app_id = some_slug()
    fields = {"name": "Acme", "app_id": app_id, "redirect_uris": "http://localhost:8000/auth/callback"}
    await person.fill("/dashboard/register-app", fields)
    tenant_id = await world.tenant_id(app_id)

    async def now_ticked() -> list[str]:
        page = await person.get("/dashboard")
        check(page)
        assert "Getting Acme ready" in page.text
        return ticked(page.text)

    assert await now_ticked() == ["account", "app"]
    await world.seed.execute(
        "insert into admin.observations (tenant_id, client_id, kind, times, last_at)"
        " values ($1, $2, 'code_redeemed', 1, now())",
        tenant_id,
        app_id,
    )
    assert await now_ticked() == ["account", "app", "sign-in"]
    await world.seed.execute(
        "update admin.client_secrets set last_used_at = now() where tenant_id = $1", tenant_id
    )
    assert await now_ticked() == ["account", "app", "sign-in", "secret"]
    await world.api(
        "PATCH", f"/apps/{app_id}/clients/{app_id}", json={"redirect_uris": ["https://a.example/cb"]}
    )
    assert await now_ticked() == ["account", "app", "sign-in", "secret", "https"]
    await world.developer(app_id, "viewer")
    assert "Getting Acme ready" not in (await person.get("/dashboard")).text, "all of it is done"


async def test_nobody_elses_app_ticks_anything(world: World) -> None:
    await world.register()
    person, _ = await world.developer()
    assert ticked((await person.get("/dashboard")).text) == ["account"]


async def test_a_secrets_last_use_is_shown(world: World) -> None:
    app_id = some_slug()
    await world.register(app_id)
    person, _ = await world.developer(app_id, "viewer")
    path = f"/dashboard/apps/{app_id}/clients/{app_id}"
    assert "never used" in (await person.get(path)).text
    await world.seed.execute(
        "update admin.client_secrets set last_used_at = '2026-05-04T10:20:00Z' where client_id = $1", app_id
    )
    assert "last used 4 May 2026, 10:20 UTC" in (await person.get(path)).text
    [secret] = (await world.api("GET", f"/apps/{app_id}/clients/{app_id}")).json()["secrets"]
    assert secret["last_used_at"] == "2026-05-04T10:20:00Z"


async def test_thirty_days_are_drawn_and_said(world: World) -> None:
    app_id, other = some_slug(), some_slug()
    for each in (app_id, other):
        await world.register(each)
    today = world.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for which, at, kind, times in [
        (app_id, today, "sign_in", 1200),
        (app_id, today + timedelta(hours=3), "sign_in", 34),
        (app_id, today - timedelta(days=29), "failed", 7),
        (app_id, today - timedelta(days=30), "failed", 1000),
        (other, today, "sign_in", 5000),
    ]:
        await world.seed.execute(
            "insert into admin.activity (tenant_id, day, kind, times) values ($1, $2, $3, $4)",
            await world.tenant_id(which),
            at,
            kind,
            times,
        )
    person, _ = await world.developer(app_id, "viewer")
    page = await person.get(f"/dashboard/apps/{app_id}")
    check(page)
    titles = re.findall(r"<title id=[^>]+>([^<]+)</title>", page.text)
    assert titles == [
        "Sign-ins: 1,234, 1,234 on the busiest day",
        "New users: 0, 0 on the busiest day",
        "Wrong passwords: 7, 7 on the busiest day",
        "Refused requests: 0, 0 on the busiest day",
    ]
    assert page.text.count("<rect x=") == 2
    assert page.text.count('<th scope="row">') == 30
    row = page.text.split(f'<th scope="row">{today:%-d %b}</th>')[1].split("</tr>")[0]
    assert 'data-label="sign-ins">1234</td>' in row


async def test_apps_are_found_by_a_part_of_their_name_or_id(world: World) -> None:
    person, email = await world.developer()
    [row] = await world.seed.fetch("select developer_id from admin.developers where email = $1", email)
    mark = some_slug("x")[1:]
    slugs = [f"shop{mark}", f"blog{mark}"]
    for slug, name in zip(slugs, ("Große Straße", "100%_Blog"), strict=True):
        await world.register(slug, name=name)
        await world.set_role(slug, row["developer_id"], "viewer")
    theirs = f"shop{mark}-other"
    await world.register(theirs, name="Große Straße")

    async def found(search: str) -> list[str]:
        page = await person.http.get("/dashboard", params={"search": search})
        assert page.status_code == 200
        check(page)
        return [slug for slug in (*slugs, theirs) if f'href="/dashboard/apps/{slug}"' in page.text]

    assert await found("STRASSE") == []
    for search in ("große", "GROßE STRA", "shop", f"SHOP{mark}"):
        assert await found(search) == slugs[:1], search
    for search in ("%_b", "100%", "blog"):
        assert await found(search) == slugs[1:], search
    assert await found("%") == slugs[1:]
    assert await found("no such app") == []
    assert await found("\x00  ") == slugs
    answer = await world.api("GET", "/apps", params={"search": mark, "limit": "2"})
    assert [item["app_id"] for item in answer.json()["items"]] == sorted([*slugs, theirs])[:2]
    rest = {"search": mark, "cursor": answer.json()["next"]}
    answer = await world.api("GET", "/apps", params=rest)
    assert [item["app_id"] for item in answer.json()["items"]] == sorted([*slugs, theirs])[2:]
