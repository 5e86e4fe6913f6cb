"""Which Python the services are measured in."""

import os
import platform
import sys
from pathlib import Path

import pytest

from tests.bench.image import Python, _found, quickest

OURS = Python("ours", "3.11.7", 0.0030)


def test_another_python_is_used_when_it_is_clearly_quicker() -> None:
    optimised = Python("optimised", "3.11.2", 0.0024)
    assert quickest([OURS, Python("old", "3.12.1", 0.0031), optimised]) == optimised


def test_ours_is_used_when_no_other_is_clearly_quicker() -> None:
    assert quickest([OURS, Python("alike", "3.12.1", 0.0029)]) == OURS


def test_what_only_calls_itself_python_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretends = tmp_path / "python3"
    pretends.write_text("#!/bin/sh\nexit 127\n")
    pretends.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (ours,) = _found()
    assert ours.version == platform.python_version()
    assert ours.path == os.path.realpath(sys.executable)
