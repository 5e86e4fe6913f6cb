"""One compose project under a name of its own, from nothing and back to it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from deploy.local.ports import spare

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
HERE: Final = Path(__file__).parent
IMAGE: Final = "localhost/mtas"


@dataclass(frozen=True)
class Machine:
    """What projects run on.

    compose    the engine's command: docker compose, podman-compose
    overlays   what this machine needs besides, after all others
    up         further options for `up`
    """

    compose: tuple[str, ...]
    overlays: tuple[str, ...] = ()
    up: tuple[str, ...] = ()

    @property
    def engine(self) -> str:
        """docker compose → docker, podman-compose → podman."""
        return self.compose[0].removesuffix("-compose")

    def build(self, tag: str, folder: Path) -> None:
        """An image that only tests need. By the host's network: packages are fetched as they are outside."""
        command = [self.engine, "build", "-q", "--network", "host", "-t", tag, str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def network(self, name: str) -> Iterator[None]:
        """One that outlives a project."""
        subprocess.run([self.engine, "network", "create", name], check=True, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            subprocess.run([self.engine, "network", "rm", name], check=False, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Project:
    machine: Machine
    folder: Path
    files: tuple[Path | str, ...]

    @property
    def name(self) -> str:
        return f"mtas-verify-{os.getpid()}"

    @property
    def env_file(self) -> Path:
        return self.folder / ".env"

    @property
    def command(self) -> list[str]:
        files = [
            part for file in (*self.files, *self.machine.overlays) for part in ("-f", str(self.folder / file))
        ]
        return [*self.machine.compose, "--env-file", str(self.env_file), "-p", self.name, *files]

    def init(self, public_url: str, *options: str, **settings: str) -> None:
        """As docs/deploy/compose.md says: by the image itself, as whoever runs this. Settings are added."""
        identity = f"{os.getuid()}:{os.getgid()}"
        container = [self.machine.engine, "run", "--rm", "--read-only", "--user", identity]
        command = ["mtas", "init", "--public-url", public_url, *options, "--file", "/out/.env"]
        subprocess.run([*container, "-v", f"{self.folder}:/out", IMAGE, *command], check=True)
        with self.env_file.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def write(self, file: str, content: dict[str, Any]) -> None:
        """One of its files that has no path of its own."""
        (self.folder / file).write_text(yaml.safe_dump(content, sort_keys=False))

    def up(self, *services: str) -> None:
        """All of them, or some."""
        self.run("up", "-d", *self.machine.up, *services)

    def run(self, *arguments: str, check: bool = True) -> str:
        """Its output; errors are shown as they come."""
        done = subprocess.run(
            [*self.command, *arguments], cwd=DEPLOY, check=check, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def started(self, service: str) -> str:
        """When."""
        return self._engine("inspect", "-f", "{{.State.StartedAt}}", self._container(service))

    def inside(self, service: str, *command: str) -> None:
        """Run a command where a service runs."""
        self._engine("exec", self._container(service), *command)

    def _container(self, service: str) -> str:
        labels = {"project": self.name, "service": service}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return self._engine("ps", "-q", *filters).strip()

    def _engine(self, *arguments: str) -> str:
        command = [self.machine.engine, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def remove(self) -> None:
        """Containers, networks and volumes; podman-compose leaves some of the last."""
        self.run("down", "-v", check=False)
        engine = self.machine.engine
        listed = subprocess.run(
            [engine, "volume", "ls", "-q", "--filter", f"name={self.name}_"],
            capture_output=True,
            text=True,
            check=False,
        )
        if left := listed.stdout.split():
            subprocess.run([engine, "volume", "rm", *left], check=False, stdout=subprocess.DEVNULL)


@contextmanager
def project(machine: Machine, files: Sequence[Path | str]) -> Iterator[Project]:
    """Whatever comes of it, it is taken away again; when it fails, what its containers said is shown."""
    with tempfile.TemporaryDirectory(prefix="mtas-verify-") as folder:
        project = Project(machine, Path(folder), tuple(files))
        try:
            yield project
        except BaseException:
            if project.env_file.exists():
                print(project.run("logs", check=False), file=sys.stderr)
            raise
        finally:
            if project.env_file.exists():
                project.remove()


def spare_ports(count: int) -> list[int]:
    ports: list[int] = []
    for _ in range(count):
        ports.append(spare(ports))
    return ports
