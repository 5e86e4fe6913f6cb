"""One round trip to one store a decision: what else a request needs is in memory (docs/adr/0011)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

import shared.db
from deploy.local.stack import Stack
from services.token.app import create_app
from services.token.settings import Settings
from shared.settings import load
from tests.services.token.conftest import World, a_world
from tests.support.clock import FakeClock
from tests.support.seed import Seed
from tests.support.serve import serve

IN_THE_BACKGROUND = ("events.outbox", "note_observations")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to PostgreSQL, on connections that are made from now on."""
    sent: list[str] = []
    connect = shared.db._Connections._connect

    def note(statement: Any) -> None:
        if not any(words in statement.query for words in IN_THE_BACKGROUND):
            sent.append(statement.query)

    async def watched(connections: shared.db._Connections) -> "asyncpg.Connection[asyncpg.Record]":
        connection = await connect(connections)
        connection.add_query_logger(note)
        return connection

    monkeypatch.setattr(shared.db._Connections, "_connect", watched)
    return sent


@pytest.fixture
async def world(stores: Stack, seed: Seed, clock: FakeClock, statements: list[str]) -> AsyncIterator[World]:
    """Of an instance of its own, that keeps what it has read."""
    environment = stores.environment("token", MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_CACHE_TTL_S="300")
    async with (
        serve(create_app(load(Settings, environment), clock=clock)) as url,
        a_world(stores, seed, clock, url) as world,
    ):
        yield world


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("authorization_code", ["token.redeem_codes"]),
        ("refresh_token", ["token.rotate_families"]),
        ("client_credentials", []),
    ],
)
async def test_a_grant_is_one_statement_or_none(
    world: World, statements: list[str], grant: str, expected: list[str]
) -> None:
    await world.seed.execute(
        "update admin.clients set grant_types = array_append(grant_types, 'client_credentials')"
        " where tenant_id = $1",
        world.tenant_id,
    )
    # Once each, so that all that may be kept has been read, and the statements have been prepared.
    code, first = await world.code(), await world.sign_in()
    second = (await world.refresh(first["refresh_token"])).json()
    form = {"grant_type": grant, "refresh_token": second["refresh_token"]}
    statements.clear()
    answer = await (world.redeem(code) if grant == "authorization_code" else world.post("token", form))
    assert answer.status_code == 200, answer.text
    assert len(statements) == len(expected), statements
    for statement, function in zip(statements, expected, strict=True):
        assert function in statement
