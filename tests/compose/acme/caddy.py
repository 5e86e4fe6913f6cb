"""`compose.acme.yaml` against an ACME server on loopback: issued at start, and renewed in use."""

import time
from typing import Final

import httpx2

from tests.compose.acme import authority
from tests.compose.acme.authority import FOLDER, HOST
from tests.compose.project import DEPLOY, Machine, Project, project, spare_ports
from tests.support.deployed import wait_ready

FILES: Final = (
    *(DEPLOY / "compose.yaml", DEPLOY / "compose.acme.yaml"),
    *(FOLDER / "pebble.yaml", FOLDER / "caddy.yaml"),
)
RENEWED_WITHIN_S: Final = 90.0
STRANGER: Final = "203.0.113.9"
"""An address that nobody here has."""


def run(machine: Machine) -> None:
    """Raises: AssertionError, TimeoutError, subprocess.CalledProcessError."""
    authority.build(machine)
    http_port, https_port, pebble = spare_ports(3)
    url = f"https://127.0.0.1:{https_port}"
    with project(machine, FILES) as it:
        it.init(
            f"https://{HOST}",
            *("--tls", "acme"),
            MTAS_HTTP_PORT=str(http_port),
            MTAS_HTTPS_PORT=str(https_port),
            MTAS_CADDY_OPTIONS=str(FOLDER / "options"),
            **authority.settings(it, pebble),
        )
        it.up()
        with authority.trusting(it, pebble) as http:
            wait_ready(url, http)
            _assert_sent_on_to_https(http_port)
            _assert_nobody_chooses_their_address(it, http, url)
            before = [it.started("caddy"), it.started("gateway")]
            authority.assert_followed(http, url, authority.serial(http, url), RENEWED_WITHIN_S)
            assert [it.started("caddy"), it.started("gateway")] == before


def _assert_sent_on_to_https(port: int) -> None:
    answer = httpx2.get(f"http://127.0.0.1:{port}/dashboard", headers={"Host": HOST})
    assert answer.status_code in (301, 308), answer
    assert answer.headers["location"] == f"https://{HOST}/dashboard"


def _assert_nobody_chooses_their_address(it: Project, http: httpx2.Client, url: str) -> None:
    http.get(url + "/t/none/jwks.json", headers={"X-Forwarded-For": STRANGER, "User-Agent": "stranger"})
    time.sleep(2)  # the log is written once a second
    [line] = [line for line in it.run("logs", "gateway").splitlines() if '"stranger"' in line]
    assert '"client":"' in line
    assert f'"client":"{STRANGER}"' not in line
