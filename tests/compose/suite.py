"""The end-to-end tests against the project from nothing; a test that says nothing about it has the mark
`not_deployed`, with the reason."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import httpx2

from tests.compose.project import DEPLOY, HERE, ROOT, Machine, project, spare_ports
from tests.support.deployed import VARIABLE, Deployed, wait_ready


def run(machine: Machine, tests: Sequence[str] = ("tests/e2e",)) -> None:
    """Raises: subprocess.CalledProcessError when one fails, TimeoutError when it does not come up."""
    mailbox, postgres, public = spare_ports(3)
    url = f"http://localhost:{public}"
    with project(machine, (DEPLOY / "compose.yaml", HERE / "suite.yaml")) as it:
        it.init(
            url,
            MTAS_SMTP_URL="smtp://mailbox:1025",
            MTAS_TEST_PACKAGES=sysconfig.get_path("purelib"),
            MTAS_TEST_MAILBOX_PORT=str(mailbox),
            MTAS_TEST_POSTGRES_PORT=str(postgres),
        )
        it.up()
        with httpx2.Client() as http:
            wait_ready(url, http)
        try_out(
            Deployed(url, str(it.env_file), it.command, {"mailbox": mailbox, "postgres": postgres}), tests
        )


def try_out(deployed: Deployed, tests: Sequence[str]) -> None:
    """Raises: subprocess.CalledProcessError when one fails."""
    there = Path(deployed.env_file).with_name("deployment.json")
    deployed.write(there)
    command = [sys.executable, "-m", "pytest", "-q", *tests]
    subprocess.run(command, cwd=ROOT, env=os.environ | {VARIABLE: str(there)}, check=True)
