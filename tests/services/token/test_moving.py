"""A tenant moves to another installation (`mtas tenant export | import`), and nobody signs in again.

The other installation is a second database in the same PostgreSQL, with keys of its own.
"""

import asyncio
import dataclasses
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from click.testing import CliRunner, Result

from deploy.local.stack import Stack
from deploy.move.cli import tenant
from deploy.move.connection import connected
from deploy.move.tables import list_tables
from deploy.provision import postgres
from deploy.provision.settings import Settings as Provisioning
from deploy.secrets import MAKERS, SERVICES
from services.token.app import create_app
from services.token.settings import Settings
from shared.oauth.types import ClientType
from shared.secret import Secret
from shared.settings import load
from tests.services.token.conftest import CACHE_TTL_S, World, a_world
from tests.support.clock import FakeClock
from tests.support.seed import Seed
from tests.support.serve import serve

PASSPHRASE = "correct horse battery staple"
DATABASE = "mtas_elsewhere"


@dataclass
class Elsewhere:
    http: httpx2.AsyncClient
    seed: Seed
    keys: dict[str, str]
    owner_url: str

    def home_of(self, world: World) -> World:
        """The same tenant, asked here."""
        return dataclasses.replace(world, http=self.http, seed=self.seed)


@pytest.fixture(scope="module")
async def elsewhere(stores: Stack, clock: FakeClock) -> AsyncIterator[Elsewhere]:
    owner_url = urlsplit(stores.postgres.owner_url)._replace(path=f"/{DATABASE}").geturl()
    passwords = {name: stores.secrets[f"postgres-{name}"] for name in SERVICES}
    await postgres.provision(
        Provisioning(stores.postgres.maintenance_url, owner_url, passwords, "", 1, {}, wait_s=20)
    )
    keys = {
        "MTAS_KEY_ENCRYPTION_KEYS": MAKERS["key-encryption-keys"](),
        "MTAS_REFRESH_TOKEN_KEYS": MAKERS["refresh-token-keys"](),
    }
    environment = stores.environment(
        "token", MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_CACHE_TTL_S=str(CACHE_TTL_S)
    )
    for name in keys:
        del environment[f"{name}_FILE"]
    environment |= keys
    environment["MTAS_DATABASE_URL"] = at_database(environment["MTAS_DATABASE_URL"])
    seed = Seed(at_database(stores.postgres.superuser_url))
    async with (
        serve(create_app(load(Settings, environment), clock=clock)) as url,
        httpx2.AsyncClient(base_url=url) as http,
    ):
        yield Elsewhere(http, seed, keys, owner_url)


@pytest.fixture
async def world(stores: Stack, seed: Seed, clock: FakeClock, token_url: str) -> AsyncIterator[World]:
    """Here, with a little of everything that moves."""
    async with a_world(stores, seed, clock, token_url) as world:
        await seed.execute(
            "insert into authorize.credentials (tenant_id, user_id, password_hash, updated_at)"
            " values ($1, $2, '$argon2id$hash', now())",
            world.tenant_id,
            world.user_id,
        )
        await seed.client(world.tenant_id, "storefront", ClientType.SPA)
        yield world


def at_database(url: str) -> str:
    return urlsplit(url)._replace(path=f"/{DATABASE}").geturl()


async def mtas(*words: str, **environment: str) -> Result:
    clean = dict.fromkeys((name for name in os.environ if name.startswith("MTAS_")), None)
    environment = {"MTAS_ARCHIVE_PASSPHRASE": PASSPHRASE} | environment
    return await asyncio.to_thread(CliRunner().invoke, tenant, [*words], env=clean | environment)


def printed(result: Result) -> dict[str, Any]:
    """Its JSON; the services in this process log to the same output."""
    content: dict[str, Any] = json.JSONDecoder().raw_decode(result.output[result.output.index("{\n") :])[0]
    return content


async def leave(stores: Stack, world: World, path: Path) -> Result:
    return await mtas(
        "export", world.slug, "--file", str(path), "--json",
        MTAS_OWNER_DATABASE_URL=stores.postgres.owner_url,
        MTAS_KEY_ENCRYPTION_KEYS_FILE=str(stores.secrets.path("key-encryption-keys")),
        MTAS_REFRESH_TOKEN_KEYS_FILE=str(stores.secrets.path("refresh-token-keys")),
    )  # fmt: skip


