"""A workload's pod as `podman kube play` takes it. What it takes as it is stays as it is: image, arguments,
security context, limits, init containers. Translated is only:

- values from the ConfigMap and the Secret, and `$(NAME)` in values (podman leaves those alone): filled in, as
  a kubelet does; a key that is not there is an error unless it is optional
- emptyDir and volume claims: folders of this machine that everybody may write to, as an emptyDir is
- StatefulSet and Job: their pod
- probes and lifecycle: taken out, `node` has them
"""

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.support.manifests import Manifest, of

_REFERENCE: Final = re.compile(r"\$\$|\$\((\w+)\)")
_AS_THEY_ARE: Final = ("name", "image", "command", "args", "securityContext", "resources")


class Translator:
    """`folder` holds the volumes."""

    def __init__(self, manifests: list[Manifest], folder: Path) -> None:
        self._values = {
            "configMapKeyRef": {
                it["metadata"]["name"]: it["data"] for it in of(manifests, "ConfigMap").values()
            },
            "secretKeyRef": {
                it["metadata"]["name"]: {
                    key: base64.b64decode(data).decode() for key, data in it["data"].items()
                }
                for it in of(manifests, "Secret").values()
            },
        }
        self._folder = folder

    def pod(self, workload: Manifest, name: str, *, host_port: int | None = None) -> Manifest:
        """`host_port` of this machine leads to the first port of its first container."""
        spec = workload["spec"]["template"]["spec"]
        mounted: dict[str, Path] = {}
        containers = {
            kind: [self._container(it, name, mounted) for it in spec.get(kind, [])]
            for kind in ("initContainers", "containers")
        }
        if host_port:
            (port, *_) = spec["containers"][0]["ports"]
            containers["containers"][0]["ports"] = [
                {"containerPort": port["containerPort"], "hostPort": host_port}
            ]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "restartPolicy": "OnFailure",  # podman's `Always` would start init containers again, too
                "securityContext": spec["securityContext"],
                "volumes": [{"name": it, "hostPath": {"path": str(path)}} for it, path in mounted.items()],
                **containers,
            },
        }

    def _container(self, container: Manifest, pod: str, mounted: dict[str, Path]) -> Manifest:
        return {
            **{key: container[key] for key in _AS_THEY_ARE if key in container},
            "imagePullPolicy": "IfNotPresent",
            "env": [{"name": key, "value": value} for key, value in self._environment(container).items()],
            "volumeMounts": [self._mount(it, pod, mounted) for it in container.get("volumeMounts", [])],
        }

    def _environment(self, container: Manifest) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for it in container.get("env", []):
            for value in self._value(it, known):
                known[it["name"]] = value
        return known

    def _value(self, variable: Manifest, known: Mapping[str, str]) -> Iterator[str]:
        """Nothing, when it is optional and not there. Raises: KeyError."""
        if "valueFrom" not in variable:
            yield _REFERENCE.sub(lambda found: _filled_in(found, known), variable.get("value", ""))
            return
        ((kind, reference),) = variable["valueFrom"].items()
        values = self._values[kind][reference["name"]]
        if reference["key"] in values or not reference.get("optional"):
            yield values[reference["key"]]

    def _mount(self, mount: Manifest, pod: str, mounted: dict[str, Path]) -> Manifest:
        within = mount.get("subPath", "")
        volume = f"{mount['name']}-{within}".rstrip("-")
        path = mounted[volume] = self._folder / pod / mount["name"] / within
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        return {
            "name": volume,
            "mountPath": mount["mountPath"],
            "readOnly": mount.get("readOnly", False),
        }


def _filled_in(found: "re.Match[str]", known: Mapping[str, str]) -> str:
    name = found.group(1)
    return "$" if name is None else known.get(name, found.group())
