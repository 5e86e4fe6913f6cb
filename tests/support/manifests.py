"""The Kubernetes manifests, as kustomize renders them: the overlays, and variants that a user would write."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).parents[2]
K8S: Final = ROOT / "deploy" / "k8s"
WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")
Manifest = dict[str, Any]


def renderer() -> list[str] | None:
    """The command of whichever kustomize is there."""
    if kubectl := shutil.which("kubectl"):
        return [kubectl, "kustomize"]
    if kustomize := shutil.which("kustomize"):
        return [kustomize, "build"]
    return None


class Sources:
    """A copy of deploy/k8s, with the secrets that `mtas init` makes, into which variants can be written."""

    def __init__(self, folder: Path, public_url: str = "http://localhost:8080") -> None:
        self._overlays = folder / "k8s" / "overlays"
        shutil.copytree(K8S, folder / "k8s", ignore=shutil.ignore_patterns("mtas.env"))
        self.env_file = self._overlays / "dev" / "mtas.env"
        init = ["init", "--public-url", public_url, "--file", str(self.env_file)]
        subprocess.run([sys.executable, "-m", "deploy.cli", *init], cwd=ROOT, check=True, capture_output=True)

    def vary(self, name: str, *, of: str, **changes: Any) -> None:
        """A new overlay, as `of` but for some keys of its kustomization."""
        shutil.copytree(self._overlays / of, self._overlays / name)
        path = self._overlays / name / "kustomization.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))

    def kustomization(self, overlay: str) -> Manifest:
        found: Manifest = yaml.safe_load((self._overlays / overlay / "kustomization.yaml").read_text())
        return found

    def render(self, overlay: str) -> list[Manifest]:
        """Raises: AssertionError when kustomize has anything to say."""
        command = [*(renderer() or []), str(self._overlays / overlay)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return list(yaml.safe_load_all(done.stdout))


def of(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Those of one kind, by name, without our prefix."""
    found = [it for it in manifests if it["kind"] == kind]
    return {it["metadata"]["name"].removeprefix("mtas-"): it for it in found}


def workloads(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for kind in WORKLOADS:
        yield from of(manifests, kind).items()


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """What the workloads make, by the workload's name: the pod's spec."""
    for name, it in workloads(manifests):
        yield name, it["spec"]["template"]["spec"]


def containers(pod: Manifest) -> Iterator[Manifest]:
    yield from (*pod.get("initContainers", []), *pod["containers"])
