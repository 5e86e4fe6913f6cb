"""What was measured on: enough to tell two machines apart, and no more."""

import os
import platform
import re
import subprocess
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from deploy.local.postgres import MAJOR
from deploy.local.services import ROOT


def describe() -> dict[str, str | int]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "openssl": _said(["openssl", "version"]) or "none",
        "openssl_in_python": backend.openssl_version_text(),
        "postgresql": MAJOR,
        "mtas": _said(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]) or "unknown",
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return _said(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor()
    return found[1] if found else platform.processor() or "unknown"


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
