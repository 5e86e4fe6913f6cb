"""Who may reach whom: every pair of pods and addresses, on every port, by what the policies mean.

What a service needs is read from its settings, and what the gateway needs from its routes. A NetworkPolicy
that allows more, or less, is a failure here.
"""

import importlib
from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from deploy.secrets import SERVICES
from gateway.routes import SERVICES as ROUTED
from tests.support.manifests import Manifest, of, workloads
from tests.support.network_policy import Peer, may_reach
from tests.unit.deploy.conftest import Rendered

OVERLAYS = ("dev", "production", "ingress", "further")
SETTINGS = {"database_url": {5432}, "nats_url": {4222}, "valkey_url": {6379}, "smtp_url": {465, 587}}
STORES = {"postgres": 5432, "valkey": 6379, "nats": 4222}
FURTHER = {"database_url": {6432}, "valkey_url": {26379}}  # PgBouncer, Sentinel
COLLECTOR = 4318
CLOUD_METADATA = "169.254.169.254"
OF_NOBODY = {22, 80, 443, 6222, 6443, 8222, 9901, 10250}
Reach = tuple[str, str, int]


def ours(manifests: list[Manifest]) -> dict[str, Peer]:
    return {name: _peer(name, it) for name, it in workloads(manifests)}


def _peer(name: str, workload: Manifest) -> Peer:
    template = workload["spec"]["template"]
    ports = [port for it in template["spec"]["containers"] for port in it.get("ports", [])]
    return Peer(
        name,
        workload["metadata"]["namespace"],
        template["metadata"]["labels"],
        {port["name"]: port["containerPort"] for port in ports},
    )


def others(namespace: str) -> dict[str, Peer]:
    """Whoever else is there."""
    peers = [
        Peer("neighbour", namespace, {"app.kubernetes.io/name": "shop"}),
        Peer(
            "namesake", "another", {"app.kubernetes.io/name": "mtas", "app.kubernetes.io/component": "token"}
        ),
        Peer("prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"}),
        Peer("collector", "observability", {"app.kubernetes.io/name": "otel-collector"}),
        Peer("controller", "gateways", {"app.kubernetes.io/name": "envoy-gateway"}),
        Peer("dns", "kube-system", {"k8s-app": "kube-dns"}),
        Peer("elsewhere"),
        Peer("metadata", address=CLOUD_METADATA),
    ]
    return {peer.name: peer for peer in peers}


def leaves_by(name: str, overlay: str) -> set[int]:
    """The ports on which it reaches what is not ours, wherever that is."""
    if name == "provision":
        return SETTINGS["database_url"] | SETTINGS["nats_url"]
    if name not in SERVICES:
        return set()
    fields = _fields(name)
    ports = {port for field in fields for port in SETTINGS.get(field, ())}
    if overlay == "further":
        ports |= {port for field in fields for port in FURTHER.get(field, ())}
    return ports


def _fields(service: str) -> list[str]:
    settings = importlib.import_module(f"services.{service}.settings").Settings
    return [field.name for field in msgspec.structs.fields(settings)]


def needed(own: dict[str, Peer], foreign: dict[str, Peer], overlay: str) -> Iterator[Reach]:
    """All that there is to be."""
    for name in own:
        yield name, "dns", 53
        yield from ((name, other, port) for other, port in product(foreign, leaves_by(name, overlay)))
        if overlay == "further" and name in (*SERVICES, "gateway"):
            yield name, "collector", COLLECTOR
        # A store of ours is reached by those that are told of it.
        for store, port in STORES.items():
            if store in own and port in leaves_by(name, overlay):
                yield name, store, port
    yield from ((source, "gateway", 8080) for source in foreign)
    listens = {service: own[service].ports["http"] for service in SERVICES}
    yield from (("gateway", service, listens[service]) for service in ROUTED)
    told_of = [service for service in SERVICES if f"{service}_url" in _fields("admin")]
    yield from (("admin", service, listens[service]) for service in told_of)
    if overlay != "dev":
        yield from (("prometheus", service, port) for service, port in listens.items())


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_reaches_what_it_needs_and_nothing_else(rendered: Rendered, overlay: str) -> None:
    manifests = rendered[overlay]
    policies = list(of(manifests, "NetworkPolicy").values())
    own = ours(manifests)
    foreign = others(own["gateway"].namespace or "")
    everybody = own | foreign
    expected = set(needed(own, foreign, overlay))
    ports = {port for _, _, port in expected} | {26379, 6432, COLLECTOR} | OF_NOBODY
    allowed = {
        (source, target, port)
        for source, target, port in product(everybody, everybody, ports)
        if source != target
        and (source in own or target in own)
        and may_reach(everybody[source], everybody[target], port, policies)
    }
    assert allowed - expected == set()
    assert expected - allowed == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_names_are_asked_by_udp_and_nothing_else_is(rendered: Rendered, overlay: str) -> None:
    policies = list(of(rendered[overlay], "NetworkPolicy").values())
    own = ours(rendered[overlay])
    foreign = others(own["gateway"].namespace or "")
    for source, target, port in product(own.values(), foreign.values(), (53, 443, 5432)):
        is_asked = (target.name, port) == ("dns", 53)
        assert may_reach(source, target, port, policies, protocol="UDP") is is_asked


def test_settings_that_name_a_service_name_one_that_is_reached(rendered: Rendered) -> None:
    """`MTAS_AUTHORIZE_URL` and the like: the Service, and the port that its pods have."""
    manifests = rendered["production"]
    own = ours(manifests)
    for pod in of(manifests, "Deployment").values():
        for container in pod["spec"]["template"]["spec"]["containers"]:
            for it in container.get("env", []):
                host, _, port = it.get("value", "").removeprefix("http://mtas-").partition(":")
                if host in SERVICES:
                    assert own[host].ports["http"] == int(port), it


def test_who_scrapes_is_told_of_every_service(rendered: Rendered) -> None:
    """The ServiceMonitor chooses their Services by a label, and their port by its name."""
    (monitor,) = of(rendered["production"], "ServiceMonitor").values()
    chosen = monitor["spec"]["selector"]["matchLabels"].items()
    services = of(rendered["production"], "Service")
    found = {name for name, it in services.items() if chosen <= it["metadata"].get("labels", {}).items()}
    assert found == set(SERVICES)
    (endpoint,) = monitor["spec"]["endpoints"]
    assert all(
        endpoint["port"] in {port["name"] for port in services[name]["spec"]["ports"]} for name in found
    )


def test_through_pgbouncer_go_the_services_and_not_provisioning(rendered: Rendered) -> None:
    """Which holds a lock for as long as its session (docs/operate/scaling.md)."""
    manifests = rendered["further"]
    keys = {
        name: next(it for it in container["env"] if it["name"] == "MTAS_POSTGRES")["valueFrom"]
        for name, it in workloads(manifests)
        for container in it["spec"]["template"]["spec"]["containers"]
        if name != "gateway"
    }
    assert {name: it["configMapKeyRef"]["key"] for name, it in keys.items()} == {
        **dict.fromkeys(SERVICES, "MTAS_PGBOUNCER"),
        "provision": "MTAS_POSTGRES",
    }
    (settings,) = of(manifests, "ConfigMap").values()
    assert settings["data"]["MTAS_VALKEY_SCHEME"] == "redis+sentinel"
