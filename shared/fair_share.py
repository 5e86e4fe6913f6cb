"""Fair shares of something scarce: so many at a time, and who waits takes turns by tenant.

Tenants take turns, not requests: a tenant that sends a hundred at once waits for itself, and
another's one request is next. While nobody crowds, whoever came first is first; while nobody
must wait, a share costs a few dictionary look-ups.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Iterator
from itertools import chain
from types import TracebackType
from typing import Final

import msgspec

from shared.readings import Reading
from shared.unavailable import Unavailable

FEWEST_NEWCOMERS: Final = 8
"""That a round takes in, however few slots there are."""


class Counters(msgspec.Struct, kw_only=True):
    """What has happened since the process began; only `running` and `waiting` ever fall."""

    running: int = 0
    waiting: int = 0
    entered: int = 0
    waited: int = 0  # of those that entered, how many had to wait
    wait_s: float = 0.0  # and how long, together
    longest_wait_s: float = 0.0
    refused: int = 0


class FairShare:
    """`slots` at a time, of which one tenant may hold `each`.

    While no tenant has more than `few` waiting, whoever came first is first. With more, that tenant
    crowds, and they go by rounds: in every round each waiting tenant has one turn. Who comes newly has
    one in the present round, so it waits until any slot is left, and for those who came newly before it;
    but a round takes in only about as many as there are slots, or a stream of newcomers would keep the
    others waiting for ever.

    `waiting_each` of a tenant may wait, `waiting` of all, nobody longer than `patience_s`; above
    that, Unavailable. When all places are taken, the last one of the longest queue gives way: a
    tenant cannot fill the places of the others either. `name` is what its readings are of.
    """

    def __init__(
        self,
        slots: int,
        *,
        each: int | None = None,
        few: int = 0,
        waiting: int,
        waiting_each: int,
        patience_s: float = 5.0,
        name: str = "share",
    ) -> None:
        self._name: Final = name
        self._each: Final = min(each or slots, slots)
        self._few: Final = few
        self._most_waiting: Final = waiting
        self._most_waiting_each: Final = waiting_each
        self._patience_s: Final = patience_s
        self._most_newcomers: Final = max(slots, FEWEST_NEWCOMERS)
        self._free = slots  # while there is one, whoever waits holds all that one tenant may
        self._running: Final[dict[Hashable, int]] = {}
        self._line: Final[OrderedDict[asyncio.Future[None], Hashable]] = OrderedDict()  # as they came
        self._crowding = 0  # how many tenants
        # The same by tenant: those who have not had their turn in this round, and those who have.
        self._this_round: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._next_round: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._had_turn: Final[set[Hashable]] = set()  # in this round
        self._newcomers = 0  # whom this round has taken in
        self.counters: Final = Counters()

    def readings(self) -> Iterator[Reading]:
        of, now = {"share": self._name}, self.counters
        yield Reading("mtas_share_running", "At work", "gauge", lambda: now.running, of)
        yield Reading("mtas_share_waiting", "Waiting for their turn", "gauge", lambda: now.waiting, of)
        yield Reading("mtas_share_entered", "That had a turn", "counter", lambda: now.entered, of)
        yield Reading("mtas_share_waited", "Of these, that had to wait", "counter", lambda: now.waited, of)
        yield Reading("mtas_share_wait_seconds", "How long, together", "counter", lambda: now.wait_s, of)
        yield Reading("mtas_share_refused", "Told to come back", "counter", lambda: now.refused, of)

    def of(self, tenant: Hashable) -> "_Share":
        """`async with share.of(tenant_id):` Raises: Unavailable.

        Its slot is free again only at the event loop's next turn. Work that never waits would
        otherwise be done in the order it came, before the loop has heard who else is there.
        """
        return _Share(self, tenant)

    async def enter(self, tenant: Hashable) -> None:
        """Take a slot, when its turn comes. Whoever has entered must leave. Raises: Unavailable."""
        held = self._running.get(tenant, 0)
        if self._free and held < self._each:
            self._take(tenant, held)
        else:
            await self._wait(tenant)

    def leave(self, tenant: Hashable) -> None:
        """Give the slot to the next tenant in turn."""
        held = self._running[tenant] - 1
        if held:
            self._running[tenant] = held
        else:
            del self._running[tenant]
        self._free += 1
        self.counters.running -= 1
        if self.counters.waiting:
            self._hand_on()

    def _take(self, tenant: Hashable, held: int) -> None:
        self._running[tenant] = held + 1
        self._free -= 1
        self.counters.running += 1
        self.counters.entered += 1

    async def _wait(self, tenant: Hashable) -> None:
        turn = self._line_up(tenant)
        loop = turn.get_loop()
        began = loop.time()
        patience = loop.call_later(self._patience_s, self._give_up, turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave(tenant)  # its turn had come just as it went away
            else:
                self._step_out(tenant, turn)
            raise
        finally:
            patience.cancel()
        waited = loop.time() - began
        self.counters.waited += 1
        self.counters.wait_s += waited
        self.counters.longest_wait_s = max(self.counters.longest_wait_s, waited)

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        if not turn.done():
            self.counters.refused += 1
            turn.set_exception(Unavailable("waited too long for a turn"))

    def _line_up(self, tenant: Hashable) -> "asyncio.Future[None]":
        queue = self._queue_of(tenant) or deque()
        if len(queue) >= self._most_waiting_each:
            self._refuse()
        if self.counters.waiting >= self._most_waiting:
            self._make_place(len(queue))
        if not queue:
            had_turn = tenant in self._had_turn or tenant in self._running
            if had_turn or self._newcomers >= self._most_newcomers:
                self._next_round[tenant] = queue
            else:
                self._this_round[tenant] = queue
                self._newcomers += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._line[turn] = tenant
        self._crowding += len(queue) == self._few + 1
        self.counters.waiting += 1
        return turn

    def _make_place(self, own: int) -> None:
        """The last one of the longest queue gives way, unless that is hardly longer than one's own."""
        queues = [*self._this_round.items(), *self._next_round.items()]
        longest, queue = max(queues, key=lambda item: len(item[1]), default=(None, deque()))
        if len(queue) <= own + 1:
            self._refuse()
        last = queue[-1]
        self._step_out(longest, last)
        if not last.done():  # else whoever waited has gone away
            self.counters.refused += 1
            last.set_exception(Unavailable("gave way to another tenant"))

    def _refuse(self) -> None:
        self.counters.refused += 1
        raise Unavailable("too many of this tenant are waiting")

    def _queue_of(self, tenant: Hashable) -> "deque[asyncio.Future[None]] | None":
        return self._this_round.get(tenant) or self._next_round.get(tenant)

    def _step_out(self, tenant: Hashable, turn: "asyncio.Future[None]") -> None:
        """Out of the line, if it is still there."""
        if turn not in self._line:
            return
        del self._line[turn]
        rounds = self._this_round if tenant in self._this_round else self._next_round
        queue = rounds[tenant]
        queue.remove(turn)
        self._crowding -= len(queue) == self._few
        self.counters.waiting -= 1
        if not queue:
            del rounds[tenant]
        if not self.counters.waiting:
            self._begin_round()

    def _begin_round(self) -> None:
        self._had_turn.clear()
        self._newcomers = 0

    def _hand_on(self) -> None:
        """Free slots to those whose turn it is."""
        while self._free and (turn := self._next()) is not None:
            tenant = self._line[turn]
            if turn.done():  # whoever waited has gone away, and that is no turn
                self._step_out(tenant, turn)
                continue
            if self._crowding:
                self._end_turn(tenant)
            self._step_out(tenant, turn)
            turn.set_result(None)
            self._take(tenant, self._running.get(tenant, 0))

    def _next(self) -> "asyncio.Future[None] | None":
        """The first in line, or in turn where a tenant crowds; who holds its most is passed over."""
        turns: Iterable[asyncio.Future[None]] = self._line
        if self._crowding:
            if not self._this_round:
                self._this_round, self._next_round = self._next_round, self._this_round
                self._begin_round()
            queues = chain(self._this_round.values(), self._next_round.values())
            turns = (queue[0] for queue in queues)
        return next((turn for turn in turns if self._running.get(self._line[turn], 0) < self._each), None)

    def _end_turn(self, tenant: Hashable) -> None:
        """Its next one is in the next round."""
        self._had_turn.add(tenant)
        rounds = self._this_round if tenant in self._this_round else self._next_round
        self._next_round[tenant] = rounds.pop(tenant)


class _Share:
    __slots__ = ("_of", "_tenant")

    def __init__(self, of: FairShare, tenant: Hashable) -> None:
        self._of = of
        self._tenant = tenant

    async def __aenter__(self) -> None:
        await self._of.enter(self._tenant)

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().call_soon(self._of.leave, self._tenant)