async def arrive(elsewhere: Elsewhere, path: Path, *options: str, **environment: str) -> Result:
    where = {"MTAS_OWNER_DATABASE_URL": elsewhere.owner_url, "MTAS_PUBLIC_URL": "http://localhost"}
    return await mtas("import", "--file", str(path), *options, **(where | elsewhere.keys | environment))


async def test_nobody_signs_in_again(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    first = await world.sign_in()
    spent = await world.sign_in()
    assert (await world.post("revoke", {"token": spent["refresh_token"]})).status_code == 200
    left = await leave(stores, world, tmp_path / "a")
    assert left.exit_code == 0, left.output
    assert printed(left)["rows"]["token.families"] == 2
    unknown = await arrive(elsewhere, tmp_path / "a", "--owner", "nobody@example.com")
    assert "Nobody with the address" in unknown.output
    came = await arrive(elsewhere, tmp_path / "a", "--json")
    assert came.exit_code == 0, came.output
    assert printed(came)["rows"] == printed(left)["rows"]
    home = elsewhere.home_of(world)

    assert await home.is_active(first["access_token"]), "its signature verifies, its family is alive"
    second = await home.refresh(first["refresh_token"])
    assert second.status_code == 200, second.text
    retried = await home.refresh(first["refresh_token"])
    assert retried.json()["refresh_token"] == second.json()["refresh_token"], (
        "a retry gets the same successor"
    )
    assert (await home.refresh(second.json()["refresh_token"])).status_code == 200
    assert (await home.refresh(spent["refresh_token"])).json()["error"] == "invalid_grant"
    again = await arrive(elsewhere, tmp_path / "a")
    assert "is here already" in again.output
    assert not await home.is_active(spent["access_token"])


async def test_a_token_that_was_rotated_after_the_snapshot_is_taken(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    tokens = await world.sign_in()
    assert (await leave(stores, world, tmp_path / "a")).exit_code == 0
    rotated = await world.refresh((await world.refresh(tokens["refresh_token"])).json()["refresh_token"])
    assert (await arrive(elsewhere, tmp_path / "a")).exit_code == 0
    answer = await elsewhere.home_of(world).refresh(rotated.json()["refresh_token"])
    assert answer.status_code == 200, answer.text


async def test_what_a_tenant_owns_is_there_to_the_last_digit(
    stores: Stack, seed: Seed, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    await world.sign_in()
    await leave(stores, world, tmp_path / "a")
    await arrive(elsewhere, tmp_path / "a")
    for table in ("admin.tenants", "admin.clients", "admin.client_secrets", "authorize.users",
                  "authorize.credentials", "authorize.sessions", "token.families"):  # fmt: skip
        columns = "*" if table != "admin.client_secrets" else "client_id, secret_id, secret_hash, created_at"
        rows = f"select {columns} from {table} where tenant_id = $1 order by 1, 2, 3"
        here = await seed.fetch(rows, world.tenant_id)
        assert here == await elsewhere.seed.fetch(rows, world.tenant_id), table
        assert here or table == "authorize.sessions"


async def test_the_archive_moves_on_from_there(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    """Its tokens of the first installation are good at the third, here the first again."""
    tokens = await world.sign_in()
    await leave(stores, world, tmp_path / "a")
    assert (await arrive(elsewhere, tmp_path / "a")).exit_code == 0
    back = tmp_path / "b"
    where = {"MTAS_OWNER_DATABASE_URL": elsewhere.owner_url} | elsewhere.keys
    assert (await mtas("export", world.slug, "--file", str(back), **where)).exit_code == 0
    (row,) = await elsewhere.seed.fetch(
        "select count(*) from token.moved_in_keys where tenant_id = $1", world.tenant_id
    )
    assert row["count"] == 1
    await forget(elsewhere, world)
    assert (await arrive(elsewhere, back)).exit_code == 0
    assert (await elsewhere.home_of(world).refresh(tokens["refresh_token"])).status_code == 200


async def forget(elsewhere: Elsewhere, world: World) -> None:
    """As if it had never been there."""
    async with connected(Secret(elsewhere.owner_url)) as (connection, _):
        tables = [table.name for table in await list_tables(connection)]
    for table in reversed(tables):
        await elsewhere.seed.execute(f"delete from {table} where tenant_id = $1", world.tenant_id)


async def test_a_damaged_archive_writes_nothing(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    # So much that it takes several parts, all but the last of which open.
    await world.seed.execute(
        "insert into authorize.users"
        " (tenant_id, email, email_key, name, grants_valid_from, created_at, updated_at)"
        " select $1, n || '@x.example', n || '@x.example', repeat('n', 500), now(), now(), now()"
        " from generate_series(1, 400) n",
        world.tenant_id,
    )
    path = tmp_path / "a"
    await leave(stores, world, path)
    header, *parts = taken_apart(path)
    flipped = bytearray(parts[-1])
    flipped[20] ^= 1
    damaged = {
        "a bit of the last part": [*parts[:-1], bytes(flipped)],
        "cut off": parts[:-1],
        "cut off within": [*parts[:-1], parts[-1][:30]],
        "a part left out": [parts[0], *parts[2:]],
        "parts exchanged": [parts[1], parts[0], *parts[2:]],
        "more": [*parts, parts[-1]],
    }
    for how, remains in damaged.items():
        path.write_bytes(b"".join([header, *remains]))
        result = await arrive(elsewhere, path)
        assert result.exit_code == 1, how
        assert "damaged" in result.output, how
        assert await count(elsewhere, world) == 0, how
    path.write_bytes(b"".join([header, *parts]))
    assert (await arrive(elsewhere, path)).exit_code == 0, "and whole it is let in"


def taken_apart(path: Path) -> list[bytes]:
    header, _, rest = path.read_bytes().partition(b"\n")
    parts = [header + b"\n"]
    while rest:
        size = 4 + int.from_bytes(rest[:4])
        parts.append(rest[:size])
        rest = rest[size:]
    assert len(parts) > 4
    return parts


async def test_another_passphrase_is_told_from_damage(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    await leave(stores, world, tmp_path / "a")
    result = await arrive(elsewhere, tmp_path / "a", MTAS_ARCHIVE_PASSPHRASE=PASSPHRASE.upper())
    assert result.exit_code == 1
    assert "The passphrase is not the one" in result.output
    (tmp_path / "b").write_bytes(b"hello\n")
    assert "no archive" in (await arrive(elsewhere, tmp_path / "b")).output
    assert await count(elsewhere, world) == 0


async def test_the_issuer_stays_or_is_asked_for(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    await world.seed.execute(
        "update admin.tenants set disabled_at = now() where tenant_id = $1", world.tenant_id
    )
    await leave(stores, world, tmp_path / "a")
    there = {"MTAS_PUBLIC_URL": "https://login.example.com"}
    refused = await arrive(elsewhere, tmp_path / "a", **there)
    assert refused.exit_code == 1
    assert "--new-issuer" in refused.output
    assert await count(elsewhere, world) == 0
    assert (await arrive(elsewhere, tmp_path / "a", "--new-issuer", "--enable", **there)).exit_code == 0
    (row,) = await elsewhere.seed.fetch(
        "select issuer, disabled_at from admin.tenants where tenant_id = $1", world.tenant_id
    )
    assert row == {"issuer": f"https://login.example.com/t/{world.slug}", "disabled_at": None}


async def test_both_sides_keep_a_record_and_the_file_keeps_its_secrets(
    stores: Stack, seed: Seed, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    await leave(stores, world, path)
    content = path.read_bytes()
    assert not [word for word in ("ada@example.com", "argon2id", world.slug) if word.encode() in content]
    assert path.stat().st_mode & 0o777 == 0o600
    await arrive(elsewhere, path)
    entries = "select type from admin.audit_log where tenant_id = $1 order by event_id"
    assert [row["type"] for row in await seed.fetch(entries, world.tenant_id)] == ["tenant.exported"]
    assert [row["type"] for row in await elsewhere.seed.fetch(entries, world.tenant_id)] == [
        "tenant.exported",
        "tenant.imported",
    ]


async def count(elsewhere: Elsewhere, world: World) -> int:
    rows = await elsewhere.seed.fetch("select 1 from admin.tenants where tenant_id = $1", world.tenant_id)
    rows += await elsewhere.seed.fetch("select 1 from authorize.users where tenant_id = $1", world.tenant_id)
    return len(rows)
