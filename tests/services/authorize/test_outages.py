"""A store is away: 503 with Retry-After, no partial write, never without limits; then all is well again."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local import ports
from deploy.local.stack import Stack
from deploy.local.valkey import Valkey
from shared.passwords import Passwords
from tests.services.authorize.conftest import PASSWORD, World, answer

Apart = Callable[..., AbstractAsyncContextManager[str]]
GOOD = {"email": "ada@example.com", "password": PASSWORD}
NOWHERE = "127.0.0.1:1"


class Cable:
    """A connection to a store that can be pulled: a relay on a port of its own."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._wires: set[asyncio.StreamWriter] = set()
        self.plugged = True

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        self.url = self._parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.pull()
        self._server.close()

    def pull(self) -> None:
        self.plugged = False
        for wire in self._wires:
            wire.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.plugged:
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._wires |= {writer, there_writer}
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@pytest.mark.parametrize("store", ["VALKEY", "DATABASE"])
async def test_nobody_signs_in_and_then_somebody_does(
    world: World, environment: dict[str, str], authorize_apart: Apart, store: str
) -> None:
    variable = f"MTAS_{store}_URL"
    async with Cable(environment[variable]) as cable, authorize_apart(**{variable: cable.url}) as url:
        person = world.person()
        person.http.base_url = url
        page = await person.get(world.authorize())
        cable.pull()
        response = await person.send(page, GOOD)
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["content-type"].startswith("text/html")
        assert person.session is None
        assert await world.events() == []
        ready = await person.http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"][{"VALKEY": "valkey", "DATABASE": "postgres"}[store]] is False
        cable.plugged = True
        assert "code" in answer(await person.submit(page, GOOD))


async def test_a_request_meets_a_page_when_valkey_is_away(
    world: World, environment: dict[str, str], authorize_apart: Apart
) -> None:
    variable = "MTAS_VALKEY_URL"
    async with Cable(environment[variable]) as cable, authorize_apart(**{variable: cable.url}) as url:
        person = world.person()
        person.http.base_url = url
        await person.sign_in()
        cable.pull()
        response = await person.http.get(world.authorize())
        assert response.status_code == 503
        assert "location" not in response.headers


async def test_a_valkey_without_room_is_one_that_is_away(
    world: World, stores: Stack, authorize_apart: Apart, tmp_path: Path
) -> None:
    """It throws no code and no count away to make some."""
    full = Valkey(
        tmp_path, tmp_path, tmp_path / "log", ports.spare(), stores.secrets, options=("--maxmemory", "1")
    )
    full.prepare()
    full.process.spawn()
    try:
        await asyncio.to_thread(full.process.wait_ready, 10)
        async with authorize_apart(MTAS_VALKEY_URL=full.url("authorize")) as url:
            person = world.person()
            person.http.base_url = url
            page = await person.http.get(person.path("login"))
            for refused in (await person.send(page, GOOD), await person.http.get(world.authorize())):
                assert refused.status_code == 503
                assert int(refused.headers["retry-after"]) > 0
            assert person.session is None
    finally:
        full.process.stop()


async def test_the_database_away_is_said_to_admin_as_well(
    world: World, environment: dict[str, str], authorize_apart: Apart, bearer: dict[str, str]
) -> None:
    away = environment["MTAS_DATABASE_URL"].rpartition("@")[0] + f"@{NOWHERE}/mtas"
    async with authorize_apart(MTAS_DATABASE_URL=away) as url:
        person = world.person()
        response = await person.http.post(
            f"{url}/internal/tenants/{world.tenant_id}/users",
            json={"email": "g@example.com", "password": PASSWORD},
            headers=bearer,
        )
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["retry-after"]
        assert (await person.http.get(f"{url}/livez")).status_code == 200


async def test_too_many_passwords_at_once_are_told_to_come_back(world: World, authorize_apart: Apart) -> None:
    async with authorize_apart(MTAS_PASSWORD_WORKERS="1", MTAS_PASSWORD_QUEUE_PER_TENANT="1") as url:
        people = [world.person() for _ in range(8)]
        pages = []
        for person in people:
            person.http.base_url = url
            pages.append(await person.http.get(person.path("login")))
        wrong = [{"email": f"user-{n}@example.com", "password": "wrong"} for n in range(8)]
        responses = await asyncio.gather(
            *(person.send(page, form) for person, page, form in zip(people, pages, wrong, strict=True))
        )
        statuses = [response.status_code for response in responses]
        assert set(statuses) == {422, 503}
        assert all(r.headers["retry-after"] for r in responses if r.status_code == 503)


async def test_who_hangs_up_frees_no_worker_early(world: World) -> None:
    """A guess that is no longer waited for still takes its place in the queue until it is done."""
    passwords = Passwords(workers=1, waiting=0)
    first = asyncio.create_task(passwords.verify(None, "x", None))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(Exception, match="too many"):
        await passwords.verify(None, "y", None)
    passwords.close()
