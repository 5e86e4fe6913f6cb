"""`python -m tests.compose`: secrets by `mtas init`, up, the end-to-end tests, and everything away again.

Exit codes: 0 all of it worked · 1 something did not, and its logs · 2 wrong usage.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from deploy.local.ports import spare

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/mtas"
READY_WITHIN_S = 180.0
PATIENCE_S = 5.0


class Project:
    """One compose project under a name of its own, beside any other on this machine."""

    def __init__(self, compose: list[str], env_file: Path, overlays: list[str]) -> None:
        files = [str(ROOT / "deploy" / "compose.yaml"), *overlays]
        options = [part for file in files for part in ("-f", file)]
        self.name = f"mtas-verify-{os.getpid()}"
        self._command = [*compose, "--env-file", str(env_file), "-p", self.name, *options]
        self._engine = engine(compose)

    def run(self, *arguments: str, check: bool = True) -> None:
        subprocess.run([*self._command, *arguments], cwd=ROOT / "deploy", check=check)

    def remove(self) -> None:
        """Containers, networks and volumes; podman-compose leaves some of the last."""
        self.run("down", "-v", check=False)
        ours = ["--filter", f"name={self.name}_"]
        listed = subprocess.run(
            [self._engine, "volume", "ls", "-q", *ours], capture_output=True, text=True, check=False
        )
        if left := listed.stdout.split():
            subprocess.run([self._engine, "volume", "rm", *left], check=False)


def engine(compose: list[str]) -> str:
    """docker compose → docker, podman-compose → podman."""
    return compose[0].removesuffix("-compose")


def main() -> int:
    arguments = _parser().parse_args()
    compose = arguments.compose.split()
    url = f"http://localhost:{spare([])}"
    with tempfile.TemporaryDirectory() as folder:
        env_file = Path(folder) / ".env"
        _init(engine(compose), url, env_file)
        project = Project(compose, env_file, arguments.overlay)
        try:
            project.run("up", "-d", *arguments.up)
            _wait_ready(url)
            _test(url, env_file)
        except (TimeoutError, subprocess.CalledProcessError) as error:
            project.run("logs", check=False)
            print(f"test-compose: {error}", file=sys.stderr)
            return 1
        finally:
            project.remove()
    return 0


def _init(container_engine: str, url: str, env_file: Path) -> None:
    """As docs/deploy/compose.md says: by the image itself, as whoever runs this."""
    identity = f"{os.getuid()}:{os.getgid()}"
    folder = f"{env_file.parent}:/out"
    container = [container_engine, "run", "--rm", "--read-only", "--user", identity, "-v", folder, IMAGE]
    command = ["mtas", "init", "--public-url", url, "--file", f"/out/{env_file.name}"]
    subprocess.run([*container, *command], check=True)


def _wait_ready(url: str) -> None:
    """All four services through the gateway: until each has answered, and none with 503."""
    paths = ["/dashboard/sign-in", "/t/none/jwks.json", "/t/none/login", "/t/none/userinfo"]
    deadline = time.monotonic() + READY_WITHIN_S
    while paths:
        try:
            status = httpx2.get(url + paths[0], timeout=5).status_code
        except httpx2.HTTPError:
            status = 503
        if status < 500:
            del paths[0]
        elif time.monotonic() > deadline:
            raise TimeoutError(f"{url}{paths[0]} did not answer within {READY_WITHIN_S:.0f} s")
        else:
            time.sleep(0.5)


def _test(url: str, env_file: Path) -> None:
    environment = os.environ | {"MTAS_TEST_URL": url, "MTAS_TEST_ENV_FILE": str(env_file)}
    suite = ["tests/e2e/test_main_job.py", "tests/e2e/test_foreign_client.py"]
    command = [sys.executable, "-m", "pytest", "-q", *suite]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make test-compose",
        description="Bring the compose project up from nothing, and sign users in. First: make image.",
    )
    parser.add_argument(
        "--compose", default="docker compose", help="the command of the engine's compose (%(default)s)"
    )
    parser.add_argument("--overlay", action="append", default=[], help="a further compose file, by its path")
    parser.add_argument("up", nargs="*", help="further options for `up`, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
