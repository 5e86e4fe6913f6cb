"""`make bench` works: every kind of work, both paths, for a moment. No figure is looked at."""

import pytest

from deploy.local.stack import Stack
from tests.bench.plan import KINDS, PATHS, Plan
from tests.bench.results import Result
from tests.bench.stage import Stage
from tests.bench.world import World

pytestmark = pytest.mark.alone
"""32 sign-ins at once wait for their hashes; beside another load some of them would wait too long."""

LIMITS = {kind.limit: 1_000.0 for kind in KINDS.values()}


@pytest.fixture(scope="module")
async def results(stack: Stack) -> list[Result]:
    plan = Plan(works=list(KINDS), paths=PATHS, tenants=[3], workers=[1], runs=1, seconds=0.1, warm_up_s=0.05)
    world = World()
    await world.grow(stack, 3)
    stage = Stage(plan, world, {}, stack, print)
    try:
        await stage.prepare(3, 1, set(KINDS), 0.0)
        return [await stage.measure(cell, LIMITS) for cell in plan.cells(3, 1)]
    finally:
        await stage.close()


async def test_every_kind_of_work_is_answered_rightly_on_both_paths(results: list[Result]) -> None:
    assert {(result.work, result.path) for result in results} == {
        (work, path) for work in KINDS for path in PATHS
    }
    assert [(result.work, result.path) for result in results if result.errors] == []
    # Sign-ins take longer than this looks.
    assert {result.work for result in results if result.requests} >= set(KINDS) - {"sign_in"}


async def test_memory_and_processor_time_are_told_apart_by_process(results: list[Result]) -> None:
    assert {"token", "jwks", "authorize", "admin"} <= set(results[0].rss_mb)
    assert {"token", "gateway", "postgres", "valkey", "generator"} <= set(results[0].cpu_ms)
    # All that it measures are its children, and do not count as it.
    assert all(result.cpu_ms["generator"] < 1 for result in results if result.work == "client_credentials")
    assert all(size > 0 for size in results[0].rss_mb.values())
