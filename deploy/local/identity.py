"""Tell one run of a process from the next that gets its number.

A pid alone is not enough to end a process by: numbers are reused. A pid together with the
moment at which the kernel started it is.
"""

import subprocess
from pathlib import Path


def started(pid: int) -> str | None:
    """When the process was started, as an opaque text to compare; None when it is not alive."""
    return _from_proc(pid) if Path("/proc/self/stat").exists() else _from_ps(pid)


def is_alive(pid: int, when: str) -> bool:
    """Whether the process that was started at `when` is still running under this pid."""
    return started(pid) == when


def _from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may itself hold spaces and parentheses: fields are counted after it.
    fields = stat.rpartition(")")[2].split()
    state, starttime = fields[0], fields[19]
    return None if state in ("Z", "X") else f"{boot} {starttime}"


def _from_ps(pid: int) -> str | None:
    ps = subprocess.run(["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    state, _, lstart = ps.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else " ".join(lstart.split())
