"""A deployment that runs elsewhere, for tests that need of a stack what its operator has."""

import json
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Final, Self

import httpx2

from deploy.secrets import variable

VARIABLE: Final = "MTAS_TEST_DEPLOYMENT"
"""Where pytest finds one: the file that `Deployed.write` has written."""

READY_WITHIN_S: Final = 180.0


class _Secrets:
    def __init__(self, env_file: Path) -> None:
        self._values: Mapping[str, str] = dict(
            re.findall(r"^(\w+)=(.*)$", env_file.read_text(), re.MULTILINE)
        )

    def __getitem__(self, name: str) -> str:
        return self._values[variable(name)]


@dataclass
class Deployed:
    """What `mtas init` wrote into `env_file` is its operator's knowledge, as it is the tests'.

    folder    where a test finds what `make run` leaves in its data folder: how `mtas` reaches the server
    compose   the command of the project, to which `kill` and the like are added
    ports     on this machine, of the parts that tests reach past the gateway: mailbox, postgres
    """

    public_url: str
    env_file: str
    compose: list[str]
    ports: dict[str, int] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> Self:
        return cls(**json.loads(file.read_text()))

    def __post_init__(self) -> None:
        self.secrets = _Secrets(Path(self.env_file))
        self.folder = SimpleNamespace(path=Path(self.env_file).parent / "data")
        superuser = f"postgres:{self.secrets['postgres-superuser']}@127.0.0.1:{self.ports.get('postgres')}"
        self.postgres = SimpleNamespace(superuser_url=f"postgresql://{superuser}/mtas")
        self._write_stack()

    def _write_stack(self) -> None:
        run = self.folder.path / "run"
        run.mkdir(parents=True, exist_ok=True)
        token = run / "operator-token"
        token.write_text(self.secrets["operator-token"])
        told = {"gateway_url": self.public_url, "operator_token_file": str(token)}
        (run / "stack.json").write_text(json.dumps(told))

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would; `restart` brings it back."""
        self._run("kill", "-s", "KILL", name)

    def restart(self, name: str) -> None:
        """Start it again, and return once all of it answers."""
        self._run("start", name)
        with httpx2.Client() as http:
            wait_ready(self.public_url, http)

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([*self.compose, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def wait_ready(url: str, http: httpx2.Client) -> None:
    """All four services through the gateway: until each has answered, and none with 503."""
    paths = ["/dashboard/sign-in", "/t/none/jwks.json", "/t/none/login", "/t/none/userinfo"]
    deadline = time.monotonic() + READY_WITHIN_S
    while paths:
        try:
            status = http.get(url + paths[0], timeout=5).status_code
        except httpx2.HTTPError:
            status = 503
        if status < 500:
            del paths[0]
        elif time.monotonic() > deadline:
            raise TimeoutError(f"{url}{paths[0]} did not answer within {READY_WITHIN_S:.0f} s")
        else:
            time.sleep(0.5)
