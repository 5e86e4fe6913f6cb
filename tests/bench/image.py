"""What the services are measured in: the packages of the image, and a Python as quick as its own.

In the developers' environment a benchmark would measure what nobody runs: Litestar loads what it finds of the
tests' libraries, 10 MiB a process; and the first Python on the path is often one that was built without
optimisation, which takes a quarter longer for everything but signatures. The image has an optimised one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from deploy.local.services import ROOT

LOCK: Final = ROOT / "deploy" / "lock" / "services.txt"
NAMES: Final = ("python3", *(f"python3.{minor}" for minor in range(11, 16)))
CLEARLY: Final = 0.9
"""Another Python than this one is used when it takes this share of its time, or less."""

_PROBE: Final = """
import os, platform, sys, timeit
assert sys.version_info >= (3, 11) and sys.implementation.name == "cpython"
def work():
    found = {}
    for number in range(20_000):
        found[number % 100] = str(number).rjust(8).encode() if number % 3 else (number, number + 1)
seconds = min(timeit.repeat(work, number=1, repeat=9))
print(platform.python_version(), seconds, os.path.realpath(sys.executable))
"""


class InstallError(Exception):
    """What stops the installation; the message says what to do."""


class Python(NamedTuple):
    path: str
    version: str
    seconds: float
    """For a piece of work that is nothing but Python."""


def install(folder: Path) -> Python:
    """Make a virtual environment of it, in a new `folder`. Raises: InstallError."""
    chosen = quickest(list(_found()))
    installed = str(folder / "bin" / "python")
    _run([chosen.path, "-m", "venv", "--without-pip", str(folder)])
    locked = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(LOCK))
    _run([sys.executable, "-m", "pip", "--python", installed, "install", "--quiet", *locked])
    return chosen._replace(path=installed)


def quickest(found: Sequence[Python]) -> Python:
    """The first, which is this one, unless another is clearly quicker."""
    best = min(found, key=lambda python: python.seconds)
    return best if best.seconds <= CLEARLY * found[0].seconds else found[0]


def _found() -> Iterator[Python]:
    """This Python, then every other on the path that is new enough."""
    seen: set[str] = set()
    for path in (os.path.realpath(sys.executable), *_on_the_path()):
        if (python := _probed(path)) and python.path not in seen:
            seen.add(python.path)
            yield python


def _on_the_path() -> Iterator[str]:
    for folder in os.get_exec_path():
        yield from (str(Path(folder, name)) for name in NAMES if os.access(Path(folder, name), os.X_OK))


def _probed(path: str) -> Python | None:
    """None for what is too old, or is no Python: a version manager's stand-in, say."""
    try:
        said = subprocess.run(
            [path, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=True
        )
        version, seconds, real = said.stdout.split(maxsplit=2)
        return Python(real.strip(), version, float(seconds))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise InstallError(
            f"The image's packages could not be installed: {last}. --packages here does without."
        )
