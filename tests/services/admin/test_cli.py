"""`mtas`, as a process of its own against the running service."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.services.admin.conftest import CALLBACK, OPERATOR_TOKEN, PASSWORD, World
from tests.support.seed import some_slug

ROOT = Path(__file__).parents[3]


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def run(*arguments: str, stdin: str = "", **environment: str) -> Ran:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MTAS_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.admin.cli.main", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        cwd=environment.get("PWD", str(ROOT)),
    )
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


@pytest.fixture
def data(world: World, tmp_path: Path) -> str:
    """A data folder, as a local run leaves it."""
    (tmp_path / "run").mkdir()
    (tmp_path / "secrets").mkdir()
    token = tmp_path / "secrets" / "operator-token"
    token.write_text(OPERATOR_TOKEN + "\n")
    stack = {"gateway_url": world.url, "tls_ca": None, "operator_token_file": str(token)}
    (tmp_path / "run" / "stack.json").write_text(json.dumps(stack))
    return str(tmp_path)


async def test_an_app_from_creation_to_rotation(data: str) -> None:
    app_id = some_slug()
    made = await run(
        *("app", "create", "--app-id", app_id, "--name", "Acme", "--json"),
        *("--redirect-uri", CALLBACK, "--redirect-uri", "http://localhost:8000/cb"),
        *("--post-logout-redirect-uri", "https://app.example/", "--frontend-origin", "https://app.example"),
        MTAS_DATA=data,
    )
    assert (made.code, made.err) == (0, "")
    assert made.json["issuer"] == f"http://localhost:8080/t/{app_id}"
    assert made.json["client_id"] == made.json["app_id"] == app_id
    assert made.json["client_secret"].startswith("mtas_cs_")

    shown = await run("app", "show", app_id, "--json", MTAS_DATA=data)
    assert shown.json["clients"][0]["redirect_uris"] == [CALLBACK, "http://localhost:8000/cb"]
    listed = await run("app", "list", "--json", MTAS_DATA=data)
    assert app_id in [app["app_id"] for app in listed.json]
    rotated = await run("app", "rotate-secret", app_id, "--overlap", "7d", "--json", MTAS_DATA=data)
    assert rotated.json["client_secret"] not in (made.json["client_secret"], *shown.out.split())
    for command in (["app", "show", app_id], ["app", "list"]):
        plain = await run(*command, MTAS_DATA=data)
        assert (plain.code, app_id in plain.out, "mtas_cs_" in plain.out) == (0, True, False)


@pytest.mark.parametrize("type_", ["web", "spa", "native", "machine"])
async def test_a_client_of_each_type(world: World, data: str, type_: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    options = ["--scope", "a b", "--scope", "c"] if type_ == "machine" else ["--redirect-uri", CALLBACK]
    made = await run("app", "create", "--app", app_id, "--type", type_, *options, "--json", MTAS_DATA=data)
    assert made.code == 0, made.err
    assert (made.json["type"], made.json["client_secret"] is None) == (type_, type_ in ("spa", "native"))
    shown = (await world.api("GET", f"/apps/{app_id}/clients/{made.json['client_id']}")).json()
    assert shown["allowed_scope"] == (["a", "b", "c"] if type_ == "machine" else shown["allowed_scope"])


async def test_a_user_whose_password_comes_by_standard_input(world: World, data: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    create = ("user", "create", "--app", app_id, "--email", "ada@example.com")
    made = await run(*create, "--password-stdin", "--json", stdin=PASSWORD + "\n", MTAS_DATA=data)
    assert (made.code, made.json["email"]) == (0, "ada@example.com")
    listed = await run("user", "list", "--app", app_id, "--json", MTAS_DATA=data)
    assert [user["user_id"] for user in listed.json] == [made.json["user_id"]]
    unasked = await run(*create, MTAS_DATA=data)
    assert (unasked.code, "--password-stdin" in unasked.err) == (2, True)


async def test_a_refusal_is_1_and_says_what_to_do(world: World, data: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    taken = await run("app", "create", "--app-id", app_id, MTAS_DATA=data)
    assert (taken.code, taken.out) == (1, "")
    assert "is taken" in taken.err
    uri = ("--redirect-uri", "http://evil.example/cb")
    refused = await run("app", "create", "--app", app_id, "--type", "spa", *uri, MTAS_DATA=data)
    assert refused.code == 1
    assert "redirect_uris/0: http://evil.example/cb must be https" in refused.err
    machine_read = await run("app", "show", some_slug(), "--json", MTAS_DATA=data)
    assert (machine_read.code, json.loads(machine_read.err)["status"]) == (1, 404)


@pytest.mark.parametrize(
    "arguments",
    [
        ["app", "create"],
        ["app", "create", "--app-id", "a", "--app", "b"],
        ["app", "create", "--app-id", "acme", "--type", "spa"],
        ["app", "create", "--app", "acme", "--type", "other"],
        ["app", "rotate-secret", "acme", "--overlap", "soon"],
        ["app", "nothing"],
        ["user", "create", "--app", "acme"],
    ],
    ids=" ".join,
)
async def test_wrong_usage_is_2(data: str, arguments: list[str]) -> None:
    assert (await run(*arguments, MTAS_DATA=data)).code == 2


async def test_a_server_that_is_away_is_3(data: str, tmp_path: Path) -> None:
    nowhere = await run("app", "list", MTAS_DATA=str(tmp_path / "none"))
    assert (nowhere.code, "make run" in nowhere.err) == (3, True)
    away = await run("app", "list", MTAS_API_URL="http://127.0.0.1:1", MTAS_API_TOKEN="x")
    assert (away.code, "does not answer" in away.err) == (3, True)


async def test_what_is_given_goes_before_what_is_found(world: World, data: str) -> None:
    given = await run("app", "list", MTAS_API_URL=world.url, MTAS_API_TOKEN=OPERATOR_TOKEN)
    assert given.code == 0
    wrong = await run("app", "list", MTAS_DATA=data, MTAS_API_URL=world.url, MTAS_API_TOKEN="mtas_at_x")
    assert wrong.code == 1
    # The token that was found is not sent to an address that was given.
    alone = await run("app", "list", MTAS_DATA=data, MTAS_API_URL=world.url)
    assert (alone.code, "MTAS_API_TOKEN" in alone.err) == (2, True)


async def test_it_is_found_in_the_folder_one_stands_in(data: str, tmp_path: Path) -> None:
    here = tmp_path / "project"
    here.mkdir()
    (here / ".mtas").symlink_to(data)
    assert (await run("app", "list", PWD=str(here))).code == 0


async def test_the_token_is_in_no_output(data: str) -> None:
    for arguments in (["app", "list"], ["app", "show", "nothing"], ["--help"], ["app", "create", "--help"]):
        ran = await run(*arguments, MTAS_DATA=data)
        assert OPERATOR_TOKEN not in ran.out + ran.err


async def test_help_needs_no_server_and_has_examples() -> None:
    for arguments in (
        ["app", "create"],
        ["app", "rotate-secret"],
        ["user", "create"],
        ["developer", "reset-password"],
    ):
        ran = await run(*arguments, "--help")
        assert (ran.code, "Examples:" in ran.out) == (0, True)


async def test_a_hostile_name_does_not_steer_the_terminal(world: World, data: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    await world.seed.user(await world.tenant_id(app_id), "x@example.com", name="\x1b[2Jred")
    listed = await run("user", "list", "--app", app_id, MTAS_DATA=data)
    assert (listed.code, "\x1b" in listed.out, "red" in listed.out) == (0, False, True)


async def test_a_token_from_creation_to_revocation(world: World, data: str) -> None:
    app_id = (await world.register())["app"]["app_id"]
    _, email = await world.developer(app_id, "viewer")
    wanted = ("--developer", email, "--name", "ci", "--app", app_id, "--scope", "apps:read")
    made = await run("token", "create", *wanted, "--expires-in", "90d", "--json", MTAS_DATA=data)
    assert made.code == 0, made.err
    theirs = {"MTAS_API_URL": world.url, "MTAS_API_TOKEN": made.json["token"]}
    assert [app["app_id"] for app in (await run("app", "list", "--json", **theirs)).json] == [app_id]
    refused = await run("user", "list", "--app", app_id, **theirs)
    assert (refused.code, "users:read" in refused.err) == (1, True)
    assert email in (await run("token", "list", MTAS_DATA=data)).out
    ended = await run("token", "revoke", made.json["api_token"]["token_id"], MTAS_DATA=data)
    assert ended.code == 0
    assert (await run("app", "list", **theirs)).code == 1


async def test_a_link_to_a_new_password(world: World, data: str) -> None:
    _, email = await world.developer()
    made = await run("developer", "reset-password", email, "--json", MTAS_DATA=data)
    assert (made.code, made.err, made.json["email"]) == (0, "", email)
    plain = await run("developer", "reset-password", email, MTAS_DATA=data)
    assert (plain.code, "http://localhost:8080/dashboard/reset-password?token=" in plain.out) == (0, True)
    assert "shown this once" in plain.err
    link = plain.out.split()[-1].removeprefix("http://localhost:8080")
    done = await world.person().fill(link, {"password": "seven herons beside the quiet canal"})
    assert done.status_code == 303
    refused = await run("developer", "reset-password", "nobody@example.com", MTAS_DATA=data)
    assert (refused.code, "No developer" in refused.err) == (1, True)
