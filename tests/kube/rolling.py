"""Pods replaced one by one, as a rollout does, while requests go on through a busy and a quiet gateway.

A quiet one is who misses that a pod goes: no answer of the pod tells it.
"""

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import httpx2

from tests.kube.node import Node, Pod
from tests.support.manifests import Manifest
from tests.support.product import App

KNOWN_AFTER_S: Final = 8.0
"""Envoy asks names every 5 s, then the health check; here nobody caches them."""
_WAITED_S: Final = 0.9
"""A gateway waits 1 s for a pod that is gone, before it asks another."""
_NOT_HEARD_S: Final = 3.0
"""How long somebody may still send to a gateway that goes."""
_TAKES_S: Final = 13.0
"""Of the gateway's 26 s: it begins while people are let in, and ends when they are not."""
_PORT: Final = 8080


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
        took = time.monotonic() - began
        if not what and took > _WAITED_S:
            what = f"{took:.1f} s"
        self.count += 1
        self.slowest_s = max(self.slowest_s, took)
        if what:
            self.failed.append(f"{method} {path}: {what}")


def replace(node: Node, workload: Manifest, service: str, old: Pod) -> tuple[Pod, float]:
    """The successor, and how many seconds the predecessor took to end."""
    new = node.start(workload, service)
    node.wait_started(new)
    time.sleep(KNOWN_AFTER_S)
    return new, node.end(old)


def leave_gateway(node: Node, old: Pod, new: Pod, app: App) -> tuple[Visits, float]:
    """Its client goes on with it until it hears of the other, and is told to close its connection; a request
    that began takes longer than anybody is let in. What that came to, and how many seconds it took to end."""
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
        if first.get("/dashboard/sign-in").headers.get("connection") != "close":
            visits.failed.append("an answer of a gateway that goes does not say so")
        threading.Timer(1.0, stop.set).start()
        visits.go_on(second, app, stop)
    visits.failed += _begun_and_ended(old, f"/t/{app.app_id}/token")
    ending.join()
    return visits, took[0]


def _begun_and_ended(gateway: Pod, path: str) -> Iterator[str]:
    """What is wrong with a request whose body takes its time, and with the gateway when it has ended."""
    body = b"grant_type=none"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    address = gateway.address, _PORT
    try:
        with socket.create_connection(address, timeout=5) as connection:
            connection.sendall(head.encode())
            for byte in body:
                time.sleep(_TAKES_S / len(body))
                connection.sendall(bytes([byte]))
            answer = connection.recv(64)
    except OSError as error:
        answer = repr(error).encode()
    if not answer.startswith(b"HTTP/1.1 4"):
        yield f"a request that had begun got {answer!r}"
    try:
        socket.create_connection(address, timeout=5).close()
        yield "a gateway that goes still lets somebody in"
    except OSError:
        pass


def client(gateway: Pod) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://{gateway.address}:{_PORT}", timeout=10)
