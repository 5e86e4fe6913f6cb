"""Find a Chromium for the end-to-end tests; on Debian, as root, install one where it is missing.

`python -m deploy.local.chromium` prints its path; the tests call `find`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find() -> Path | None:
    """The browser named by MTAS_CHROMIUM, else one that is installed."""
    if named := os.environ.get("MTAS_CHROMIUM"):
        return Path(named)
    on_path = (shutil.which(name) for name in NAMES)
    candidates = [*(Path(path) for path in on_path if path), *(Path(path) for path in MACOS)]
    return next((path for path in candidates if path.exists()), None)


def main() -> int:
    path = find() or _install()
    if path is None:
        print(
            "✗ The end-to-end tests need a browser: install Chromium "
            "(Debian: sudo apt-get install chromium; macOS: brew install --cask chromium), "
            "or set MTAS_CHROMIUM to one",
            file=sys.stderr,
        )
        return 1
    print(path)
    return 0


def _install() -> Path | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    print("  Installing Debian's chromium for the end-to-end tests", file=sys.stderr, flush=True)
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run([*apt, *step], env=environment, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            return None
    return find()


if __name__ == "__main__":
    sys.exit(main())
