"""Take away the server that all work with, and hold the product to its promises while another takes over."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from tests.chaos.broken import with_children
from tests.chaos.matrix import Column, Load
from tests.chaos.promises import may
from tests.chaos.work import Kind
from tests.scale.several import Several
from tests.support.eventually import eventually

S = TypeVar("S", bound=Stack)
CUT_OFF_S: Final = 1.0
"""How long before its end the primary no longer reaches its standby: what it answers then, it loses."""
NOTICED_S: Final = 1.0  # until whoever watches PostgreSQL promotes the standby
ELECTED_WITHIN_S: Final = 30.0
TOLD_WITHIN_S: Final = 60.0
_WAITING: Final = "select count(*) from events.outbox where occurred_at < now() - interval '1 second'"
_GENERATIONS: Final = "select coalesce(sum(generation), 0) from token.families"


@dataclass
class Outcome:
    """`notes`: what else was measured."""

    name: str
    columns: dict[Kind, Column] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)


Happening = Callable[[Several, dict[str, float]], float]
"""Does it; returns the moment from which recovery counts, and notes what it measured."""


def run(stack: Several, name: str) -> Outcome:
    store, happening = FAILOVERS[name]
    return observe(stack, name, store, happening)


def observe(stack: S, name: str, store: str, happening: Callable[[S, dict[str, float]], float]) -> Outcome:
    """What becomes of requests while it happens, against what is promised for when `store` is away."""
    outcome = Outcome(name)
    load = Load(stack)
    try:
        outcome.columns, outcome.wrong = load.around(lambda: happening(stack, outcome.notes))
    finally:
        load.close()
    if outcome.notes.get("rotations_lost") == 0:
        outcome.wrong.append("no rotation was lost, so this shows nothing")
    for kind, column in outcome.columns.items():
        unfit = set(column.words) - may(store, kind)
        outcome.wrong += [f"{kind}: {word} ×{column.words[word]}" for word in sorted(unfit)]
        if column.recovered_s is None:
            outcome.wrong.append(f"{kind}: not again")
    return outcome


def run_alone(folder: Path, name: str, *, instances: int = 2) -> Outcome:
    """On servers of its own, so that nothing is left of what was before."""
    store, _ = FAILOVERS[name]
    with Several(folder / "data", [store], instances=dict.fromkeys(SERVICES, instances)) as stack:
        outcome = run(stack, name)
        if store == "postgres":
            outcome.notes["rejoined_s"] = rejoin(stack)
        return outcome


# PostgreSQL -------------------------------------------------------------------------------------


def kill_primary(stack: Several, notes: dict[str, float]) -> float:
    """It dies cut off from its standby: what it did not wait to have there, which are rotations, is lost."""
    stack.links.become("replication", "cut")
    time.sleep(CUT_OFF_S)
    before = int(stack.postgres.query(_GENERATIONS)[0])
    gone = time.monotonic()
    stack.kill(stack.postgres.name)
    notes["rotations_lost"] = before - int(stack.standby.query(_GENERATIONS)[0])
    _promote(stack)
    notes["promoted_s"] = time.monotonic() - gone
    return gone


def switch_primary(stack: Several, notes: dict[str, float]) -> float:
    """As it is planned: the primary ends in order, and hands over all that it has."""
    gone = time.monotonic()
    stack.processes[stack.postgres.name].stop()
    _promote(stack, noticed_s=0)
    notes["promoted_s"] = time.monotonic() - gone
    return gone


def silence_primary(stack: Several, notes: dict[str, float]) -> float:
    """It answers nothing any more, as a machine that is gone; and is fenced off before another takes over."""
    pids = with_children(stack.processes[stack.postgres.name].pid)
    gone = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    _promote(stack)
    notes["promoted_s"] = time.monotonic() - gone
    return gone


def _promote(stack: Several, noticed_s: float = NOTICED_S) -> None:
    time.sleep(noticed_s)
    former, stack.postgres = stack.postgres, stack.standby
    stack.standby = former
    stack.postgres.query("select pg_promote()")


def rejoin(stack: Several) -> float:
    """The former primary, copied anew, is the standby. Returns how long that took."""
    began = time.monotonic()
    former = stack.standby
    for pid in with_children(stack.processes[former.name].pid):
        _kill(pid)
    stack.processes[former.name].kill()
    former.copy(stack.postgres.maintenance_url)
    stack.restart(former.name)
    stack.wait_for_standby(former)
    return time.monotonic() - began


# Valkey -----------------------------------------------------------------------------------------


def kill_valkey(stack: Several, notes: dict[str, float]) -> float:
    gone = time.monotonic()
    stack.kill("valkey")
    _wait_for_another(stack, notes, gone)
    return gone


def silence_valkey(stack: Several, notes: dict[str, float]) -> float:
    gone = time.monotonic()
    os.kill(stack.processes["valkey"].pid, signal.SIGSTOP)
    _wait_for_another(stack, notes, gone)
    return gone


def _wait_for_another(stack: Several, notes: dict[str, float], gone: float) -> None:
    former = stack.valkey.port
    eventually(lambda: stack.valkey_primary() != former, within=ELECTED_WITHIN_S)
    notes["elected_s"] = time.monotonic() - gone
    stack.valkey, stack.replica = stack.replica, stack.valkey


# NATS -------------------------------------------------------------------------------------------


def kill_leader(stack: Several, notes: dict[str, float]) -> float:
    """Of the stream: the one that stores every event first."""
    return _without_leader(stack, notes, lambda leader: stack.kill(leader))


def silence_leader(stack: Several, notes: dict[str, float]) -> float:
    return _without_leader(stack, notes, lambda leader: os.kill(stack.processes[leader].pid, signal.SIGSTOP))


def _without_leader(stack: Several, notes: dict[str, float], do: Callable[[str], None]) -> float:
    leader = eventually(lambda: asyncio.run(stack.stream_leader()), within=ELECTED_WITHIN_S)
    gone = time.monotonic()
    do(leader)
    eventually(lambda: asyncio.run(stack.stream_leader()) not in ("", leader), within=ELECTED_WITHIN_S)
    notes["elected_s"] = time.monotonic() - gone
    threading.Thread(target=_note_when_all_is_told, args=(stack, notes, gone), daemon=True).start()
    return gone


def _note_when_all_is_told(stack: Several, notes: dict[str, float], gone: float) -> None:
    """Longer than the load lasts, perhaps: a service may be connected to the one that is silent."""
    eventually(lambda: stack.postgres.query(_WAITING) == ["0"], within=TOLD_WITHIN_S)
    notes["told_s"] = time.monotonic() - gone


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


FAILOVERS: Final[dict[str, tuple[str, Happening]]] = {
    "postgres:killed": ("postgres", kill_primary),
    "postgres:switched": ("postgres", switch_primary),
    "postgres:silent": ("postgres", silence_primary),
    "valkey:killed": ("valkey", kill_valkey),
    "valkey:silent": ("valkey", silence_valkey),
    "nats:killed": ("nats", kill_leader),
    "nats:silent": ("nats", silence_leader),
}
