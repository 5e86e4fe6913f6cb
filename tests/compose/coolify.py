"""`deploy/coolify.yaml` as Coolify 4 runs it, behind a proxy as Coolify's stands there.

What Coolify makes of a compose file before it starts it, by its `applicationParser`
(bootstrap/helpers/parsers.php): every container is on one more network, the resource's, and is told all
variables; volumes and containers are named after the resource; what only Coolify understands is left out.
"""

from contextlib import ExitStack
from typing import Any, Final

import httpx2
import yaml  # type: ignore[import-untyped]

from tests.compose.project import DEPLOY, HERE, Machine, project, spare_ports
from tests.compose.suite import try_out
from tests.support.deployed import Deployed, wait_ready

PROXY: Final = "localhost/mtas-test-acme"


def run(machine: Machine) -> None:
    """Raises: subprocess.CalledProcessError, TimeoutError."""
    machine.build(PROXY, HERE / "acme")
    [public] = spare_ports(1)
    url = f"http://localhost:{public}"
    with ExitStack() as after, project(machine, ("coolify.yaml", "proxy.yaml")) as it:
        it.write("coolify.yaml", as_coolify(it.name, url))
        it.write("proxy.yaml", _proxy(it.name, public))
        it.init(url)
        after.enter_context(machine.network(it.name))
        it.up()
        with httpx2.Client() as http:
            wait_ready(url, http)
        try_out(Deployed(url, str(it.env_file), it.command), ["tests/e2e/test_main_job.py"])


def as_coolify(uuid: str, url: str) -> dict[str, Any]:
    """For a resource with that id, whose service `gateway` has the domain `url`."""
    file: dict[str, Any] = yaml.safe_load((DEPLOY / "coolify.yaml").read_text())
    told = {
        "COOLIFY_BRANCH": "main",
        "COOLIFY_RESOURCE_UUID": uuid,
        "SERVICE_URL_GATEWAY": url,
        "SERVICE_FQDN_GATEWAY": url.partition("://")[2],
    } | {f"SERVICE_NAME_{name.upper().replace('-', '_')}": name for name in file["services"]}
    for name, container in file["services"].items():
        container.pop("exclude_from_hc", None)
        container.pop("build", None)  # by it, which has the same image already
        container["container_name"] = f"{name}-{uuid}"
        container["env_file"] = [".env"]
        own = container.get("environment", {})
        if isinstance(own, list):
            own = dict.fromkeys(own)
        named = {key: value for key, value in own.items() if not key.startswith("SERVICE_FQDN_")}
        container["environment"] = named | told | {"COOLIFY_CONTAINER_NAME": container["container_name"]}
        container["volumes"] = [f"{uuid}_{volume}" for volume in container.get("volumes", [])]
        if "network_mode" not in container:
            container["networks"] = [*container["networks"], uuid]
    file["volumes"] = {f"{uuid}_{name}": {"name": f"{uuid}_{name}"} for name in file["volumes"]}
    file["networks"][uuid] = {"name": uuid, "external": True}
    return file


def _proxy(uuid: str, port: int) -> dict[str, Any]:
    """On the resource's network, and to the port that the domain names: SERVICE_FQDN_GATEWAY_8080."""
    command = ["caddy", "reverse-proxy", "--from", ":8000", "--to", f"gateway-{uuid}:8080"]
    container = {
        "image": PROXY,
        "command": command,
        "ports": [f"127.0.0.1:{port}:8000"],
        "networks": [uuid],
    }
    return {"services": {"proxy": container}}
