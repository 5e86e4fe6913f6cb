"""That a rollout, or a drained node, costs no request: times in the manifests, against those of the code."""

import re

import msgspec
import pytest

from deploy.secrets import SERVICES
from gateway.render import Timeouts
from shared.http import leaving
from shared.settings import CommonSettings
from tests.support.manifests import ROOT, Manifest, of
from tests.unit.deploy.conftest import Rendered

OURS = (*SERVICES, "gateway")
NAMES_ARE_CACHED_S = 30  # by a cluster's DNS, as kubeadm and NodeLocal DNSCache configure it
ENVOY_ASKS_NAMES_EVERY_S = 5
ENDS_CONNECTIONS_S = 5.0  # to PostgreSQL, Valkey and NATS, after the last request


def deployment(rendered: Rendered, name: str) -> Manifest:
    found: Manifest = of(rendered["production"], "Deployment")[name]["spec"]
    return found


def container(rendered: Rendered, name: str) -> Manifest:
    found: Manifest = deployment(rendered, name)["template"]["spec"]["containers"][0]
    return found


def grace_s(rendered: Rendered, name: str) -> float:
    return float(deployment(rendered, name)["template"]["spec"]["terminationGracePeriodSeconds"])


def health_check_s() -> float:
    """The longest between two of them."""
    (every, jitter) = (
        float(re.findall(rf"\b{name}: ([0-9.]+)s", (ROOT / "gateway" / "envoy.yaml").read_text())[0])
        for name in ("no_traffic_interval", "interval_jitter")
    )
    return every + jitter


@pytest.mark.parametrize("name", OURS)
def test_two_of_each_that_leave_one_at_a_time(rendered: Rendered, name: str) -> None:
    spec = deployment(rendered, name)
    assert "replicas" not in spec
    assert of(rendered["production"], "HorizontalPodAutoscaler")[name]["spec"]["minReplicas"] >= 2
    assert of(rendered["production"], "PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container(rendered, name).keys()


@pytest.mark.parametrize("name", OURS)
def test_they_are_spread_over_nodes_and_zones_among_their_own_version(rendered: Rendered, name: str) -> None:
    """Counted with those that it replaces, a new version could end up on one node."""
    spread = deployment(rendered, name)["template"]["spec"]["topologySpreadConstraints"]
    assert [it["topologyKey"].rpartition("/")[2] for it in spread] == ["hostname", "zone"]
    for it in spread:
        assert it["matchLabelKeys"] == ["pod-template-hash"]
        assert it["labelSelector"] == deployment(rendered, name)["selector"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_counts_only_when_every_gateway_knows_it(rendered: Rendered, name: str) -> None:
    """Or the last that a gateway knows is taken away: by a rollout, or when two nodes are drained in turn."""
    delay = container(rendered, name)["readinessProbe"]["initialDelaySeconds"]
    assert delay >= NAMES_ARE_CACHED_S + ENVOY_ASKS_NAMES_EVERY_S + 1
    assert of(rendered["production"], "Service")[name]["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_every_gateway_hears_of_it_before_a_pod_stops_listening(rendered: Rendered, name: str) -> None:
    """By its health check. DNS goes on naming it (publishNotReadyAddresses), so a preStop is no help."""
    given = {it["name"]: it.get("value") for it in container(rendered, name)["env"]}
    leave_s = float(given["MTAS_LEAVE_S"] or 0)
    assert leave_s > health_check_s()
    assert "lifecycle" not in container(rendered, name)
    assert "MTAS_DRAIN_S" not in given
    (drain_s,) = (it.default for it in msgspec.structs.fields(CommonSettings) if it.name == "drain_s")
    assert grace_s(rendered, name) >= max(leave_s, leaving.LONGEST_S) + drain_s + ENDS_CONNECTIONS_S


def test_a_gateway_lets_in_whom_nobody_told_and_ends_what_is_under_way(rendered: Rendered) -> None:
    envoy = container(rendered, "gateway")
    arguments = " ".join(envoy["args"])
    script = " ".join(envoy["lifecycle"]["preStop"]["exec"]["command"])
    assert "POST /drain_listeners?graceful " in script
    assert "--drain-strategy immediate" in arguments  # or one answer in sixty tells its client
    (drain_s,) = re.findall(r"--drain-time-s (\d+)", arguments)
    (sleep_s,) = re.findall(r"sleep (\d+)", script)
    assert int(sleep_s) > int(drain_s) + Timeouts().response_s
    assert grace_s(rendered, "gateway") > int(sleep_s) + 1
    assert deployment(rendered, "gateway")["minReadySeconds"] >= 5
