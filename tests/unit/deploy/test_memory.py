"""What a password took while it was hashed is the system's again afterwards (ADR 0030)."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.services import MALLOC

ROOT = Path(__file__).parents[3]
TWO_AT_A_TIME = """
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shared.passwords import _ARGON2ID

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

before = resident()
with ThreadPoolExecutor(2) as pool:
    list(pool.map(_ARGON2ID.hash, ["a password"] * 6))
    print(resident() - before >> 20)
"""


def test_the_image_and_a_local_run_ask_for_the_same() -> None:
    assert f"ENV GLIBC_TUNABLES={MALLOC}\n" in (ROOT / "deploy" / "Dockerfile").read_text()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_what_a_password_took_goes_back_to_the_system() -> None:
    """Without the setting each of the two threads keeps 19 MiB."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_AT_A_TIME],
        env={"GLIBC_TUNABLES": MALLOC, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) < 19
