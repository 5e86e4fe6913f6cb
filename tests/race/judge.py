"""What must hold of any trial: one successor a token, and no minting once an end has been told."""

from collections.abc import Sequence

from tests.race.arena import Arena, Grant
from tests.race.wire import Answer


class Violated(Exception):
    """A trial ended as none may."""


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violated(otherwise)


def minted(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 200]


def refused(answers: Sequence[Answer]) -> list[Answer]:
    """Those that are not 200; each must be the one refusal there is."""
    others = [answer for answer in answers if answer.status != 200]
    for answer in others:
        require(
            (answer.status, answer.body.get("error")) == (400, "invalid_grant"),
            f"answered {answer.status} {answer.body.get('error')}",
        )
    return others


def one_successor(answers: Sequence[Answer]) -> str | None:
    """Everybody who presented one token and got something got the same."""
    successors = {str(answer.body.get("refresh_token")) for answer in minted(answers)}
    require(len(successors) <= 1, f"{len(successors)} successors of one token")
    return successors.pop() if successors else None


def nothing_after(end: float | None, answers: Sequence[Answer]) -> None:
    """What was asked for after the family's end had been told was not given."""
    if end is None:
        return
    late = [answer for answer in minted(answers) if answer.asked > end]
    require(not late, f"{len(late)} minted after the end had been told")


def first_told(answers: Sequence[Answer]) -> float | None:
    return min((answer.told for answer in answers), default=None)


async def alive(arena: Arena, grant: Grant, generation: int, answers: Sequence[Answer], live: str) -> None:
    """One rotation, nobody logged out: the live leaf works, at either process."""
    family = await arena.family(grant.family_id)
    require(family is not None, "the family is gone")
    assert family is not None
    require(family["revoked_at"] is None, f"false logout: {family['revoked_reason']}")
    require(family["generation"] == generation, f"generation {family['generation']}, not {generation}")
    at = generation % 2
    require(await arena.is_active(at, grant.caller, live), "the live refresh token is not active")
    last = minted(answers)[-1].body["access_token"]
    require(await arena.is_active(1 - at, grant.caller, last), "an access token is not active")
    following = await arena.refresh(1 - at, grant.caller, live)
    require(following.status == 200, f"false logout: the live token gets {following.body}")


async def ended(
    arena: Arena, grant: Grant, reason: str, answers: Sequence[Answer], *, generations: Sequence[int]
) -> None:
    """Revoked, for this reason, and nothing that was ever minted of it is worth anything."""
    family = await arena.family(grant.family_id)
    require(family is not None, "the family is gone")
    assert family is not None
    require(family["revoked_at"] is not None, "the family is alive")
    require(family["revoked_reason"] == reason, f"revoked for {family['revoked_reason']}, not {reason}")
    require(family["generation"] in generations, f"generation {family['generation']} of {generations}")
    given = minted(answers)
    last = sorted(given, key=lambda answer: answer.told)[-2:] + given[:1]
    access_tokens = {grant.access_token, *(str(answer.body["access_token"]) for answer in last)}
    refresh_tokens = {grant.tokens[-1], *(str(answer.body["refresh_token"]) for answer in last)}
    for at, token in enumerate((*access_tokens, *refresh_tokens)):
        require(not await arena.is_active(at % 2, grant.caller, token), "something of it is still active")
    for at, token in enumerate(refresh_tokens):
        answer = await arena.refresh(at % 2, grant.caller, token)
        require(answer.status == 400, f"a refresh token of it gets {answer.status}")
