"""The benchmark's own arithmetic, and the shape of what it writes. No figure is tested."""

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import msgspec
import pytest

from tests.bench import picture, report
from tests.bench.plan import KINDS, PATHS, RUNS, SECONDS, TENANTS, WORKERS, Plan
from tests.bench.results import Document, Result, Spread, percentile, significant
from tests.bench.targets import verdicts


def result(**changes: Any) -> Result:
    figures: dict[str, Any] = {
        "work": "refresh",
        "path": "gateway",
        "tenants": 10,
        "workers": 1,
        "asked": "evenly",
        "throughput": Spread(900.0, 1000.0, 1100.0),
        "p50_ms": 20.0,
        "p99_ms": 40.0,
        "p99_ms_runs": Spread(39.0, 40.0, 41.0),
        "requests": 12_000,
        "errors": 0,
        "limit": "rs256_sign_per_s",
        "ratio": 0.30,
        "target": 0.28,
        "met": True,
        "cpu_ms": {"token": 0.8, "gateway": 0.2},
        "cpu_busy": 0.97,
        "cpu_elsewhere": 0.01,
        "rss_mb": {"token": 90.0, "jwks": 70.0},
    }
    return Result(**(figures | changes))


def document(*results: Result) -> Document:
    return Document(
        machine={"cores": 2},
        limits={"rs256_sign_per_s": 3000.0},
        settings={"connections": 32, "runs": 3, "seconds": 4.0, "warm_up_s": 1.0},
        results=[each for each in results if each.asked == "evenly"],
        by_rank=[each for each in results if each.asked != "evenly"],
        first_requests=[],
        targets=verdicts(results),
    )


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([3.0], 0.99) == 3


def test_spread_of_three_runs() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("value", "rounded"), [(1234.56, 1235), (0.123456, 0.1235), (0.0, 0.0), (98765.4, 98770)]
)
def test_figures_keep_four_digits(value: float, rounded: float) -> None:
    assert significant(value) == rounded


def test_what_is_not_the_token_service_is_measured_once() -> None:
    plan = Plan(works=list(KINDS), paths=PATHS, tenants=[1000, 10], workers=[1, 2], runs=3, seconds=4)
    assert list(plan.stages()) == [(10, 1), (10, 2), (1000, 1), (1000, 2)]
    assert {cell.work for cell in plan.cells(10, 1)} == set(KINDS)
    assert {cell.work for cell in plan.cells(10, 2)} == set(KINDS) - {"jwks", "sign_in"}


def test_the_most_tenants_are_asked_by_rank_too() -> None:
    plan = Plan(works=list(KINDS), paths=PATHS, tenants=[1000, 10], workers=[1], runs=3, seconds=4)
    by_rank = [cell for cell in plan.cells(1000, 1) if cell.asked == "by rank"]
    assert [cell.work for cell in by_rank] == ["client_credentials", "refresh", "refresh_id_token", "code"]
    assert {cell.asked for cell in plan.cells(10, 1)} == {"evenly"}


def test_the_full_run_takes_at_most_24_minutes() -> None:
    plan = Plan(works=list(KINDS), paths=PATHS, tenants=TENANTS, workers=WORKERS, runs=RUNS, seconds=SECONDS)
    assert plan.estimated_s() < 24 * 60


def test_json_has_the_members_that_others_read() -> None:
    written = json.loads(msgspec.json.encode(document(result())))
    members = {"machine", "limits", "settings", "results", "by_rank", "first_requests", "targets"}
    assert set(written) == members
    (line,) = written["results"]
    assert line["throughput"] == {"min": 900.0, "median": 1000.0, "max": 1100.0}
    assert {"work", "path", "tenants", "workers", "p50_ms", "p99_ms", "errors", "ratio"} < set(line)
    assert "rs256_sign_per_s" in written["limits"]


def test_targets_are_held_against_the_worst() -> None:
    results = [
        result(),
        result(tenants=10_000, p99_ms=60.0),
        result(work="jwks", target=None, met=None, errors=2, rss_mb={"jwks": 151.0}),
    ]
    met = {verdict.target: verdict.met for verdict in verdicts(results)}
    assert met == {
        "refresh: at least 0.28 of rs256_sign_per_s": True,
        "refresh: p99 below 50 ms": False,
        "no errors": False,
        "p99 at 10,000 tenants, asked evenly, at most 1.25 × that at 10": False,
        "each service process below 150 MiB": False,
    }


def test_growth_is_that_of_the_number_of_processes_that_does_best() -> None:
    results = [
        result(ratio=0.2, p99_ms=20.0),
        result(ratio=0.2, p99_ms=90.0, tenants=10_000),
        result(workers=2),
        result(workers=2, p99_ms=44.0, tenants=10_000),
        result(work="jwks", path="gateway", target=None, met=None, p99_ms=10.0),
        result(work="jwks", path="gateway", target=None, met=None, p99_ms=12.0, tenants=10_000),
        result(work="jwks", path="service", target=None, met=None, p99_ms=10.0),
        result(work="jwks", path="service", target=None, met=None, p99_ms=90.0, tenants=10_000),
    ]
    (growth,) = [verdict for verdict in verdicts(results) if "1.25 ×" in verdict.target]
    assert (growth.measured, growth.met, growth.at.partition(",")[0]) == (1.2, True, "jwks")


def test_growth_by_rank_is_over_what_few_tenants_take_evenly() -> None:
    results = [
        result(),
        result(tenants=10_000, p99_ms=60.0),
        result(tenants=10_000, p99_ms=44.0, asked="by rank"),
    ]
    growth = {verdict.target: verdict.measured for verdict in verdicts(results) if "1.25 ×" in verdict.target}
    assert growth == {
        "p99 at 10,000 tenants, asked evenly, at most 1.25 × that at 10": 1.5,
        "p99 at 10,000 tenants, asked by rank, at most 1.25 × that at 10": 1.1,
    }


def test_nothing_that_is_aimed_for_was_measured() -> None:
    assert [verdict.target for verdict in verdicts([result(target=None, met=None)])] == [
        "no errors",
        "each service process below 150 MiB",
    ]


def test_markdown_has_a_row_a_result() -> None:
    text = report.markdown(document(result(), result(tenants=1000, met=False)))
    assert (
        "| refresh | gateway | 10 | 1 | 1,000 (900–1,100) | 20.0 | 40.0 | 0 | 0.300 signatures | 0.28 ✓ |"
        in text
    )
    assert (
        "| refresh | gateway | 1,000 | 1 | 1,000 (900–1,100) | 20.0 | 40.0 | 0 | 0.300 signatures | 0.28 ✗ |"
        in text
    )
    assert "3 runs of 4 s after 1 s of warm-up, 32 connections." in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120


@pytest.mark.parametrize("tenants", [[10], [10, 1000, 10_000]])
def test_picture_is_well_formed_and_follows_the_readers_theme(tenants: list[int]) -> None:
    svg = picture.draw([result(tenants=count) for count in tenants])
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert "prefers-color-scheme: dark" in svg
    assert len(re.findall("<polyline", svg)) == 2
