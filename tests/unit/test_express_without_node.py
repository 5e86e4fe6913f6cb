"""Where Node is missing or too old, the Express part says so and fails; nothing else needs it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PREPARE = Path(__file__).parents[2] / "sdk" / "express" / "prepare.sh"


@pytest.mark.parametrize(
    ("node", "said"),
    [
        pytest.param(None, "there is no node on the PATH", id="missing"),
        pytest.param("18", "this is v18.0.0", id="too old"),
    ],
)
def test_what_is_missing_is_said(node: str | None, said: str, tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to(str(shutil.which("dirname")))
    if node is not None:
        fake = tmp_path / "node"
        fake.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo v{node}.0.0 || echo {node}\n')
        os.chmod(fake, 0o755)
    done = subprocess.run(
        ["/bin/sh", PREPARE], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "The Express SDK was not tested: Node 20 or newer is needed" in done.stderr
    assert said in done.stderr
