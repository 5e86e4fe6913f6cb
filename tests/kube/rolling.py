"""Pods replaced one by one, as a rollout does, while requests go on through a busy and a quiet gateway.

A quiet one is who misses that a pod goes: no answer of the pod tells it.
"""

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Final

import httpx2

from tests.kube.node import Node, Pod
from tests.support.manifests import Manifest
from tests.support.product import App

KNOWN_AFTER_S: Final = 8.0
"""Envoy asks names every 5 s, then the health check; here nobody caches them."""
_NOT_HEARD_S: Final = 3.0
"""How long somebody may still send to a gateway that goes."""


@dataclass
class Visits:
    """What one client met. Each of its requests is one that the next service answers."""

    pause_s: float
    count: int = 0
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def go_on(self, client: httpx2.Client, app: App, stop: threading.Event) -> None:
        requests = itertools.cycle(
            [
                ("POST", f"/t/{app.app_id}/token"),
                ("GET", f"/t/{app.app_id}/login"),
                ("GET", f"/t/{app.app_id}/jwks.json"),
                ("GET", "/dashboard/sign-in"),
            ]
        )
        for method, path in requests:
            if stop.wait(self.pause_s):
                return
            self.ask(client, method, path)

    def ask(self, client: httpx2.Client, method: str, path: str) -> None:
        began = time.monotonic()
        try:
            answer = client.request(method, path, data={"grant_type": "none"} if method == "POST" else None)
            what = f"{answer.status_code}" if answer.status_code >= 500 else ""
        except httpx2.HTTPError as error:
            what = repr(error)
        self.count += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        if what:
            self.failed.append(f"{method} {path}: {what}")


def replace(node: Node, workload: Manifest, service: str, old: Pod) -> tuple[Pod, float]:
    """The successor, and how many seconds the predecessor took to end."""
    new = node.start(workload, service)
    node.wait_started(new)
    time.sleep(KNOWN_AFTER_S)
    return new, node.end(old)


def leave_gateway(node: Node, old: Pod, new: Pod, app: App) -> tuple[Visits, float]:
    """Its client goes on with it until it hears of the other; then ends what it has begun."""
    visits = Visits(0.05)
    stop = threading.Event()
    took: list[float] = []
    ending = threading.Thread(target=lambda: took.append(node.end(old)))
    with client(old) as first, client(new) as second:
        visits.ask(first, "GET", "/dashboard/sign-in")  # a connection that it keeps
        ending.start()
        deadline = time.monotonic() + _NOT_HEARD_S
        while time.monotonic() < deadline:
            visits.ask(first, "GET", f"/t/{app.app_id}/jwks.json")
            time.sleep(0.05)
        threading.Timer(1.0, stop.set).start()
        visits.go_on(second, app, stop)
    ending.join()
    return visits, took[0]


def client(gateway: Pod) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://{gateway.address}:8080", timeout=10)
