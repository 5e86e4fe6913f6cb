"""The run: stages of tenants and token processes, in each of them the cells, each cell a few times."""

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import ports, services
from deploy.local.stack import READY_WITHIN_S, Stack
from gateway.render import Bucket, Limits
from tests.bench import image, limits
from tests.bench.image import Python
from tests.bench.plan import Plan
from tests.bench.results import FirstRequests, Result, significant
from tests.bench.stage import Say, Stage
from tests.bench.works import Chain
from tests.bench.world import World

UNLIMITED = Limits(
    password=Bucket(burst=1_000_000, per_minute=1_000_000),
    token=Bucket(burst=10_000_000, per_minute=10_000_000),
)
"""All connections come from few addresses, which the gateway would otherwise slow down."""

DISTURBED = 0.1
"""Share of the cores: what is measured beside more than that says less."""

FOLDER = "mtas-bench-"


class Bench:
    """One run of the command."""

    def __init__(self, plan: Plan, say: Say, *, as_image: bool) -> None:
        """`as_image`: with its packages, in a Python as quick (`tests.bench.image`); else in this one."""
        self._plan = plan
        self._as_image = as_image
        self.python = Python(sys.executable, platform.python_version(), 0)
        self._say = say
        self._world = World()
        self._chains: dict[tuple[str, int, int], Chain] = {}
        self._public_url = f"http://localhost:{ports.spare()}"
        self.limits: dict[str, float] = {}
        self.results: list[Result] = []
        self.first_requests: list[FirstRequests] = []

    async def run(self) -> None:
        with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
            os.chmod(folder, 0o711)
            if self._as_image:
                self.python = image.install(Path(folder) / "python")
                self._say(f"the services with the image's packages, in Python {self.python.version}")
            stages = list(self._plan.stages())
            for tenants, workers in stages:
                self._say(f"{tenants:,} tenants, {workers} token process{'es' if workers > 1 else ''}")
                with Stack(
                    Path(folder) / "data",
                    self._public_url,
                    instances={"token": workers},
                    spare_ports=True,
                    limits=UNLIMITED,
                    python=Path(self.python.path),
                ) as stack:
                    await self._world.grow(stack, tenants)
                    if not self.limits:
                        await self._measure_limits(stack)
                    start_s = _start_s(stack, Path(self.python.path))
                    stage = Stage(self._plan, self._world, self._chains, stack, self._say)
                    try:
                        await self._stage(stage, tenants, workers, start_s)
                    finally:
                        await stage.close()
                    if (tenants, workers) == stages[-1]:
                        await self._measure_limits(stack)
                for log in (Path(folder) / "data" / "logs").iterdir():
                    log.unlink()

    async def _stage(self, stage: Stage, tenants: int, workers: int, start_s: float) -> None:
        cells = self._plan.cells(tenants, workers)
        works = {cell.work for cell in cells}
        self.first_requests += await stage.prepare(tenants, workers, works, start_s)
        for cell in cells:
            result = await stage.measure(cell, self.limits)
            self.results.append(result)
            self._say(f"  {line(result)}")

    async def _measure_limits(self, stack: Stack) -> None:
        """At both ends of a run; the higher rate counts: what others took of the machine is not its limit."""
        seconds = min(3.0, max(1.0, self._plan.seconds))
        self._say("the machine's own limits")
        measured = limits.signatures(seconds)
        measured |= limits.passwords(seconds)
        measured |= limits.statements(stack.postgres.superuser_url, seconds)
        measured |= await limits.generator(self._world.tenants[0], seconds)
        for name, rate in measured.items():
            self._say(f"  {name:<30} {rate:>10,.0f}")
            self.limits[name] = max(rate, self.limits.get(name, 0.0))
        self.results = [result.against(self.limits) for result in self.results]


def _start_s(stack: Stack, python: Path) -> float:
    """Of one token process more, now that the tenants are there."""
    port = ports.spare(stack.ports.values())
    environment = stack.environment("token", MTAS_LISTEN_PORT=str(port))
    log = stack.log("token-start")
    process = services.process("token", port, log, environment, name="token-start", python=python)
    began = time.perf_counter()
    try:
        process.spawn()
        process.wait_ready(READY_WITHIN_S)
        return significant(time.perf_counter() - began, 3)
    finally:
        process.stop()


def line(result: Result) -> str:
    """One result, while the others are still to come."""
    elsewhere = result.cpu_elsewhere or 0
    disturbance = f"   ! something else took {elsewhere:.0%} of the machine" if elsewhere > DISTURBED else ""
    return (
        f"{result.work:<18} {result.path:<8} {result.throughput.median:>8,.0f}/s   "
        f"p50 {result.p50_ms:>6.1f} ms   p99 {result.p99_ms:>6.1f} ms   errors {result.errors}   "
        f"{result.ratio:.3f} of {result.limit}{disturbance}"
    )
