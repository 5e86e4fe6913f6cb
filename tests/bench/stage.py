"""A running stack with so many tenants: what it takes to begin, and the measurements."""

import functools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from tests.bench import limits, usage
from tests.bench.generator import Address, Caller, Load, OutOfRequests, drain, drive
from tests.bench.plan import BY_RANK, CONNECTIONS, KINDS, Cell, Plan
from tests.bench.proof import Proof
from tests.bench.results import FirstRequests, Result, Spread, percentile, significant
from tests.bench.works import (
    ORDERS,
    Chain,
    Forms,
    Host,
    Once,
    Order,
    Redeemed,
    Refreshed,
    Repeated,
    share,
    spread,
)
from tests.bench.world import Codes, Devices, Tenant, User, World

Say = Callable[[str], None]


class BenchError(Exception):
    """What stops a run; the message says what to do."""


class Stage:
    """A running stack with so many tenants."""

    def __init__(
        self,
        plan: Plan,
        world: World,
        chains: dict[tuple[str, int, int], Chain],
        stack: Stack,
        say: Say,
    ) -> None:
        self._plan = plan
        self._stack = stack
        self._say = say
        self._world = world
        self._chains = chains
        self._codes = Codes(stack)
        self._host = Host(stack.public_url.partition("//")[2])
        self._proof = Proof(self._addresses("jwks")[0])
        self._forms: list[list[tuple[Tenant, bytes]]] = []
        self._tenants: Sequence[Tenant] = ()
        self._places: list[tuple[Tenant, int]] = []
        self._random = random.Random(1)
        self._most_codes_per_s = 0.0

    async def close(self) -> None:
        await self._codes.close()

    # Before the load ----------------------------------------------------------------------

    async def prepare(
        self, tenants: int, workers: int, works: set[str], start_s: float
    ) -> list[FirstRequests]:
        """Every process has met every tenant, and all that the works need is there."""
        self._tenants = self._world.tenants[:tenants]
        self._places = spread(self._tenants)
        first: list[FirstRequests] = []
        if any(KINDS[work].service == "token" for work in works):
            first.append(await self._meet_tenants(workers, start_s))
        if works & {"refresh", "introspect"}:
            await self._begin_chains("plain")
        if "refresh_id_token" in works:
            await self._begin_chains("with_id_token")
            await self._meet_other_clients()
        if "jwks" in works:
            await self._all([self._once("jwks", place) for place in range(CONNECTIONS)], "jwks")
        if "sign_in" in works:
            places = [(tenant, tenant.users[nth]) for tenant, nth in self._places]
            devices = Devices(self._stack)
            shares = [[places[at] for at in share(places, n)] for n in range(CONNECTIONS)]
            forms = [Forms(self._host, devices, of_one) for of_one in shares]
            await self._all(forms, "authorize")
            self._forms = [form.filled for form in forms]
        return first

    async def _meet_tenants(self, workers: int, start_s: float) -> FirstRequests:
        """At each token process by itself, so that none has seen a tenant before."""
        took: list[Load] = []
        for address in self._addresses("token"):
            callers = [self._once("client_credentials", place) for place in range(CONNECTIONS)]
            took.append(await drain(callers, [address]))
        # Then each where the gateway sends it: a process has those keys open that it used last.
        callers = [self._once("client_credentials", place) for place in range(CONNECTIONS)]
        home = await drain(callers, [self._gateway])
        if errors := sum((load.errors for load in (*took, home)), Counter[str]()):
            self._say(f"  ✗ first requests: {_worst(errors)}")
        latencies = [each * 1000 for load in took for each in load.latencies_s]
        return FirstRequests(
            tenants=len(self._tenants),
            workers=workers,
            start_s=start_s,
            throughput=significant(len(latencies) / sum(load.seconds for load in took)),
            p50_ms=significant(percentile(latencies, 0.5)),
            p99_ms=significant(percentile(latencies, 0.99)),
            errors=errors.total(),
        )

    async def _meet_other_clients(self) -> None:
        """The chains began at one process each, and are refreshed at any."""
        form = {"grant_type": "client_credentials"}
        requests = [
            (tenant, self._host.post(f"/t/{tenant.slug}/token", form, client=tenant.with_id_token))
            for tenant in self._tenants
        ]
        for address in self._addresses("token"):
            shares = [requests[place::CONNECTIONS] for place in range(min(CONNECTIONS, len(requests)))]
            load = await drain([Once(share_of_it, b"") for share_of_it in shares], [address])
            if load.errors:
                raise BenchError(f"Preparing with token failed: {_worst(load.errors)}")

    def _once(self, work: str, place: int) -> Once:
        mine = self._tenants[place::CONNECTIONS]
        if not mine:
            return Once([(self._tenants[0], self._fixed(work, self._tenants[0])[0])], b"")
        requests = [(tenant, self._fixed(work, tenant)[0]) for tenant in mine]
        return Once(requests, self._fixed(work, mine[0])[1])

    async def _begin_chains(self, kind: str) -> None:
        """Families, each from a code of its own."""
        made: list[Chain] = []
        users: list[User] = []
        for tenant, nth in self._places:
            if (kind, tenant.number, nth) not in self._chains:
                client = tenant.with_id_token if kind == "with_id_token" else tenant.plain
                chain = self._chains[kind, tenant.number, nth] = Chain(tenant, client)
                made.append(chain)
                users.append(tenant.users[nth])
        # Codes live for minutes, so not more at once than are exchanged in one.
        for start in range(0, len(made), 10_000):
            part = made[start : start + 10_000]
            wanted = [
                (chain.tenant, chain.client, user) for chain, user in zip(part, users[start:], strict=False)
            ]
            requests = [
                (chain.tenant, self._host.redeem(chain.tenant, chain.client, code), chain)
                for chain, code in zip(part, await self._codes.issue(wanted), strict=True)
            ]
            await self._all([Redeemed(requests[place::CONNECTIONS]) for place in range(CONNECTIONS)], "token")

    async def _all(self, callers: Sequence[Caller], service: str) -> None:
        """Ask all of it once, directly. Raises: BenchError at any wrong answer."""
        load = await drain(callers, self._addresses(service))
        if load.errors:
            log = "\n".join(self._stack.processes[service].tail(5))
            raise BenchError(
                f"Preparing with {service} failed: {_worst(load.errors)}\nIts log ends:\n{log}\n"
                "`make test` says whether the product is sound."
            )

    # The load -----------------------------------------------------------------------------

    async def measure(self, cell: Cell, machine_limits: dict[str, float]) -> Result:
        kind = KINDS[cell.work]
        self._most_codes_per_s = machine_limits["rs256_sign_per_s"]
        groups = self._groups()
        loads: list[Load] = []
        cpu: Counter[str] = Counter()
        callers = await self._callers(cell)
        for run in range(self._plan.runs):
            if run and cell.work == "code":
                callers = await self._callers(cell)
            readings: list[dict[str, float]] = []
            try:
                load = await drive(
                    callers,
                    self._addresses(kind.service) if cell.path == "service" else [self._gateway],
                    warm_up_s=self._plan.warm_up_s,
                    seconds=self._plan.seconds,
                    on_window=functools.partial(_read, groups, readings),
                )
            except OutOfRequests:
                raise BenchError(
                    f"{cell}: fewer codes were made than were exchanged; use a shorter --seconds"
                ) from None
            self._proof.check(cell.work, load.samples if not load.errors else ())
            cpu.update({name: readings[1][name] - spent for name, spent in readings[0].items()})
            loads.append(load)
        available_s = limits.CORES * sum(load.seconds for load in loads)
        machine_s = cpu.pop(_MACHINE, None)
        elsewhere = None if machine_s is None else max(0.0, machine_s - sum(cpu.values())) / available_s
        requests = sum(len(load.latencies_s) for load in loads)
        errors: Counter[str] = sum((load.errors for load in loads), Counter())
        if errors:
            self._say(f"  ✗ {cell}: {_worst(errors)}")
        throughput = Spread.of([load.throughput for load in loads])
        p99 = Spread.of([percentile(load.latencies_s, 0.99) * 1000 for load in loads])
        return Result(
            work=cell.work,
            path=cell.path,
            tenants=cell.tenants,
            workers=cell.workers,
            asked=cell.asked,
            throughput=throughput,
            p50_ms=Spread.of([percentile(load.latencies_s, 0.5) * 1000 for load in loads]).median,
            p99_ms=p99.median,
            p99_ms_runs=p99,
            requests=requests,
            errors=errors.total(),
            limit=kind.limit,
            ratio=0.0,
            target=kind.ratio if cell.path == "gateway" else None,
            met=None,
            cpu_ms={name: significant(spent * 1000 / max(1, requests), 3) for name, spent in cpu.items()},
            cpu_busy=significant(sum(cpu.values()) / available_s, 3),
            cpu_elsewhere=None if elsewhere is None else significant(elsewhere, 2),
            rss_mb=usage.rss_mb(self._service_pids()),
        ).against(machine_limits)

    async def _callers(self, cell: Cell) -> Sequence[Caller]:
        """One for each connection. They go on from run to run, so that many tenants all get their turn."""
        order = ORDERS[cell.asked]
        self._random.shuffle(self._places)
        if cell.asked == BY_RANK:  # every connection has tenants of every rank
            self._places.sort(key=lambda place: place[0].number)
        match cell.work:
            case "refresh":
                return self._refreshed("plain", order, with_id_token=False)
            case "refresh_id_token":
                return self._refreshed("with_id_token", order, with_id_token=True)
            case "introspect":
                return [
                    Repeated(
                        [
                            (chain.tenant, self._introspection(chain))
                            for chain in self._share_of_chains("plain", place)
                        ],
                        b'"active":true',
                        order=order,
                    )
                    for place in range(CONNECTIONS)
                ]
            case "code":
                return await self._redeemed(order)
            case "sign_in":
                return [Repeated(filled, b"mtas_session_", status=303) for filled in self._forms]
        return [
            Repeated(
                [
                    (tenant, self._fixed(cell.work, tenant)[0])
                    for tenant, _ in self._places[place::CONNECTIONS]
                ],
                self._fixed(cell.work, self._tenants[0])[1],
                order=order,
            )
            for place in range(CONNECTIONS)
        ]

    def _fixed(self, work: str, tenant: Tenant) -> tuple[bytes, bytes]:
        """A request that is always the same, and what is in its answer."""
        if work == "jwks":
            return self._host.get(f"/t/{tenant.slug}/jwks.json"), b'"keys":['
        form = {"grant_type": "client_credentials"}
        return self._host.post(f"/t/{tenant.slug}/token", form, client=tenant.plain), b'"access_token":"'

    def _introspection(self, chain: Chain) -> bytes:
        form = {"token": chain.access_token.decode()}
        return self._host.post(f"/t/{chain.tenant.slug}/introspect", form, client=chain.client)

    def _share_of_chains(self, kind: str, place: int) -> list[Chain]:
        return [self._chains[kind, tenant.number, nth] for tenant, nth in self._places[place::CONNECTIONS]]

    def _refreshed(self, kind: str, order: Order, *, with_id_token: bool) -> list[Refreshed]:
        return [
            Refreshed(self._host, self._share_of_chains(kind, place), order, with_id_token=with_id_token)
            for place in range(CONNECTIONS)
        ]

    async def _redeemed(self, order: Order) -> list[Redeemed]:
        # An exchange signs twice, so there cannot be more of them than half as many signatures.
        count = int(self._most_codes_per_s / 2 * (self._plan.warm_up_s + self._plan.seconds)) + 500
        each = max(2, count // CONNECTIONS)
        wanted = []
        for place in range(CONNECTIONS):
            for tenant, nth in islice(order(self._places[place::CONNECTIONS]), each):
                wanted.append((tenant, tenant.plain, tenant.users[nth]))
        codes = await self._codes.issue(wanted)
        requests = [
            (tenant, self._host.redeem(tenant, client, code), None)
            for (tenant, client, _), code in zip(wanted, codes, strict=True)
        ]
        return [Redeemed(requests[place * each : (place + 1) * each]) for place in range(CONNECTIONS)]

    # Where it goes ------------------------------------------------------------------------

    @property
    def _gateway(self) -> Address:
        return "127.0.0.1", int(self._stack.public_url.rpartition(":")[2])

    def _addresses(self, service: str) -> list[Address]:
        return [("127.0.0.1", self._stack.ports[name]) for name in self._stack.instances(service)]

    def _service_pids(self) -> dict[str, int]:
        names = [name for service in SERVICES for name in self._stack.instances(service)]
        return {name: self._stack.processes[name].pid for name in names}

    def _groups(self) -> dict[str, list[int]]:
        """Processes whose processor time is counted together."""
        processes = self._stack.processes
        services = {service: list(self._stack.instances(service)) for service in SERVICES}
        others = {name: [name] for name in ("gateway", "postgres", "valkey", "nats")}
        return {
            group: [processes[name].pid for name in names] for group, names in (services | others).items()
        }


_MACHINE: Final = "all of it"


def _read(groups: dict[str, list[int]], readings: list[dict[str, float]]) -> None:
    # Of the generator its own time only: all the others are its children.
    machine = usage.machine_cpu_s()
    readings.append(
        usage.cpu_s(groups)
        | {"generator": time.process_time()}
        | ({} if machine is None else {_MACHINE: machine})
    )


def _worst(errors: Counter[str]) -> str:
    return "; ".join(f"{count} × {what}" for what, count in errors.most_common(3))
