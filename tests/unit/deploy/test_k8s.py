"""The Kubernetes manifests, rendered by kustomize: valid, restricted, each pod with what it needs alone."""

import importlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import kubernetes_validate  # type: ignore[import-untyped]
import msgspec
import pytest

from deploy.local.services import FILES
from deploy.secrets import MAKERS, SERVICES, variable
from shared.settings import variable as setting
from tests.support.manifests import Manifest, containers, of, pods, workloads
from tests.unit.deploy.conftest import Rendered

OVERLAYS = ("dev", "production", "ingress", "further")
OURS = {*SERVICES, "gateway"}
CUSTOM = {"HTTPRoute", "ServiceMonitor"}  # of operators; Kubernetes itself has no schema for them
VERSIONS = ("1.27", "1.37")  # the oldest that will do, and the newest


def environment(manifests: list[Manifest], service: str) -> dict[str, Manifest]:
    container = of(manifests, "Deployment")[service]["spec"]["template"]["spec"]["containers"][0]
    return {it["name"]: it for it in container["env"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_its_schema(rendered: Rendered, version: str) -> None:
    different = {repr(it): it for manifests in rendered.values() for it in manifests}.values()
    assert {it["kind"] for it in different} > {"Deployment", "Job", "NetworkPolicy", "Ingress"}
    for manifest in different:
        if manifest["kind"] not in CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whatever_is_referred_to_is_there(rendered: Rendered, overlay: str) -> None:
    """What no schema sees, and an API server or a kubelet only when it is too late."""
    manifests = rendered[overlay]
    settings = set(of(manifests, "ConfigMap")["mtas"]["data"])
    accounts = {it["metadata"]["name"] for it in manifests if it["kind"] == "ServiceAccount"}
    for name, workload in workloads(manifests):
        template = workload["spec"]["template"]
        labels = template["metadata"]["labels"]
        if selector := workload["spec"].get("selector"):
            assert selector["matchLabels"].items() <= labels.items(), name
        pod = template["spec"]
        assert {pod["serviceAccountName"]} <= accounts if "serviceAccountName" in pod else True, name
        volumes = {it["name"] for it in (*pod.get("volumes", []), *_claims(workload))}
        for container in containers(pod):
            assert {it["name"] for it in container.get("volumeMounts", [])} <= volumes, name
            assert {it["key"] for it in _references(container, "configMapKeyRef")} <= settings, name
            secrets = [it for it in _references(container, "secretKeyRef") if not it.get("optional")]
            assert {it["key"] for it in secrets} <= {variable(maker) for maker in MAKERS}, name
            assert {it["name"] for it in secrets} <= _secret_names(manifests), name
            named = {port["name"] for port in container.get("ports", [])}
            assert set(_probed(container)) <= named, name
    deployments = {it["metadata"]["name"] for it in of(manifests, "Deployment").values()}
    for scaler in of(manifests, "HorizontalPodAutoscaler").values():
        assert scaler["spec"]["scaleTargetRef"]["name"] in deployments


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget"])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_chooses_the_pods_of_one_workload(rendered: Rendered, overlay: str, kind: str) -> None:
    for name, it in of(rendered[overlay], kind).items():
        selector = it["spec"]["selector"]
        wanted = selector.get("matchLabels", selector).items()
        chosen = [
            workload
            for workload, each in workloads(rendered[overlay])
            if wanted <= each["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert chosen == [name]


def _claims(workload: Manifest) -> list[Manifest]:
    return [it["metadata"] for it in workload["spec"].get("volumeClaimTemplates", [])]


def _references(container: Manifest, kind: str) -> Iterator[Manifest]:
    for it in container.get("env", []):
        if found := it.get("valueFrom", {}).get(kind):
            yield found


def _secret_names(manifests: list[Manifest]) -> set[str]:
    """Generated ones have their content's hash in their name; production's is there before."""
    return {it["metadata"]["name"] for it in manifests if it["kind"] == "Secret"} or {"mtas"}


def _probed(container: Manifest) -> Iterator[str]:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        for how in ("httpGet", "tcpSocket"):
            port = container.get(probe, {}).get(how, {}).get("port")
            if isinstance(port, str):
                yield port


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(rendered: Rendered, overlay: str) -> None:
    """As the Pod Security Standard of that name asks, and read-only besides."""
    for name, pod in pods(rendered[overlay]):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name
            assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_its_own_secrets_and_no_other(rendered: Rendered, service: str) -> None:
    given = environment(rendered["production"], service).values()
    references = [it.get("valueFrom", {}).get("secretKeyRef") for it in given]
    keys = {reference["key"] for reference in references if reference}
    stores = {f"{store}-{service}" for store in ("postgres", "valkey", "nats")} & set(MAKERS)
    optional = {"MTAS_SMTP_URL", f"MTAS_DB_FORMER_PASSWORD_{service.upper()}"}
    assert keys - optional == {variable(name) for name in stores.union(FILES[service])}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_what_it_requires(rendered: Rendered, service: str) -> None:
    fields = msgspec.structs.fields(importlib.import_module(f"services.{service}.settings").Settings)
    given = environment(rendered["production"], service)
    assert given.keys() >= {setting(field.name) for field in fields if field.required}


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_url_is_made_of_stands_before_it(rendered: Rendered, service: str) -> None:
    """Kubernetes fills in only what was said before; what it does not know it leaves as it is."""
    seen: set[str] = set()
    for name, it in environment(rendered["production"], service).items():
        assert {part.partition(")")[0] for part in it.get("value", "").split("$(")[1:]} <= seen
        seen.add(name)


def test_no_manifest_holds_a_secret(rendered: Rendered) -> None:
    assert of(rendered["production"], "Secret") == {}


def test_what_the_job_needs_can_be_applied_before_the_rest(rendered: Rendered) -> None:
    """By its label, as docs/deploy/kubernetes.md does: the Job, its settings, and the way to the stores."""
    first = [
        it
        for it in rendered["production"]
        if it["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "provision"
    ]
    assert sorted(it["kind"] for it in first) == [
        *("ConfigMap", "Job", "NetworkPolicy", "NetworkPolicy", "ServiceAccount")
    ]


def test_traces_go_where_the_policy_lets_them(rendered: Rendered) -> None:
    endpoint = urlsplit(of(rendered["further"], "ConfigMap")["mtas"]["data"]["MTAS_OTLP_ENDPOINT"])
    (rule,) = of(rendered["further"], "NetworkPolicy")["traces"]["spec"]["egress"]
    assert rule["ports"] == [{"port": endpoint.port}]
    (there,) = rule["to"]
    assert (
        endpoint.hostname
        == "otel-collector." + there["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    )


def test_only_the_gateway_is_routed_to(rendered: Rendered) -> None:
    (route,) = of(rendered["production"], "HTTPRoute").values()
    backends = {ref["name"] for rule in route["spec"]["rules"] for ref in rule["backendRefs"]}
    (ingress,) = of(rendered["ingress"], "Ingress").values()
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert backends == {path["backend"]["service"]["name"]} == {"mtas-gateway"}
    assert of(rendered["ingress"], "HTTPRoute") == {}
