"""One child process: its log, whether it is ready, how it is asked to end.

A child gets a session of its own, so that Ctrl-C reaches the runner alone, which then stops
all of them in order.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from deploy.local import identity
from deploy.local.errors import Cancelled, ProcessDied, StackError

POLL_S = 0.02


@dataclass
class Process:
    """A command to run, restart and stop. Nothing is started before `spawn`."""

    name: str
    argv: Sequence[str]
    log: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path = Path("/")
    user: tuple[int, int] | None = None  # uid and gid, where not our own
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    retry_on: str | None = None  # in its log: what it needs is not free yet, start it again
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log_begins: int = field(default=0, init=False, repr=False)  # of what this start writes

    def spawn(self) -> None:
        """Start it; returns at once, before it is ready."""
        if self.is_running:
            raise StackError(f"{self.name} is running already")
        uid, gid = self.user or (None, None)
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            self._child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env),
                cwd=self.cwd,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise StackError(f"{self.name} was never started")
        return self._child.pid

    def identity(self) -> dict[str, object]:
        """What a later run needs to recognize this very process (see `deploy.local.identity`)."""
        return {"pid": self.pid, "started": identity.started(self.pid)}

    def wait_ready(self, timeout_s: float, cancel: Event | None = None) -> None:
        """Return once it answers. Raises: ProcessDied, Cancelled, StackError when it takes too long."""
        deadline = time.monotonic() + timeout_s
        while not self.ready():
            self._check_or_retry()
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready within {timeout_s:.0f} s; see {self.log}")
            if cancel is not None and cancel.wait(POLL_S):
                raise Cancelled(f"stopped while {self.name} was starting")
            time.sleep(POLL_S)

    def _check_or_retry(self) -> None:
        try:
            self.check_running()
        except ProcessDied:
            # Wherever in it: what still has what it needs may be writing to the same log.
            written = self.log.read_bytes()[self._log_begins :].decode(errors="replace")
            if self.retry_on is None or self.retry_on not in written:
                raise
            time.sleep(10 * POLL_S)
            self.spawn()

    def wait_exit(self, timeout_s: float, cancel: Event | None = None) -> None:
        """Wait for a one-shot command. Raises: ProcessDied unless it ends with 0."""
        deadline = time.monotonic() + timeout_s
        while self.is_running:
            if cancel is not None and cancel.is_set():
                self.stop()
                raise Cancelled(f"stopped during {self.name}")
            if time.monotonic() > deadline:
                self.kill()
                raise StackError(f"{self.name} took longer than {timeout_s:.0f} s; see {self.log}")
            time.sleep(POLL_S)
        if self._child is not None and self._child.returncode != 0:
            raise ProcessDied(self.name, self.status(), self.tail())

    def check_running(self) -> None:
        """Raises: ProcessDied when it has ended."""
        if not self.is_running:
            raise ProcessDied(self.name, self.status(), self.tail())

    def status(self) -> str:
        """How it ended, for people."""
        code = None if self._child is None else self._child.poll()
        if code is None:
            return "is running" if self._child else "was never started"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def tail(self, lines: int = 20) -> list[str]:
        """The last lines of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 16_384))
                return log.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []

    def ask_to_stop(self) -> None:
        """Send the signal that it drains on, and do not wait."""
        if self._child is not None and self.is_running:
            self._child.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask it to end, wait, and kill it when it does not."""
        self.ask_to_stop()
        self.wait_stopped()

    def wait_stopped(self) -> None:
        """Give it its time to drain, then kill it."""
        if self._child is None:
            return
        try:
            self._child.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()


def stop_together(processes: Sequence[Process]) -> None:
    """Ask all of them first, then wait: the slowest counts, not the sum."""
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        process.wait_stopped()


def plain_environment() -> dict[str, str]:
    """An environment for servers that are configured by arguments and files, not by the caller's shell."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept}
