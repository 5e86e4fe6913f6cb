"""CPU time and resident memory by process, children included (PostgreSQL has many)."""

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_MIB: Final = 1 << 20


class _Process(NamedTuple):
    parent: int
    cpu_s: float
    rss: int


def cpu_s(groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Processor time so far of each group: its processes, their children, and children that have ended."""
    table = _table()
    children: dict[int, list[int]] = defaultdict(list)
    for pid, process in table.items():
        children[process.parent].append(pid)
    return {name: sum(_tree(pid, table, children) for pid in pids) for name, pids in groups.items()}


def machine_cpu_s() -> float | None:
    """What all cores have done so far, for whomever; a hypervisor's other guests too (proc_stat(5))."""
    try:
        ticks = [int(field) for field in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def rss_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """Resident memory of each process by itself, in MiB."""
    table = _table()
    return {name: round(table[pid].rss / _MIB, 1) for name, pid in pids.items() if pid in table}


def _tree(pid: int, table: Mapping[int, _Process], children: Mapping[int, list[int]]) -> float:
    own = table[pid].cpu_s if pid in table else 0.0
    return own + sum(_tree(child, table, children) for child in children.get(pid, ()))


def _table() -> dict[int, _Process]:
    return _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()


def _from_proc() -> dict[int, _Process]:
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    table = {}
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        try:
            # After the command's name, which may hold anything: state, ppid, … (proc_pid_stat(5)).
            fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks = sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
        table[int(entry.name)] = _Process(int(fields[1]), ticks / tick, int(fields[21]) * page)
    return table


def _from_ps() -> dict[int, _Process]:
    """Where there is no /proc (macOS). Children that have ended are not counted there."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss=,time="], capture_output=True, text=True, check=True
    )
    table = {}
    for line in listing.stdout.splitlines():
        pid, parent, rss, time = line.split()
        table[int(pid)] = _Process(int(parent), _seconds(time), int(rss) * 1024)
    return table


def _seconds(time: str) -> float:
    """`[[dd-]hh:]mm:ss[.cc]`."""
    days, _, clock = time.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86_400
