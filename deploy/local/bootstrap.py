"""Make `.venv` what the lock file says, then run a command in it.

    python3 deploy/local/bootstrap.py [--dev] [command …]

Standard library only, for any Python >= 3.11: this runs before anything is installed. When
nothing has changed since the last time it costs a few milliseconds.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
OLDEST = (3, 11)


class SetupError(Exception):
    """Said in one line."""


def main(arguments: list[str]) -> None:
    kind = "local"
    if arguments[:1] == ["--dev"]:
        kind = "dev"
        arguments = arguments[1:]
    try:
        check_python()
        ensure_venv()
        ensure_packages(ROOT / "deploy" / "lock" / f"{kind}.txt")
        ensure_project()
    except SetupError as error:
        sys.exit(f"✗ {error}")
    except OSError as error:
        sys.exit(f"✗ {error.filename or VENV}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)
    if arguments:
        command = VENV / "bin" / arguments[0]
        os.chdir(ROOT)
        os.execv(command, [str(command), *arguments[1:]])  # noqa: S606 - no shell is the point


def check_python() -> None:
    if sys.version_info < OLDEST:
        version = sys.version.split()[0]
        raise SetupError(f"Python 3.11 or newer is needed; this is {version} ({sys.executable})")


def ensure_venv() -> None:
    """A virtual environment whose Python works; one that was moved or outdated is made anew."""
    place = VENV / ".place.stamp"
    # Scripts in a virtual environment name its path, so a moved one is of no use.
    if PYTHON.exists() and _read(place) in ("", str(VENV)) and _works():
        return
    say("Making .venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    made = _make_venv()
    if made.returncode != 0 and "ensurepip" in made.stdout + made.stderr:
        _install_debian_venv()
        made = _make_venv()
    if made.returncode != 0:
        raise SetupError(f".venv could not be made: {_last_line(made.stderr or made.stdout)}")
    place.write_text(str(VENV))


def _works() -> bool:
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST} or sys.prefix != {str(VENV)!r})"
    return subprocess.run([PYTHON, "-c", probe], capture_output=True).returncode == 0


def _make_venv() -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)


def _install_debian_venv() -> None:
    """Debian keeps `ensurepip` in a package of its own."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"This Python cannot make virtual environments: sudo apt-get install {package}")
    say(f"Installing Debian's {package}")
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", package]):
        if subprocess.run([*apt, *step], env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            raise SetupError(f"apt-get {step[0]} failed: install {package} by hand")


def ensure_packages(lock: Path) -> None:
    """Exactly the locked packages, checked against their hashes."""
    stamp = VENV / f".{lock.stem}.stamp"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if _read(stamp) == wanted:
        return
    total = len(re.findall(r"^[A-Za-z0-9]", lock.read_text(), re.MULTILINE))
    _pip(["--require-hashes", "--no-deps", "-r", str(lock)], Progress(f"Installing {lock.name}", total))
    stamp.write_text(wanted)


def ensure_project() -> None:
    """The project itself, editable: gives `.venv/bin/mtas`. The lock brought its build backend."""
    stamp = VENV / ".project.stamp"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if _read(stamp) == wanted:
        return
    _pip(["--no-deps", "--no-build-isolation", "-e", str(ROOT)], Progress("Installing MTAS itself", 1))
    stamp.write_text(wanted)


class Progress:
    """One line that moves on a terminal; elsewhere a line for each large download."""

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self.seen = 0
        self.moves = sys.stdout.isatty()
        if not self.moves:
            say(title)

    def read(self, line: str) -> None:
        """A line of pip's output."""
        if re.match(r"(Collecting|Requirement already satisfied:|Ignoring) ", line):
            self.seen += 1
            self.show(line.split()[-1] if line.startswith("Collecting") else "")
        elif download := re.match(r"\s+Downloading (\S+) \(([\d.]+ [kM]B)", line):
            name, size = download[1].rpartition("/")[2], download[2]
            self.show(f"{name.split('-')[0]} ({size})")
            if not self.moves and size.endswith("MB") and float(size.split()[0]) >= 10:
                say(f"  downloading {name} ({size})")
        elif line.startswith("Installing collected packages"):
            self.show("unpacking")

    def show(self, what: str) -> None:
        if self.moves:
            count = f"{min(self.seen, self.total)}/{self.total}"
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write("\r\033[K" + f"  {self.title}  {count}  {what}"[:width])
            sys.stdout.flush()

    def end(self) -> None:
        if self.moves:
            sys.stdout.write("\r\033[K")
            say(f"{self.title}: done")


def _pip(arguments: list[str], progress: Progress) -> None:
    command = [
        str(PYTHON), "-m", "pip", "install",
        "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--retries", "2",
        *arguments,
    ]  # fmt: skip
    with (
        LOG.open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip,
    ):
        assert pip.stdout is not None
        output = []
        for line in pip.stdout:
            log.write(line)
            output.append(line)
            progress.read(line)
    progress.end()
    if pip.returncode != 0:
        raise SetupError(_explain("".join(output)))


def _explain(output: str) -> str:
    """Pip's output, as one line that says what to do."""
    lost = (
        r"NewConnectionError|ConnectTimeoutError|Name or service not known|Temporary failure in name|nodename"
    )
    if re.search(lost, output):
        return f"The package index cannot be reached: check the network, then try again (details: {LOG})"
    if "HASHES" in output:
        return f"A downloaded package is not the one in the lock file (details: {LOG})"
    if missing := re.search(r"No matching distribution found for (\S+)", output):
        return (
            f"There is no {missing[1]} for this platform and Python {sys.version.split()[0]} (details: {LOG})"
        )
    errors = re.findall(r"^ERROR: (.+)$", output, re.MULTILINE)
    return f"{errors[-1] if errors else _last_line(output)} (details: {LOG})"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason given"


def _read(stamp: Path) -> str:
    return stamp.read_text() if stamp.exists() else ""


def say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
