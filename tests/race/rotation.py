"""Trials that a family survives: whatever comes at once, one rotation, and nobody is logged out."""

import asyncio
from random import Random
from uuid import uuid4

from shared.oauth.refresh_token import PREFIX, RefreshToken, RefreshTokenKeys
from shared.secret import b64url, from_b64url
from tests.race.arena import Arena
from tests.race.judge import alive, ended, first_told, minted, nothing_after, one_successor, refused, require
from tests.race.wire import Answer

GENERATION = slice(18, 22)  # of the token's bytes, after version, key id and family id


async def same_token(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """All present the live token."""
    before = draw.randrange(3)
    grant = await arena.grant(draw, arena.patient, rotations=before)
    answers = await asyncio.gather(
        *(arena.refresh(at % 2, grant.caller, grant.tokens[-1]) for at in range(number))
    )
    require(not refused(answers), "false logout: a retry within the grace was refused")
    live = one_successor(answers)
    assert live is not None
    require(live not in grant.tokens, "the successor is no new token")
    await alive(arena, grant, before + 1, answers, live)
    return answers


async def current_and_previous(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """Some hold the live token, some the one before it, still within its grace.

    Once the live one has been used, the one before it is a grandparent: then, and only then, the
    family ends.
    """
    grant = await arena.grant(draw, arena.patient, rotations=1)
    previous, current = grant.tokens
    # Mostly a few of the live token late among the others, so that both ends happen.
    presented = [previous] * (number - 1) + [current]
    if draw.random() < 0.5:
        presented = [draw.choice(grant.tokens) for _ in range(number - 2)] + [previous, current]
        draw.shuffle(presented)
    answers = await asyncio.gather(
        *(arena.refresh(at % 2, grant.caller, token) for at, token in enumerate(presented))
    )
    of_previous = [answer for answer, token in zip(answers, presented, strict=True) if token == previous]
    of_current = [answer for answer, token in zip(answers, presented, strict=True) if token == current]
    require(one_successor(of_previous) in (None, current), "a retry got another successor")
    live = one_successor(of_current)
    require(live not in grant.tokens, "the successor is no new token")
    ends = refused(answers)
    if not ends:
        assert live is not None
        await alive(arena, grant, 2, answers, live)
    else:
        require(bool(refused(of_previous)), "false logout: only the live token was refused")
        nothing_after(first_told(ends), answers)
        await ended(arena, grant, "refresh_token_reused", answers, generations=(2,))
    return answers


async def lost_tail(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """The database lost its last rotations, as an asynchronous failover may: fast-forward, once."""
    before = draw.randrange(1, 5)
    grant = await arena.grant(draw, arena.patient, rotations=before)
    await arena.query(
        "update token.families set generation = $3 where tenant_id = $1 and family_id = $2 returning 1",
        arena.tenant_id,
        grant.family_id,
        draw.randrange(before),
    )
    answers = await asyncio.gather(
        *(arena.refresh(at % 2, grant.caller, grant.tokens[-1]) for at in range(number))
    )
    require(not refused(answers), "false logout: a token newer than the row was refused")
    live = one_successor(answers)
    assert live is not None
    await alive(arena, grant, before + 1, answers, live)
    return answers


async def forged(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """Forgeries among the genuine: each is refused, none does anything at all.

    Were the MAC not looked at first, the long spent generations would end the family, and the
    newer ones would fast-forward it.
    """
    grant = await arena.grant(draw, arena.patient, rotations=2)
    genuine = grant.tokens[-1]
    forgeries = [forgery(draw, arena, genuine) for _ in range(number // 2)]
    sendings = [(arena.patient, genuine, False)] * (number - len(forgeries)) + [
        (arena.strict if token == genuine else arena.patient, token, True) for token in forgeries
    ]
    draw.shuffle(sendings)
    answers = await asyncio.gather(
        *(
            arena.refresh(at % 2, caller, token, forged=is_forged)
            for at, (caller, token, is_forged) in enumerate(sendings)
        )
    )
    by_forgers = [answer for answer, (_, _, is_forged) in zip(answers, sendings, strict=True) if is_forged]
    require(len(refused(by_forgers)) == len(by_forgers), "a forged token was taken")
    require(len(minted(answers)) == number - len(by_forgers), "a genuine token was refused")
    live = one_successor(answers)
    assert live is not None
    await alive(arena, grant, 3, answers, live)
    return answers


def forgery(draw: Random, arena: Arena, genuine: str) -> str:
    """A token that we never issued to this client. The genuine one itself: for another client to try."""
    raw = bytearray(from_b64url(genuine.removeprefix(PREFIX)))
    kind = draw.randrange(6)
    if kind == 0:
        return genuine
    if kind == 1:  # a generation long spent, or one to come
        raw[GENERATION] = draw.choice((0, 7, 2**31 - 2)).to_bytes(4)
    if kind == 2:  # the MAC, by a bit
        raw[-1 - draw.randrange(32)] ^= 1 << draw.randrange(8)
    if kind == 3:  # another family
        raw[2:18] = uuid4().bytes
    if kind == 4:  # a key that we do not have
        keys = RefreshTokenKeys({raw[1]: draw.randbytes(32)})
        return keys.issue(RefreshToken(uuid4(), 0), arena.tenant_id, arena.patient.client_id)
    if kind == 5:  # cut short
        raw = raw[: draw.randrange(1, len(raw))]
    return PREFIX + b64url(bytes(raw))
