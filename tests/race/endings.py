"""Trials that end a family: what was told to have ended stays so, whatever raced with it."""

import asyncio
from collections.abc import Awaitable
from random import Random
from time import monotonic

from tests.race.arena import Arena, Grant
from tests.race.judge import ended, first_told, minted, nothing_after, one_successor, refused, require
from tests.race.wire import Answer


async def without_grace(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """All present the live token, which is spent with its first use: one wins, and the family ends."""
    before = draw.randrange(3)
    grant = await arena.grant(draw, arena.strict, rotations=before)
    answers = await asyncio.gather(
        *(arena.refresh(at % 2, grant.caller, grant.tokens[-1]) for at in range(number))
    )
    require(len(minted(answers)) == 1, f"minted {len(minted(answers))} times")
    require(len(refused(answers)) == number - 1, "neither minted nor refused")
    await ended(arena, grant, "refresh_token_reused", answers, generations=(before + 1,))
    return answers


async def grandparent(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """One long spent, among those who hold the live one: the family ends, grace or not."""
    before = draw.randrange(2, 5)
    grant = await arena.grant(draw, arena.patient, rotations=before)
    current = grant.tokens[-1]
    presented = [current] * (number - draw.choice((1, 1, 1, number // 2)))
    presented += [draw.choice(grant.tokens[:-2]) for _ in range(number - len(presented))]
    draw.shuffle(presented)
    answers = await asyncio.gather(
        *(arena.refresh(at % 2, grant.caller, token) for at, token in enumerate(presented))
    )
    of_old = [answer for answer, token in zip(answers, presented, strict=True) if token != current]
    require(not minted(of_old), "a grandparent was taken")
    one_successor(answers)
    nothing_after(first_told(refused(answers)), answers)
    await ended(arena, grant, "refresh_token_reused", answers, generations=(before, before + 1))
    return answers


async def revocation(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """`/revoke` among refreshes (RFC 7009 §2.2): after its 200, nothing is minted and nothing active."""
    before = draw.randrange(3)
    grant = await arena.grant(draw, arena.patient, rotations=before)
    revoked_with = draw.choice((grant.tokens[-1], grant.access_token))
    told: list[float] = []

    async def revoke_and_try_again(at: int) -> list[Answer]:
        answer = await arena.ask(at, "revoke", grant.caller, token=revoked_with)
        require(answer.status == 200, f"/revoke answered {answer.status}")
        told.append(answer.told)
        require(
            not await arena.is_active(1 - at, grant.caller, grant.access_token),
            "active after the revocation's 200, at the other process",
        )
        return [await arena.refresh(1 - at, grant.caller, grant.tokens[-1])]

    answers = await _among(arena, draw, grant, number, [revoke_and_try_again(draw.randrange(2))])
    one_successor(answers)
    ends = refused(answers)
    require(bool(ends), "a refresh after the revocation's 200 was given")
    nothing_after(min([*told, *(answer.told for answer in ends)]), answers)
    await ended(arena, grant, "revoked_by_client", answers, generations=(before, before + 1))
    return answers


async def sign_out(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """The session ends among refreshes (OpenID Connect Core §11): once committed, no grant of it counts."""
    before = draw.randrange(3)
    grant = await arena.grant(draw, arena.patient, rotations=before)
    await arena.query(
        "insert into authorize.sessions (tenant_id, session_id, token_hash, user_id, auth_time, last_seen_at,"
        " expires_at) values ($1, $2, sha256($3), $4, now(), now(), now() + interval '1 day') returning 1",
        arena.tenant_id,
        grant.session_id,
        grant.session_id.bytes,
        arena.user_id,
    )
    told: list[float] = []

    async def end_and_try_again(at: int) -> list[Answer]:
        await asyncio.sleep(draw.random() * 0.02)
        await arena.query(
            "update authorize.sessions set ended_at = now() where tenant_id = $1 and session_id = $2"
            " returning 1",
            arena.tenant_id,
            grant.session_id,
        )
        told.append(monotonic())
        require(
            not await arena.is_active(1 - at, grant.caller, grant.access_token), "active after the sign-out"
        )
        return [await arena.refresh(at, grant.caller, grant.tokens[-1])]

    answers = await _among(arena, draw, grant, number, [end_and_try_again(draw.randrange(2))])
    one_successor(answers)
    require(bool(refused(answers)), "a refresh after the sign-out was given")
    nothing_after(told[0], answers)
    await ended(arena, grant, "user_disabled_or_signed_out", answers, generations=(before, before + 1))
    return answers


async def same_code(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """All redeem one code (RFC 6749 §4.1.2): one gets tokens, and the others end what it got."""
    code = await arena.code(arena.patient)
    answers = await asyncio.gather(*(arena.redeem(at % 2, arena.patient, code.code) for at in range(number)))
    require(len(minted(answers)) == 1, f"redeemed {len(minted(answers))} times")
    require(len(refused(answers)) == number - 1, "neither redeemed nor refused")
    given = minted(answers)[0].body
    grant = Grant(
        arena.patient, code.family_id, code.session_id, [given["refresh_token"]], given["access_token"]
    )
    await ended(arena, grant, "code_reused", answers, generations=(0,))
    return answers


async def stolen_code(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """A thief without the verifier races its owner: the thief gets nothing, and the code is burned."""
    code = await arena.code(arena.patient)
    owner = draw.choice((0, draw.randrange(number)))
    answers = await asyncio.gather(
        *(
            arena.redeem(at % 2, arena.patient, code.code, **({} if at == owner else {"verifier": "x" * 43}))
            for at in range(number)
        )
    )
    of_thieves = [answer for at, answer in enumerate(answers) if at != owner]
    require(len(refused(of_thieves)) == number - 1, "a code was redeemed without its verifier")
    refused(answers)
    family = await arena.family(code.family_id)
    require(family is not None and family["revoked_at"] is not None, "the code's family is alive")
    for answer in minted(answers):
        body = answer.body
        grant = Grant(
            arena.patient, code.family_id, code.session_id, [body["refresh_token"]], body["access_token"]
        )
        await ended(arena, grant, "code_reused", answers, generations=(0,))
    return answers


async def _among(
    arena: Arena, draw: Random, grant: Grant, number: int, others: list[Awaitable[list[Answer]]]
) -> list[Answer]:
    """Refreshes with the live token, and at a place that is drawn, something else."""

    async def refresh(at: int) -> list[Answer]:
        return [await arena.refresh(at % 2, grant.caller, grant.tokens[-1])]

    sendings: list[Awaitable[list[Answer]]] = [refresh(at) for at in range(number - len(others))]
    for other in others:
        sendings.insert(draw.randrange(len(sendings) + 1), other)
    return [answer for answers in await asyncio.gather(*sendings) for answer in answers]
