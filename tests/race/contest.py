"""Draw the trials from a seed, run them, and count what came of them.

A trial depends on the seed and its number alone: `--seed S --first N --trials 1` is trial N again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import TypeAlias

from tests.race import crashes, endings, rotation
from tests.race.arena import Arena
from tests.race.judge import Violated
from tests.race.wire import Answer

FEWEST, MOST = 16, 64
KILL_EVERY = 400  # trials; starting a process again takes a second or two
EVENTS_WITHIN_S = 20.0

Trial: TypeAlias = Callable[[Arena, Random, int], Awaitable[list[Answer]]]

PEACEFUL: dict[str, tuple[Trial, int]] = {
    "same token": (rotation.same_token, 20),
    "current and previous": (rotation.current_and_previous, 15),
    "forged among genuine": (rotation.forged, 10),
    "lost tail": (rotation.lost_tail, 8),
    "same token, no grace": (endings.without_grace, 10),
    "grandparent": (endings.grandparent, 12),
    "revocation": (endings.revocation, 15),
    "sign-out": (endings.sign_out, 8),
    "same code": (endings.same_code, 10),
    "stolen code": (endings.stolen_code, 5),
}
DEADLY: dict[str, Trial] = {
    "kill -9, one token": crashes.killed_with_one_token,
    "kill -9, many clients": crashes.killed_on_the_way,
}


@dataclass
class Count:
    """What came of the trials of one kind."""

    trials: int = 0
    requests: int = 0
    minted: int = 0
    refused: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass
class Result:
    seed: int
    seconds: float = 0.0
    requests: int = 0
    lost: int = 0
    kills: int = 0
    counts: dict[str, Count] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)  # of the run as a whole

    @property
    def trials(self) -> int:
        return sum(count.trials for count in self.counts.values())

    @property
    def all_violations(self) -> list[str]:
        return [text for count in self.counts.values() for text in count.violations] + self.violations


@dataclass(frozen=True)
class Drawn:
    index: int
    kind: str
    trial: Trial
    number: int  # of requests at once
    draw: Random

    @property
    def is_deadly(self) -> bool:
        return self.kind in DEADLY


def drawn(seed: int, index: int, kill_every: int = KILL_EVERY) -> Drawn:
    draw = Random(f"{seed}/{index}")
    number = draw.randint(FEWEST, MOST)
    if kill_every and index % kill_every == kill_every - 1:
        kind = list(DEADLY)[index // kill_every % len(DEADLY)]
        return Drawn(index, kind, DEADLY[kind], number, draw)
    kind = draw.choices(list(PEACEFUL), [weight for _, weight in PEACEFUL.values()])[0]
    return Drawn(index, kind, PEACEFUL[kind][0], number, draw)


async def run(
    arena: Arena,
    seed: int,
    *,
    trials: int,
    first: int = 0,
    lanes: int = 3,
    kill_every: int = KILL_EVERY,
    progress: Callable[[Result], None] = lambda _: None,
) -> Result:
    """So many trials. A few run at a time, each with a family of its own; one that kills runs alone."""
    result, began = Result(seed), monotonic()
    plan = [drawn(seed, index, kill_every) for index in range(first, first + trials)]
    for group in _between_kills(plan):
        waiting = iter(group)

        async def lane(waiting: Iterator[Drawn] = waiting) -> None:
            for each in waiting:
                await _hold(arena, each, result)
                result.seconds, result.requests = monotonic() - began, arena.requests
                progress(result)

        width = min(lanes, len(group))
        await arena.warm(width * (MOST // 2 + 2))
        await asyncio.gather(*(lane() for _ in range(width)))
    result.lost = arena.lost
    result.violations += await _afterwards(arena)
    result.seconds = monotonic() - began
    return result


def _between_kills(plan: list[Drawn]) -> Iterator[list[Drawn]]:
    group: list[Drawn] = []
    for each in plan:
        if not each.is_deadly:
            group.append(each)
            continue
        if group:
            yield group
        yield [each]
        group = []
    if group:
        yield group


async def _hold(arena: Arena, each: Drawn, result: Result) -> None:
    count = result.counts.setdefault(each.kind, Count())
    count.trials += 1
    result.kills += each.is_deadly
    try:
        answers = await each.trial(arena, each.draw, each.number)
    except Violated as violated:
        count.violations.append(f"trial {each.index} ({each.kind}, {each.number} at once): {violated}")
    except (TimeoutError, AssertionError, OSError) as error:
        count.violations.append(f"trial {each.index} ({each.kind}): {type(error).__name__} {error}")
    else:
        statuses = Counter(answer.status for answer in answers)
        count.requests += len(answers)
        count.minted += statuses[200]
        count.refused += statuses[400]


async def _afterwards(arena: Arena) -> list[str]:
    """What must be true of all trials together."""
    violations = []
    (row,) = await arena.query(
        "select count(*) as families, count(*) filter (where not revoked_reason = any($2)) as ended"
        " from token.families where tenant_id = $1",
        arena.tenant_id,
        ["code_verifier"],  # born revoked, so there is nothing to tell of
    )
    if row["families"] != arena.codes:
        violations.append(f"{row['families']} families of {arena.codes} codes")
    until = monotonic() + EVENTS_WITHIN_S
    while (told := await arena.revocations_told()) != row["ended"] and monotonic() < until:
        await asyncio.sleep(0.1)
    if told != row["ended"]:
        violations.append(f"{told} family.revoked events of {row['ended']} revocations")
    return violations
