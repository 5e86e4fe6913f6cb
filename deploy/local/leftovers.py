"""Processes of a runner that was killed: found again by pid and start time, and ended.

Only what the data folder's stack.json names is touched, and only while it is still the very
process that was started then.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from deploy.local import identity
from deploy.local.folder import Folder
from deploy.secrets import SERVICES

# As the stack itself stops: the gateway first, the stores last.
ORDER = (
    ("gateway",),
    SERVICES,
    ("mailbox",),
    ("provision",),
    ("sentinel", "valkey", "nats", "postgres", "pgbouncer"),
)
SIGNALS = {"postgres": signal.SIGINT}
GRACE_S = 10.0


def end(folder: Folder) -> list[str]:
    """End what an earlier runner left; returns the names. The folder must be ours (`Folder.open`)."""
    recorded = {
        name: (int(process["pid"]), str(process["started"]))
        for name, process in folder.read_stack().get("processes", {}).items()
    }
    left = {name: who for name, who in recorded.items() if identity.is_alive(*who)}
    for group in ORDER:
        _end_together({name: who for name, who in left.items() if service_of(name) in group})
    folder.forget_stack()
    return list(left)


def service_of(process: str) -> str:
    """`token-2` is the second process of `token`."""
    return process.partition("-")[0]


def sweep(folders: Iterable[Path]) -> None:
    """End what killed runners left in these data folders; what has a living runner is not touched."""
    for path in folders:
        folder = Folder(path)
        runner = folder.read_stack().get("runner")
        if runner and not identity.is_alive(int(runner["pid"]), str(runner["started"])):
            end(folder)


def _end_together(processes: dict[str, tuple[int, str]]) -> None:
    for name, (pid, started) in processes.items():
        _signal(pid, started, SIGNALS.get(service_of(name), signal.SIGTERM))
    deadline = time.monotonic() + GRACE_S
    for pid, started in processes.values():
        while identity.is_alive(pid, started):
            if time.monotonic() > deadline:
                _signal(pid, started, signal.SIGKILL)
            time.sleep(0.02)


def _signal(pid: int, started: str, number: signal.Signals) -> None:
    if identity.is_alive(pid, started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
