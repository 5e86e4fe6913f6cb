"""What a kubelet does for a pod, with podman: start it, ask its probes, end it."""

import http.client
import itertools
import json
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.kube.pods import Translator
from tests.support.manifests import Manifest


class PodError(Exception):
    """A pod did not do what its manifest promises."""


def podman(*arguments: str, check: bool = True, **options: Any) -> str:
    """Its standard output. Raises: PodError, with what it says."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False, **options)
    if check and done.returncode:
        raise PodError(f"podman {' '.join(arguments[:3])}: {done.stderr.strip()[-600:]}")
    return str(done.stdout.strip())


@dataclass(frozen=True)
class Pod:
    name: str
    spec: Manifest

    @property
    def container(self) -> Manifest:
        """The one that stays."""
        (found,) = self.spec["containers"]
        return dict(found)

    @property
    def container_name(self) -> str:
        return f"{self.name}-{self.container['name']}"

    @property
    def address(self) -> str:
        infra = podman("pod", "inspect", self.name, "--format", "{{.InfraContainerID}}")
        networks = json.loads(podman("inspect", infra, "--format", "{{json .NetworkSettings.Networks}}"))
        (network,) = networks.values()
        return str(network["IPAddress"])


class Node:
    """On a network of its own, whose names are those of the Services."""

    def __init__(self, name: str, translator: Translator, folder: Path) -> None:
        self.name = name
        self._translator = translator
        self._folder = folder
        self._pods: list[Pod] = []
        self._numbers = itertools.count(1)
        podman("network", "create", name)

    def start(self, workload: Manifest, service: str, *, host_port: int | None = None) -> Pod:
        name = f"{self.name}-{service.removeprefix('mtas-')}-{next(self._numbers)}"
        pod = Pod(name, workload["spec"]["template"]["spec"])
        self._pods.append(pod)
        path = self._folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(self._translator.pod(workload, name, host_port=host_port)))
        podman("kube", "play", "--network", f"{self.name}:alias={service}", str(path))
        return pod

    def wait_started(self, pod: Pod) -> float:
        """By its probes for the start and for readiness, without the delay. Seconds. Raises: PodError."""
        began = time.monotonic()
        ready = pod.container["readinessProbe"]
        for probe in (pod.container.get("startupProbe", ready | {"failureThreshold": 30}), ready):
            for _ in range(probe.get("failureThreshold", 3) * 2):
                if self.succeeds(pod, probe):
                    break
                time.sleep(probe["periodSeconds"] / 2)
            else:
                logs = podman("logs", "--tail", "20", pod.container_name, check=False)
                raise PodError(f"{pod.name} does not answer its probe {probe}\n{logs}")
        return time.monotonic() - began

    def succeeds(self, pod: Pod, probe: Manifest) -> bool:
        timeout = probe.get("timeoutSeconds", 1)
        if "exec" in probe:
            command = ["podman", "exec", pod.container_name, *probe["exec"]["command"]]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        try:
            if "tcpSocket" in probe:
                address = pod.address, _port(pod, probe["tcpSocket"]["port"])
                socket.create_connection(address, timeout).close()
                return True
            how = probe["httpGet"]
            connection = http.client.HTTPConnection(pod.address, _port(pod, how["port"]), timeout=timeout)
            connection.request("GET", how["path"])
            return 200 <= connection.getresponse().status < 400
        except OSError:
            return False

    def wait_completed(self, pod: Pod) -> None:
        """Raises: PodError."""
        if (code := podman("wait", pod.container_name)) != "0":
            raise PodError(f"{pod.name} ended with {code}\n{podman('logs', pod.container_name, check=False)}")

    def end(self, pod: Pod) -> float:
        """Its preStop, SIGTERM, and no SIGKILL within its grace period. Seconds. Raises: PodError."""
        began = time.monotonic()
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        if hook := pod.container.get("lifecycle", {}).get("preStop"):
            podman("exec", pod.container_name, *hook["exec"]["command"], timeout=grace)
        left = grace - (time.monotonic() - began)
        podman("kill", "--signal", "TERM", pod.container_name)
        try:
            podman("wait", "--interval", "100ms", pod.container_name, timeout=left)
        except subprocess.TimeoutExpired:
            raise PodError(f"{pod.name} did not end within {grace} s") from None
        took = time.monotonic() - began
        self._remove(pod)
        return took

    def logs(self) -> None:
        for pod in self._pods:
            for container in (*pod.spec.get("initContainers", []), pod.container):
                text = podman("logs", "--tail", "30", f"{pod.name}-{container['name']}", check=False)
                print(f"--- {pod.name} {container['name']}\n{text}")

    def close(self) -> None:
        for pod in self._pods:
            self._remove(pod)
        podman("network", "rm", "-f", self.name, check=False)

    def _remove(self, pod: Pod) -> None:
        podman("pod", "rm", "-f", "-t", "0", pod.name, check=False)
        self._pods = [it for it in self._pods if it is not pod]


def _port(pod: Pod, port: str | int) -> int:
    named = {it["name"]: it["containerPort"] for it in pod.container.get("ports", [])}
    return int(named.get(str(port), port))
