"""Architecture is a failing build: imports, generated documents, docstrings, the size of rooms."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("authorize", "token", "jwks", "admin")
ROOMS = ("__init__.py", "__main__.py", "app.py", "settings.py", "flows/__init__.py")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def tracked(*patterns: str) -> list[Path]:
    names = run("git", "ls-files", "-z", "--", *patterns).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_the_import_contracts_hold() -> None:
    result = run(str(Path(sys.executable).with_name("lint-imports")))
    assert result.returncode == 0, result.stdout


def test_generated_documents_are_up_to_date() -> None:
    result = run(sys.executable, "-m", "docs.generate", "--check")
    assert result.returncode == 0, f"{result.stdout}{result.stderr}(make docs)"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    house = ROOT / "services" / service
    assert [room for room in ROOMS if not (house / room).exists()] == []
    for room in ("routes", "store"):
        assert (house / f"{room}.py").exists() or (house / room / "__init__.py").exists()


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in tracked("services/*.py", "shared/*.py", "gateway/*.py", "deploy/*.py")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_rooms_stay_small() -> None:
    large = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py", "*.sql", "*.html", "*.css", "*.js", "*.mjs", "*.ts")
        if (lines := len(path.read_text().splitlines())) > 350
    }
    assert large == {}


def test_time_and_randomness_are_given() -> None:
    """Only shared/clock.py asks the system; flows are handed a clock and entropy."""
    asks = re.compile(r"datetime\.now\(|utcnow\(|time\.time\(|secrets\.token|os\.urandom|uuid4\(")
    offenders = [
        str(path.relative_to(ROOT))
        for path in tracked("services/*/flows/*.py", "services/*/store*", "shared/oauth/*.py")
        if path.suffix == ".py" and asks.search(path.read_text())
    ]
    assert offenders == []


def test_there_is_one_way_to_a_password() -> None:
    """Where the tries are counted: a second way would be a way around the limits."""
    ways = {
        str(path.relative_to(ROOT))
        for path in tracked("services/*.py")
        if "passwords.verify(" in path.read_text()
    }
    assert ways == {f"services/{name}/flows/check_password.py" for name in ("authorize", "admin")}


def test_nothing_committed_names_a_registry_or_a_machine() -> None:
    registries = ["python" + "hosted", "npm" + "js.", "pypi" + ".org"]
    paths = re.compile(r"(^|[^A-Za-z0-9_.$}-])/(" + "work|root|farm" + r")/", re.MULTILINE)
    offenders = []
    for path in tracked("."):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if any(registry in text for registry in registries) or paths.search(text):
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []
