"""Trials in which a token process is killed under way: answers are lost, grants are not."""

import asyncio
from random import Random

from tests.race.arena import Arena, Grant
from tests.race.judge import alive, minted, one_successor, refused, require
from tests.race.wire import Answer, Lost

STEPS = 3


async def killed_on_the_way(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """Many clients refresh again and again; a process is killed with -9, and started again.

    A client whose answer was lost repeats its request, at either process, and gets the successor
    that it had missed: at the end every family is as many generations on as its client asked for.
    """
    grants = await asyncio.gather(*(arena.grant(draw, arena.patient) for _ in range(number)))
    victim, after_s = draw.randrange(2), draw.uniform(0.0, 0.08)
    seeds = [draw.random() for _ in grants]
    chains, _ = await asyncio.gather(
        asyncio.gather(*(_chain(arena, Random(of), grant) for of, grant in zip(seeds, grants, strict=True))),
        _kill(arena, victim, after_s),
    )
    for grant, answers in zip(grants, chains, strict=True):
        require(not refused(answers), "false logout: a repeated request was refused")
        await alive(arena, grant, STEPS, answers, grant.tokens[-1])
    return [answer for answers in chains for answer in answers]


async def killed_with_one_token(arena: Arena, draw: Random, number: int) -> list[Answer]:
    """All present one token, and a process is killed with -9 among them: those it left repeat."""
    grant = await arena.grant(draw, arena.patient)
    victim, after_s = draw.randrange(2), draw.uniform(0.0, 0.02)
    answers, _ = await asyncio.gather(
        asyncio.gather(
            *(_insist(arena, Random(draw.random()), grant, grant.tokens[0], at % 2) for at in range(number))
        ),
        _kill(arena, victim, after_s),
    )
    require(not refused(answers), "false logout: a repeated request was refused")
    live = one_successor(answers)
    assert live is not None
    await alive(arena, grant, 1, answers, live)
    return answers


async def _chain(arena: Arena, draw: Random, grant: Grant) -> list[Answer]:
    answers = []
    for _ in range(STEPS):
        answer = await _insist(arena, draw, grant, grant.tokens[-1], draw.randrange(2))
        answers.append(answer)
        if not minted([answer]):
            break
        require(answer.body["refresh_token"] not in grant.tokens, "the successor is no new token")
        grant.tokens.append(answer.body["refresh_token"])
    return answers


async def _insist(arena: Arena, draw: Random, grant: Grant, token: str, at: int) -> Answer:
    """As any client would: again, until there is an answer."""
    while True:
        try:
            answer = await arena.refresh(at, grant.caller, token)
        except (Lost, OSError):
            await asyncio.sleep(0.02)
            at = draw.randrange(2)
            continue
        if answer.status < 500:
            return answer
        await asyncio.sleep(0.05)


async def _kill(arena: Arena, victim: int, after_s: float) -> None:
    await asyncio.sleep(after_s)
    process = arena.processes[victim]
    process.kill()
    process.spawn()
    await asyncio.to_thread(process.wait_ready, 30)
