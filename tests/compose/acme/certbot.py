"""`compose.certificate.yaml` with certbot and the guide's hook: Envoy serves what it brings, as it comes."""

import re
from typing import Final

from tests.compose.acme import authority
from tests.compose.acme.authority import FOLDER, HOST
from tests.compose.project import DEPLOY, ROOT, Machine, Project, project, spare_ports
from tests.support.deployed import wait_ready

FILES: Final = (
    *(DEPLOY / "compose.yaml", DEPLOY / "compose.certificate.yaml"),
    *(FOLDER / "pebble.yaml", FOLDER / "certbot.yaml"),
)
SERVED_WITHIN_S: Final = 15.0
GUIDE: Final = ROOT / "docs" / "deploy" / "compose.md"


def run(machine: Machine) -> None:
    """Raises: AssertionError, TimeoutError, subprocess.CalledProcessError."""
    authority.build(machine)
    https_port, pebble = spare_ports(2)
    url = f"https://127.0.0.1:{https_port}"
    with project(machine, FILES) as it:
        folder, hook = it.folder / "tls", it.folder / "hook"
        folder.mkdir()
        hook.write_text("#!/bin/sh -e\n" + hook_of_the_guide())
        hook.chmod(0o755)
        it.init(
            f"https://{HOST}",
            *("--tls", "certificate"),
            MTAS_BIND=f"127.0.0.1:{https_port}",
            MTAS_TLS_FOLDER=str(folder),
            MTAS_TEST_HOOK=str(hook),
            **authority.settings(it, pebble),
        )
        it.up("pebble", "certbot")  # without a certificate the gateway is not started
        with authority.trusting(it, pebble) as http:
            _certbot(it, "certonly", "--standalone", "-d", HOST)
            it.up()
            wait_ready(url, http)
            before, first = it.started("gateway"), authority.serial(http, url)
            _certbot(it, "renew", "--force-renewal")
            authority.assert_followed(http, url, first, SERVED_WITHIN_S)
            assert it.started("gateway") == before


def hook_of_the_guide() -> str:
    [hook] = re.findall(r"--deploy-hook`.*?^```sh\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return str(hook)


def _certbot(it: Project, command: str, *options: str) -> None:
    quietly = (
        "--non-interactive",
        "--agree-tos",
        "--register-unsafely-without-email",
        "--no-random-sleep-on-renew",
    )
    server = ("--server", "https://pebble:14000/dir", "--deploy-hook", "/hook")
    it.inside("certbot", "certbot", command, *options, *quietly, *server)
