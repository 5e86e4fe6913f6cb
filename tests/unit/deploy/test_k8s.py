"""The Kubernetes manifests, rendered by kustomize: valid, restricted, each pod with what it needs alone."""

import importlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate  # type: ignore[import-untyped]
import msgspec
import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner

from deploy.init import init
from deploy.local.services import FILES
from deploy.secrets import MAKERS, SERVICES, variable
from shared.settings import variable as setting

K8S = Path(__file__).parents[3] / "deploy" / "k8s"
OVERLAYS = ("dev", "production")
OURS = {*SERVICES, "gateway"}
CUSTOM = {"HTTPRoute", "ServiceMonitor"}  # of operators; Kubernetes itself has no schema for them
VERSION = "1.32"
STORES = {"postgres": 5432, "valkey": 6379, "nats": 4222}
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    kubectl, kustomize = shutil.which("kubectl"), shutil.which("kustomize")
    if kubectl is None and kustomize is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    render = [kubectl, "kustomize"] if kubectl else [str(kustomize), "build"]
    folder = tmp_path_factory.mktemp("k8s") / "k8s"
    shutil.copytree(K8S, folder)
    env_file = folder / "overlays" / "dev" / "mtas.env"
    CliRunner().invoke(init, ["--public-url", "http://localhost:8080", "--file", str(env_file)])
    manifests = {}
    for name in OVERLAYS:
        command = [*render, str(folder / "overlays" / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        manifests[name] = list(yaml.safe_load_all(done.stdout))
    return manifests


def of(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    found = [it for it in manifests if it["kind"] == kind]
    return {it["metadata"]["name"].removeprefix("mtas-"): it for it in found}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for kind in ("Deployment", "StatefulSet", "Job"):
        for name, it in of(manifests, kind).items():
            yield name, it["spec"]["template"]["spec"]


def environment(manifests: list[Manifest], service: str) -> dict[str, Manifest]:
    container = of(manifests, "Deployment")[service]["spec"]["template"]["spec"]["containers"][0]
    return {it["name"]: it for it in container["env"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_fits_its_schema(rendered: dict[str, list[Manifest]], overlay: str) -> None:
    assert {it["kind"] for it in rendered[overlay]} > {"Deployment", "Job", "NetworkPolicy"}
    for manifest in rendered[overlay]:
        if manifest["kind"] not in CUSTOM:
            kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(rendered: dict[str, list[Manifest]], overlay: str) -> None:
    """As the Pod Security Standard of that name asks, and read-only besides."""
    for name, pod in pods(rendered[overlay]):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name
            assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_its_own_secrets_and_no_other(
    rendered: dict[str, list[Manifest]], service: str
) -> None:
    given = environment(rendered["production"], service).values()
    references = [it.get("valueFrom", {}).get("secretKeyRef") for it in given]
    keys = {reference["key"] for reference in references if reference}
    stores = {f"{store}-{service}" for store in ("postgres", "valkey", "nats")} & set(MAKERS)
    optional = {"MTAS_SMTP_URL", f"MTAS_DB_FORMER_PASSWORD_{service.upper()}"}
    assert keys - optional == {variable(name) for name in stores.union(FILES[service])}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_what_it_requires(rendered: dict[str, list[Manifest]], service: str) -> None:
    fields = msgspec.structs.fields(importlib.import_module(f"services.{service}.settings").Settings)
    given = environment(rendered["production"], service)
    assert given.keys() >= {setting(field.name) for field in fields if field.required}


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_url_is_made_of_stands_before_it(rendered: dict[str, list[Manifest]], service: str) -> None:
    """Kubernetes fills in only what was said before; what it does not know it leaves as it is."""
    seen: set[str] = set()
    for name, it in environment(rendered["production"], service).items():
        assert {part.partition(")")[0] for part in it.get("value", "").split("$(")[1:]} <= seen
        seen.add(name)


def test_no_manifest_holds_a_secret(rendered: dict[str, list[Manifest]]) -> None:
    assert of(rendered["production"], "Secret") == {}


@pytest.mark.parametrize("name", sorted(OURS))
def test_two_of_each_that_leave_one_at_a_time(rendered: dict[str, list[Manifest]], name: str) -> None:
    production = rendered["production"]
    deployment = of(production, "Deployment")[name]["spec"]
    pod = deployment["template"]["spec"]
    assert "replicas" not in deployment
    assert of(production, "HorizontalPodAutoscaler")[name]["spec"]["minReplicas"] >= 2
    assert of(production, "PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert len(pod["topologySpreadConstraints"]) == 2
    assert {"startupProbe", "livenessProbe", "readinessProbe", "lifecycle"} <= pod["containers"][0].keys()


def reaches(policy: Manifest) -> set[str | int]:
    """By component where it is one of ours, else by port."""
    found: set[str | int] = set()
    for rule in policy["spec"].get("egress", []):
        if "to" in rule:
            found |= {to["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for to in rule["to"]}
        else:
            found |= {port["port"] for port in rule["ports"]}
    return found


def test_each_reaches_only_what_it_needs(rendered: dict[str, list[Manifest]]) -> None:
    policies = of(rendered["production"], "NetworkPolicy")
    everything = policies.pop("nothing-but")["spec"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert everything["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "mtas"}}
    assert {port["port"] for rule in everything["egress"] for port in rule["ports"]} == {53}
    assert {name: reaches(policy) for name, policy in policies.items() if name != "metrics"} == {
        "gateway": set(SERVICES),
        "authorize": {*STORES.values(), 465, 587},
        "token": {*STORES.values()},
        "jwks": {STORES["postgres"], STORES["nats"]},
        "admin": {*STORES.values(), "authorize", "jwks", 465, 587},
        "provision": {STORES["postgres"], STORES["nats"]},
    }


def test_what_the_job_needs_can_be_applied_before_the_rest(rendered: dict[str, list[Manifest]]) -> None:
    """By its label, as docs/deploy/kubernetes.md does: the Job, its settings, and the way to the stores."""
    first = [
        it
        for it in rendered["production"]
        if it["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "provision"
    ]
    assert sorted(it["kind"] for it in first) == [
        *("ConfigMap", "Job", "NetworkPolicy", "NetworkPolicy", "ServiceAccount")
    ]


def test_traces_leave_for_the_collector_and_nowhere_else() -> None:
    """Those of the component, which no overlay has."""
    folder = K8S / "components" / "tracing"
    (policy,) = yaml.safe_load_all((folder / "network.yaml").read_text())
    kubernetes_validate.validate(policy, VERSION, strict=True)
    (chosen,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert set(chosen["values"]) == OURS
    assert policy["spec"]["policyTypes"] == ["Egress"]
    (patch,) = yaml.safe_load((folder / "kustomization.yaml").read_text())["patches"]
    endpoint = urlsplit(yaml.safe_load(patch["patch"])["data"]["MTAS_OTLP_ENDPOINT"])
    (rule,) = policy["spec"]["egress"]
    assert rule["ports"] == [{"port": endpoint.port}]
    (there,) = rule["to"]
    assert endpoint.hostname == "otel-collector." + there["namespaceSelector"]["matchLabels"].popitem()[1]


def test_only_the_gateway_is_routed_to(rendered: dict[str, list[Manifest]]) -> None:
    (route,) = of(rendered["production"], "HTTPRoute").values()
    backends = {ref["name"] for rule in route["spec"]["rules"] for ref in rule["backendRefs"]}
    (ingress,) = yaml.safe_load_all((K8S / "components" / "ingress" / "ingress.yaml").read_text())
    kubernetes_validate.validate(ingress, VERSION, strict=True)
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert backends == {path["backend"]["service"]["name"]} == {"mtas-gateway"}
