"""Run a server that refuses to run as root, when we are root.

PostgreSQL runs as the owner of its data directory: `nobody`, when that is made by root.
Where that user cannot reach the project (a folder below `/root`, say), the server gets
the one capability that lets it read there (Linux, util-linux's `setpriv`).
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

USER = "nobody"


@dataclass(frozen=True)
class RunAs:
    """How to start a command: what to put before it, and the user to become where we are root."""

    prefix: tuple[str, ...] = ()
    user: tuple[int, int] | None = None  # uid, gid: Python becomes it before the command
    owner: tuple[int, int] | None = None  # uid, gid: who must own the server's files

    def run(self, argv: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        """`subprocess.run` as that user, with captured output; Ctrl-C is the runner's to handle."""
        identity: dict[str, object] = {"start_new_session": True}
        if self.user is not None:
            identity |= {"user": self.user[0], "group": self.user[1], "extra_groups": []}
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            [*self.prefix, *argv], capture_output=True, text=True, cwd="/", **identity, **options
        )


def find(probe: Path, data: Path) -> RunAs:
    """How to run programs beside `probe` on files in `data`.

    `probe` is a program that ends with 0 when it finds itself. Raises: StackError when the
    user cannot reach them.
    """
    if os.geteuid() != 0:
        if data.stat().st_uid != os.geteuid():
            raise StackError(f"{data} belongs to another user: run as that one, or set MTAS_DATA")
        return RunAs()
    owner = _owner(data)
    for candidate in _candidates(owner):
        if _reaches(candidate, probe, data):
            return candidate
    raise StackError(
        f"As root, PostgreSQL runs as another user, who cannot reach {probe.parent} and {data}: "
        "move the project below a folder that all may enter, or run as another user than root"
    )


def _owner(data: Path) -> tuple[int, int]:
    status = data.stat()
    if status.st_uid != 0:
        return status.st_uid, status.st_gid
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        raise StackError(f"There is no user {USER!r}: run as another user than root") from None
    return entry.pw_uid, entry.pw_gid


def _candidates(owner: tuple[int, int]) -> list[RunAs]:
    candidates = [RunAs(user=owner, owner=owner)]
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return candidates
    uid, gid = owner
    become = (setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    # Reading anywhere is the least that helps; some containers grant only the wider one.
    for capability in ("dac_read_search", "dac_override"):
        # Without the secure bit, access(2), with which PostgreSQL looks for itself, ignores capabilities.
        caps = (
            f"--inh-caps=-all,+{capability}",
            f"--ambient-caps=-all,+{capability}",
            "--securebits=+no_setuid_fixup",
        )
        candidates.append(RunAs(prefix=(*become, *caps), owner=owner))
    return candidates


def _reaches(candidate: RunAs, probe: Path, data: Path) -> bool:
    script = '"$1" >/dev/null && cd "$2"'
    try:
        return candidate.run(["/bin/sh", "-c", script, "sh", str(probe), str(data)]).returncode == 0
    except OSError:
        return False
