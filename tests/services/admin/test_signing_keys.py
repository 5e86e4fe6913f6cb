"""Signing keys by way of the jwks service's internal API, the real one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from deploy.local.stack import Stack
from services.admin.app import create_app
from services.admin.settings import Settings
from services.jwks.app import create_app as create_jwks
from services.jwks.flows import rotation
from services.jwks.settings import Settings as JwksSettings
from shared.settings import load
from tests.services.admin.conftest import OPERATOR_TOKEN, PASSWORD, PUBLIC_URL, Person, World
from tests.services.admin.test_cli import run
from tests.support.browser import forms
from tests.support.clock import FakeClock
from tests.support.seed import some_slug
from tests.support.serve import serve


@pytest.fixture
async def with_jwks(
    stores: Stack,
    admin_environment: dict[str, str],
    clock: FakeClock,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    """An admin service that waits for first keys, and the jwks service that makes them."""
    monkeypatch.setattr(rotation, "FIRST_KEYS_PERIOD_S", 0.05)  # no event tells it of a new app here
    away = {"MTAS_NATS_URL": "nats://127.0.0.1:1"}
    jwks = create_jwks(load(JwksSettings, stores.environment("jwks", **away)), clock=clock)
    async with serve(jwks) as jwks_url:
        changes = {"MTAS_JWKS_URL": jwks_url, "MTAS_KEY_WAIT_S": "10"}
        admin = create_app(load(Settings, admin_environment | changes), clock=clock)
        async with serve(admin) as url, httpx2.AsyncClient(base_url=url, timeout=30) as http:
            yield World(url, http, clock, world.seed, stores, world.people)  # which it closes


async def test_rotating_in_order_and_in_an_emergency(with_jwks: World) -> None:
    world = with_jwks
    app_id = (await world.register(signing_alg="RS256"))["app"]["app_id"]
    path = f"/apps/{app_id}/signing-keys"
    [first] = (await world.api("GET", path)).json()["items"]
    assert (first["alg"], first["state"], first["retires_at"]) == ("RS256", "active", None)
    assert not {"public_jwk", "sealed_private_key", "kek_id"} & first.keys()

    rotated = await world.api("POST", f"{path}/rotate", json={})
    assert rotated.status_code == 200, rotated.text
    assert (rotated.json()["state"], rotated.json()["withdrawn"]) == ("pending", [])
    listed = (await world.api("GET", path)).json()["items"]
    assert {key["kid"]: key["state"] for key in listed} == {
        first["kid"]: "active",
        rotated.json()["kid"]: "pending",
    }

    body = {"emergency": True, "reason": "key_compromise"}
    emergency = (await world.api("POST", f"{path}/rotate", json=body)).json()
    assert set(emergency["withdrawn"]) == {key["kid"] for key in listed}
    states = {key["kid"]: key["state"] for key in (await world.api("GET", path)).json()["items"]}
    assert states == dict.fromkeys(emergency["withdrawn"], "retired") | {emergency["kid"]: "active"}
    [event, _] = [event for event in await world.events(app_id) if event["type"] == "signing_key.retired"]
    data = json.loads(event["data"])
    assert (data["actor"], data["note"], data["reason"]) == ("operator", "key_compromise", "withdrawn")


async def test_only_an_apps_own_keys(with_jwks: World) -> None:
    world = with_jwks
    apps = [(await world.register())["app"]["app_id"] for _ in range(2)]
    await world.api("POST", f"/apps/{apps[0]}/signing-keys/rotate", json={"emergency": True})
    [untouched] = (await world.api("GET", f"/apps/{apps[1]}/signing-keys")).json()["items"]
    assert untouched["state"] == "active"
    for method, path in (("GET", "signing-keys"), ("POST", "signing-keys/rotate")):
        options: dict[str, Any] = {"json": {}} if method == "POST" else {}
        assert (await world.api(method, f"/apps/nobody-here/{path}", **options)).status_code == 404
        url = f"{world.url}/api/v1/apps/{apps[0]}/{path}"
        assert (await world.http.request(method, url, **options)).status_code == 401


@pytest.mark.parametrize("reason", ["", "laptop of ada@example.com stolen", 7])
async def test_a_reason_is_a_word_from_the_list(world: World, reason: object) -> None:
    app_id = (await world.register())["app"]["app_id"]
    answer = await world.api("POST", f"/apps/{app_id}/signing-keys/rotate", json={"reason": reason})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/reason")


async def test_without_jwks_it_says_so(admin_environment: dict[str, str], world: World) -> None:
    app_id = (await world.register())["app"]["app_id"]
    settings = load(Settings, admin_environment | {"MTAS_JWKS_URL": "http://127.0.0.1:1"})
    async with serve(create_app(settings)) as url, httpx2.AsyncClient(base_url=url) as http:
        answer = await http.post(
            f"/api/v1/apps/{app_id}/signing-keys/rotate",
            json={},
            headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
        )
        assert answer.status_code == 503
        assert "retry-after" in answer.headers


async def test_from_the_command_line(with_jwks: World) -> None:
    app_id = (await with_jwks.register())["app"]["app_id"]
    server = {"MTAS_API_URL": with_jwks.url, "MTAS_API_TOKEN": OPERATOR_TOKEN}
    listed = await run("keys", "list", "--app", app_id, "--json", **server)
    [first] = listed.json
    planned = await run("keys", "rotate", "--app", app_id, "--wait-observed", "--json", **server)
    assert (planned.code, planned.json["state"]) == (0, "pending")
    waiting = await run("keys", "list", "--app", app_id, **server)
    assert planned.json["activates_by"] in waiting.out
    rotated = await run("keys", "rotate", "--app", app_id, "--emergency", "--json", **server)
    assert rotated.code == 0, rotated.err
    assert first["kid"] in rotated.json["withdrawn"]
    table = await run("keys", "list", "--app", app_id, **server)
    assert (rotated.json["kid"] in table.out, "retired" in table.out) == (True, True)
    assert (await run("keys", "rotate", "--app", "nobody-here", **server)).code == 1


def pem(passphrase: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


async def test_importing_a_key(with_jwks: World, capfd: pytest.CaptureFixture[str]) -> None:
    world = with_jwks
    apps = [(await world.register(signing_alg="RS256"))["app"]["app_id"] for _ in range(2)]
    path = f"/apps/{apps[0]}/signing-keys"
    own = pem()
    imported = await world.api("POST", f"{path}/import", json={"pem": own})
    assert imported.status_code == 201, imported.text
    [pending] = [k for k in (await world.api("GET", path)).json()["items"] if k["state"] == "pending"]
    assert (pending["kid"], pending["is_imported"]) == (imported.json()["kid"], True)
    for app_id in apps:
        again = await world.api("POST", f"/apps/{app_id}/signing-keys/import", json={"pem": own})
        assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "#/pem")
    for bad in ("hello", own[:500], pem(b"secret"), own + " " * 40_000):
        refused = await world.api("POST", f"{path}/import", json={"pem": bad})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/pem")
    assert (await world.api("POST", f"{path}/import", json={"pem": [own]})).status_code in (400, 422)
    assert (
        await world.api("POST", "/apps/nobody-here/signing-keys/import", json={"pem": own})
    ).status_code == 404
    said = "".join(capfd.readouterr())
    assert not any(line[:32] in said for line in own.splitlines()[1:-1])


async def test_choosing_what_keys_are(with_jwks: World) -> None:
    world = with_jwks
    app_id = (await world.register(signing_alg="RS256"))["app"]["app_id"]
    path = f"/apps/{app_id}/signing-keys/settings"
    before = (await world.api("GET", path)).json()
    assert before == {"signing_alg": "RS256", "signing_key_bits": 2048, "wait_observed": False}
    after = await world.api("PATCH", path, json={"signing_key_bits": 3072, "wait_observed": True})
    assert after.json() == before | {"signing_key_bits": 3072, "wait_observed": True}
    events = [event for event in await world.events(app_id) if event["type"] == "tenant.updated"]
    assert json.loads(events[-1]["data"])["changed"] == ["signing_key_bits", "wait_observed"]
    rotated = (await world.api("POST", f"/apps/{app_id}/signing-keys/rotate", json={})).json()
    assert rotated["rsa_bits"] == 3072
    assert rotated["activates_by"] > rotated["activates_at"]
    for wrong in ({"signing_key_bits": 1024}, {"signing_alg": "none"}, {"bits": 2048}):
        assert (await world.api("PATCH", path, json=wrong)).status_code in (400, 422), wrong


async def test_choosing_it_at_registration(with_jwks: World) -> None:
    world = with_jwks
    registered = await world.register(signing_alg="RS256", signing_key_bits=3072)
    keys = (await world.api("GET", f"/apps/{registered['app']['app_id']}/signing-keys")).json()["items"]
    assert [(key["state"], key["rsa_bits"]) for key in keys] == [("active", 3072)]
    body = {"app_id": some_slug(), "name": "x", "signing_key_bits": 1024}
    refused = await world.api("POST", "/apps", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/signing_key_bits")

    server = {"MTAS_API_URL": world.url, "MTAS_API_TOKEN": OPERATOR_TOKEN}
    app_id = some_slug()
    made = await run("app", "create", "--app-id", app_id, "--bits", "4096", "--alg", "ES256", **server)
    assert made.code == 0, made.err
    settings = await run("keys", "settings", "--app", app_id, "--json", **server)
    assert (settings.json["signing_alg"], settings.json["signing_key_bits"]) == ("ES256", 4096)
    assert (await run("app", "create", "--app", app_id, "--alg", "RS256", **server)).code == 2


async def test_importing_from_the_command_line(with_jwks: World, tmp_path: Path) -> None:
    app_id = (await with_jwks.register(signing_alg="RS256"))["app"]["app_id"]
    server = {"MTAS_API_URL": with_jwks.url, "MTAS_API_TOKEN": OPERATOR_TOKEN}
    file = tmp_path / "key.pem"
    file.write_text(pem(b"open sesame"))
    command = ("keys", "import", "--app-id", app_id, "--file", str(file), "--json")
    assert (await run(*command, **server)).code == 2, "no passphrase, and nobody to ask"
    assert (await run(*command, **server, MTAS_KEY_PASSPHRASE="wrong")).code == 2
    imported = await run(*command, **server, MTAS_KEY_PASSPHRASE="open sesame")
    assert imported.code == 0, imported.err
    assert imported.json["state"] == "pending"
    assert (await run(*command, **server, MTAS_KEY_PASSPHRASE="open sesame")).code == 1, "once"
    table = await run("keys", "list", "--app", app_id, **server)
    assert ("own" in table.out, imported.json["kid"] in table.out) == (True, True)
    chosen = await run(
        "keys", "settings", "--app", app_id, "--bits", "4096", "--wait-observed", "--json", **server
    )
    assert chosen.json == {"signing_alg": "RS256", "signing_key_bits": 4096, "wait_observed": True}


# The dashboard ----------------------------------------------------------------------------------


async def test_the_page_says_what_is_and_what_comes_next(with_jwks: World) -> None:
    world = with_jwks
    person, _ = await world.developer(is_operator=True)
    app_id = (await world.register(signing_alg="RS256"))["app"]["app_id"]
    page = await person.get(f"/dashboard/apps/{app_id}/keys")
    [key] = (await world.api("GET", f"/apps/{app_id}/signing-keys")).json()["items"]
    assert key["kid"] in page.text
    assert "The next key is published on" in page.text
    answer = await person.fill(f"/dashboard/apps/{app_id}/keys/rotate", {"wait_observed": "on"})
    assert answer.headers["location"] == f"/dashboard/apps/{app_id}/keys?done=key-published"
    page = await person.get(answer.headers["location"])
    assert "at the latest" in page.text
    assert "Nobody yet" in page.text
    await world.seed.execute(
        "insert into jwks.key_fetches (tenant_id, kid, client, first_at, last_at)"
        " values ($1, $2, 'mtas-python/1.2', now(), now()), ($1, $2, 'mtas-express/1.2', now(), now())",
        await world.tenant_id(app_id),
        key["kid"],
    )
    [pending] = [
        k
        for k in (await world.api("GET", f"/apps/{app_id}/signing-keys")).json()["items"]
        if k["activates_by"]
    ]
    await world.seed.execute(
        "insert into jwks.key_fetches (tenant_id, kid, client, first_at, last_at)"
        " values ($1, $2, 'mtas-python/1.2', now(), now())",
        await world.tenant_id(app_id),
        pending["kid"],
    )
    page = await person.get(f"/dashboard/apps/{app_id}/keys")
    assert (
        page.text.index("mtas-express/1.2") < page.text.index("Not yet") < page.text.index("mtas-python/1.2")
    )
    assert page.text.index("mtas-python/1.2") < page.text.index("Fetched")


async def test_an_emergency_needs_the_app_id_typed_and_a_reason(with_jwks: World) -> None:
    world = with_jwks
    person, _ = await world.developer(is_operator=True)
    app_id = (await world.register())["app"]["app_id"]
    path = f"/dashboard/apps/{app_id}/keys/emergency"
    good = {"reason": "exercise", "confirmation": app_id}
    wrong = (("confirmation", ""), ("confirmation", app_id.upper()), ("reason", ""), ("reason", "because"))
    for field, value in wrong:
        answer = await person.fill(path, good | {field: value})
        assert (answer.status_code, f'href="#{field}"' in answer.text) == (422, True), (field, value)
    [key] = (await world.api("GET", f"/apps/{app_id}/signing-keys")).json()["items"]
    assert key["state"] == "active"
    answer = await person.fill(path, good)
    assert answer.headers["location"] == f"/dashboard/apps/{app_id}/keys?done=keys-withdrawn"
    page = await person.get(answer.headers["location"])
    assert "Withdrawn" in page.text


async def test_after_a_while_keys_need_the_password(with_jwks: World) -> None:
    world = with_jwks
    person, _ = await world.developer(is_operator=True)
    app_id = (await world.register())["app"]["app_id"]
    world.clock.advance(601)
    sent = {
        "rotate": {},
        "emergency": {"reason": "exercise", "confirmation": app_id},
        "settings": {"signing_alg": "RS256", "signing_key_bits": "4096"},
    }
    for what, values in sent.items():
        page = await person.get(f"/dashboard/apps/{app_id}/keys/{what}")
        assert 'name="password"' in page.text
        answer = await person.submit(page, values)
        assert (answer.status_code, 'href="#password"' in answer.text) == (403, True), what
        assert "secret" not in answer.text, "no secret is made here"
    [key] = (await world.api("GET", f"/apps/{app_id}/signing-keys")).json()["items"]
    assert key["state"] == "active"
    answer = await person.fill(
        f"/dashboard/apps/{app_id}/keys/settings", sent["settings"] | {"password": PASSWORD}
    )
    assert answer.status_code == 303
    assert (await world.api("GET", f"/apps/{app_id}/signing-keys/settings")).json()[
        "signing_key_bits"
    ] == 4096


async def post(person: Person, path: str, values: dict[str, str]) -> int:
    """A form that no page gave them: with the token that their own pages carry."""
    [sign_out] = [form for form in forms(await person.get("/dashboard")) if form.action.endswith("/sign-out")]
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL}
    return (await person.http.post(path, data=sign_out.fields | values, headers=headers)).status_code


async def test_a_viewer_sees_keys_and_changes_none(with_jwks: World) -> None:
    world = with_jwks
    app_id = (await world.register())["app"]["app_id"]
    viewer, _ = await world.developer(app_id, "viewer")
    page = await viewer.get(f"/dashboard/apps/{app_id}/keys")
    assert (page.status_code, "Emergency rotation" in page.text) == (200, False)
    for what in ("rotate", "emergency", "settings"):
        assert (await viewer.get(f"/dashboard/apps/{app_id}/keys/{what}")).status_code == 403
    stranger, _ = await world.developer()
    sent = {
        "rotate": {},
        "emergency": {"reason": "exercise", "confirmation": app_id},
        "settings": {"signing_alg": "ES256", "signing_key_bits": "4096"},
    }
    for person, status in ((viewer, 403), (stranger, 404)):
        for what, values in sent.items():
            path = f"/dashboard/apps/{app_id}/keys/{what}"
            assert await post(person, path, values) == status, what
    owner, _ = await world.developer(app_id)
    for what, values in sent.items():
        form = values | {"wait_observed": "on"}
        for site in ("same-origin", "cross-site"):
            forged = await owner.http.post(
                f"/dashboard/apps/{app_id}/keys/{what}", data=form, headers={"Sec-Fetch-Site": site}
            )
            assert forged.status_code == 403, "no form of ours"
    listed = (await world.api("GET", f"/apps/{app_id}/signing-keys")).json()["items"]
    assert [key["state"] for key in listed] == ["active"]
    assert (await world.api("GET", f"/apps/{app_id}/signing-keys/settings")).json()[
        "signing_key_bits"
    ] == 2048
    assert (await stranger.get(f"/dashboard/apps/{app_id}/keys")).status_code == 404
