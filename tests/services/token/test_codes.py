"""Codes in Valkey, asked for together: everybody gets their own answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.token.codes import Codes
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant
from shared.secret import Secret
from shared.valkey import UNAVAILABLE, open_valkey
from tests.services.token.conftest import World

GRANT = CodeGrant(
    client_id="web",
    redirect_uri="https://app.example/callback",
    code_challenge=None,
    scope=("openid",),
    resource=None,
    nonce=None,
    user_id=uuid4(),
    session_id=uuid4(),
    auth_time=datetime.now(UTC),
    expires_at=datetime.now(UTC),
)


async def put(world: World, tenant: Any, code: str) -> None:
    grant = msgspec.structs.replace(GRANT, nonce=code)
    await world.valkey.set(code_key(tenant, code), encode_grant(grant), ex=60)


async def test_everybody_gets_the_answer_to_their_own_question(world: World) -> None:
    tenant, codes = uuid4(), Codes(world.reader)
    for number in range(0, 50, 2):
        await put(world, tenant, str(number))
    found = await asyncio.gather(*(codes.find(tenant, str(number)) for number in range(50)))
    assert [grant.nonce if grant else None for grant in found] == [
        None if number % 2 else str(number) for number in range(50)
    ]


async def test_what_is_forgotten_is_gone_soon_and_alone(world: World) -> None:
    tenant, codes = uuid4(), Codes(world.reader)
    for code in ("kept", "spent"):
        await put(world, tenant, code)
    codes.forget(tenant, "spent")

    async with asyncio.timeout(5):
        while await world.reader.get(code_key(tenant, "spent")) is not None:
            await asyncio.sleep(0.01)
    assert await codes.find(tenant, "kept") is not None


async def test_those_that_are_spent_at_about_the_same_time_are_deleted_by_one_command(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, codes = uuid4(), Codes(world.reader)
    commands: list[str] = []
    execute: Any = world.reader.execute_command

    async def watched(*command: Any, **options: Any) -> Any:
        commands.append(command[0])
        return await execute(*command, **options)

    monkeypatch.setattr(world.reader, "execute_command", watched)
    for number in range(5):
        await put(world, tenant, str(number))
        await codes.find(tenant, str(number))
        codes.forget(tenant, str(number))
    async with asyncio.timeout(5):
        while "DEL" not in commands:
            await asyncio.sleep(0.01)
    found = [await codes.find(tenant, str(number)) for number in range(5)]
    assert found == [None] * 5
    assert commands.count("DEL") == 1


async def test_who_goes_away_disturbs_nobody(world: World) -> None:
    tenant, codes = uuid4(), Codes(world.reader)
    await put(world, tenant, "code")
    asked = [asyncio.create_task(codes.find(tenant, "code")) for _ in range(8)]
    await asyncio.sleep(0)
    asked[3].cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in found].count(asyncio.CancelledError) == 1
    assert [type(each) for each in found].count(CodeGrant) == 7


async def test_without_valkey_everybody_hears_it_and_later_questions_are_asked() -> None:
    codes = Codes(open_valkey(Secret("redis://127.0.0.1:1")))
    for _ in range(2):
        found = await asyncio.gather(
            *(codes.find(uuid4(), str(number)) for number in range(5)), return_exceptions=True
        )
        assert all(isinstance(each, UNAVAILABLE) for each in found)
