"""`python -m tests.kube`: the overlay `dev` rendered, its pods up, users signed in, and each pod replaced.

Exit codes: 0 all of it worked · 1 something did not, and its logs · 2 wrong usage.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final, cast

import yaml  # type: ignore[import-untyped]

from deploy.local.ports import spare
from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from tests.compose.suite import try_out
from tests.kube.confined import check_confined, memory_mib
from tests.kube.node import Node, Pod, PodError
from tests.kube.pods import Translator
from tests.kube.rolling import Visits, client, leave_gateway, replace
from tests.support.deployed import Deployed
from tests.support.manifests import Manifest, Sources, containers, of, pods
from tests.support.product import App, Product

STORES: Final = ("postgres", "valkey", "nats")
SUITE: Final = ("tests/e2e/test_main_job.py", "tests/e2e/test_foreign_client.py")


class Cluster:
    """The pods of a rendered overlay, on a node that podman stands in for."""

    def __init__(self, manifests: list[Manifest], folder: Path, port: int) -> None:
        self.node = Node(f"mtas-kube-{os.getpid()}", Translator(manifests, folder), folder)
        self._port = port
        self._deployments = of(manifests, "Deployment")
        self._stores = of(manifests, "StatefulSet")
        self._job = of(manifests, "Job")["provision"]
        self.pods: dict[str, Pod] = {}

    def up(self) -> None:
        """All at once, as with `apply`: each waits for what it needs. One of two gateways is published."""
        for store in STORES:
            self.pods[store] = self.node.start(self._stores[store], store)
        job = self.node.start(self._job, "mtas-provision")
        for service in SERVICES:
            self.pods[service] = self.node.start(self._deployments[service], f"mtas-{service}")
        gateway = self._deployments["gateway"]
        self.pods["gateway"] = self.node.start(gateway, "mtas-gateway", host_port=self._port)
        self.pods["quiet gateway"] = self.node.start(gateway, "mtas-gateway")
        self.node.wait_completed(job)
        for pod in self.pods.values():
            self.node.wait_started(pod)

    def check(self) -> None:
        """Rights and memory of each. Raises: PodError."""
        print(f"{'pod':15}{'MiB':>6}{'request':>9}{'limit':>8}   confined as its manifest says")
        for name, pod in self.pods.items():
            check_confined(pod)
            probe = pod.container.get("livenessProbe")
            if probe and not self.node.succeeds(pod, probe):
                raise PodError(f"{pod.name} is not alive by its own probe")
            resources = pod.container["resources"]
            request, limit = (resources[it]["memory"] for it in ("requests", "limits"))
            print(f"{name:15}{memory_mib(pod):6}{request:>9}{limit:>8}   yes")

    def replace_all(self, app: App) -> list[str]:
        """Each service's pod, and the quiet gateway. What failed."""
        busy, quiet = Visits(0.01), Visits(0.5)
        stop = threading.Event()
        with client(self.pods["gateway"]) as first, client(self.pods["quiet gateway"]) as second:
            visitors = [
                threading.Thread(target=visits.go_on, args=(through, app, stop))
                for visits, through in ((busy, first), (quiet, second))
            ]
            for visitor in visitors:
                visitor.start()
            try:
                for service in SERVICES:
                    workload, old = self._deployments[service], self.pods[service]
                    self.pods[service], took = replace(self.node, workload, f"mtas-{service}", old)
                    print(f"{service}: replaced; the former one ended in {took:.1f} s")
                time.sleep(3)
            finally:
                stop.set()
                for visitor in visitors:
                    visitor.join()
        clients, took = leave_gateway(self.node, self.pods["quiet gateway"], self.pods["gateway"], app)
        print(f"gateway: ended in {took:.1f} s")
        for name, visits in (
            ("busy gateway", busy),
            ("quiet gateway", quiet),
            ("gateway that goes", clients),
        ):
            failed = len(visits.failed)
            print(
                f"{name}: {visits.count} requests, {failed} failed, slowest {visits.slowest_s * 1000:.0f} ms"
            )
        return [*busy.failed, *quiet.failed, *clients.failed]


def main() -> int:
    arguments = _parser().parse_args()
    port = spare([])
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        sources = Sources(folder, url)
        cluster = Cluster(_render(sources, url, arguments.image), folder, port)
        try:
            began = time.monotonic()
            cluster.up()
            print(f"all ready after {time.monotonic() - began:.1f} s")
            cluster.check()
            deployed = Deployed(url, str(sources.env_file), [])
            try_out(deployed, SUITE)
            failed = cluster.replace_all(_some_app(deployed))
            assert not failed, f"{len(failed)} requests failed, such as {failed[0]}"
        except (AssertionError, PodError, subprocess.SubprocessError) as error:
            cluster.node.logs()
            print(f"test-kube: {error}", file=sys.stderr)
            return 1
        finally:
            cluster.node.close()
    return 0


def _render(sources: Sources, url: str, images: list[str]) -> list[Manifest]:
    """`dev`, but for its public URL and these images."""
    here: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mtas"}}
    here["data"] = {"MTAS_PUBLIC_URL": url}
    patches = sources.kustomization("dev")["patches"]
    patches.append({"target": {"kind": "ConfigMap", "name": "mtas"}, "patch": yaml.safe_dump(here)})
    sources.vary("kube", of="dev", patches=patches)
    manifests = sources.render("kube")
    instead = dict(image.split("=", 1) for image in images)
    for _, pod in pods(manifests):
        for container in containers(pod):
            container["image"] = instead.get(container["image"], container["image"])
    return manifests


def _some_app(deployed: Deployed) -> App:
    product = Product(cast(Stack, deployed))
    try:
        return product.register_app()
    finally:
        product.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make test-kube",
        description="Run the Kubernetes manifests by `podman kube play`, as root, without a cluster. "
        "First: make image CONTAINERS=podman.",
    )
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="IMAGE=OTHER",
        help="run OTHER instead",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
