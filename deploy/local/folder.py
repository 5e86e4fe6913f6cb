"""The data folder: everything that a local run keeps, in one place.

lock        held by the runner: one at a time
state.json  what the next run must know: public URL, ports
run/        stack.json (what is running, for `mtas` and the tests) and rendered configuration
secrets/ logs/ tls/ postgres/ valkey/ nats/
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from deploy.local.errors import StackError
from deploy.local.secrets import write_private

KEPT_LOGS = 3


class Folder:
    """A data folder that this process holds alone, from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.secrets = self.path / "secrets"
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.tls = self.path / "tls"
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.nats = self.path / "nats"
        self.stack_file = self.run / "stack.json"
        self._lock_fd: int | None = None

    def open(self) -> None:
        """Make the folder, or take it over. Raises: StackError when that cannot be."""
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True)
                # Traversable, for PostgreSQL's own user where we are root; what is inside is private.
                self.path.chmod(0o711)
            for part in (self.secrets, self.logs, self.run, self.tls, self.valkey, self.nats):
                part.mkdir(mode=0o700, exist_ok=True)
            self._lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(f"The data folder {self.path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._lock_fd, 32).decode().strip()
            self.close()
            raise StackError(f"Another run (pid {holder}) is using the data folder {self.path}") from None
        os.truncate(self._lock_fd, 0)
        os.write(self._lock_fd, f"{os.getpid()}\n".encode())

    @property
    def is_open(self) -> bool:
        return self._lock_fd is not None

    def close(self) -> None:
        """Let the next run have it."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def read_state(self) -> dict[str, Any]:
        """What the last run left for this one."""
        return self._read(self.path / "state.json")

    def write_state(self, state: dict[str, Any]) -> None:
        write_private(self.path / "state.json", json.dumps(state, indent=2) + "\n")

    def read_stack(self) -> dict[str, Any]:
        """What runs, or was running when a runner died; empty after a clean stop."""
        return self._read(self.stack_file)

    def write_stack(self, stack: dict[str, Any]) -> None:
        write_private(self.stack_file, json.dumps(stack, indent=2) + "\n")

    def forget_stack(self) -> None:
        self.stack_file.unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def rotate_log(self, name: str) -> None:
        """Begin a new log file; the last few are kept as NAME.log.1 and so on."""
        for number in range(KEPT_LOGS, 0, -1):
            older = self.logs / f"{name}.log.{number}"
            newer = self.logs / f"{name}.log.{number - 1}" if number > 1 else self.log(name)
            if newer.exists():
                newer.replace(older)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StackError(f"{path} cannot be read: {error}") from None
        return content
