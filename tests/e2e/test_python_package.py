"""The Python SDK as its users get it: built, checked, installed where nothing else is, and the guides' quick
starts run there as they stand, against the whole product."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.ports import spare
from tests.support.product import PASSWORD, Product

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "sdk"
TOOLS = Path(sys.executable).parent
QUICK_STARTS = ("litestar", "fastapi", "flask", "django", "asgi")
NAVIGATE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    _run([TOOLS / "python", "-m", "build", "--no-isolation", "--outdir", folder, ROOT / "sdk" / "python"])
    return folder


@pytest.fixture(scope="module")
def wheels(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the guides install, fetched once: each environment is then made in a moment."""
    folder = tmp_path_factory.mktemp("wheels")
    installs = " ".join(_blocks(GUIDES / f"{guide}.md")[0].code for guide in QUICK_STARTS)
    named = {word for word in shlex.split(installs) if word.startswith("mtas[")} | {"uvicorn", "pytest"}
    _run([TOOLS / "pip", "download", "-q", "-d", folder, *(_built(word, built) for word in sorted(named))])
    return folder


@pytest.fixture(scope="module")
def followed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], "Place"]:
    """By the name of a guide: a folder where its quick start was installed and written down."""

    @cache
    def follow(guide: str) -> Place:
        place = Place(tmp_path_factory.mktemp(guide))
        install, settings, *files, start = _blocks(GUIDES / f"{guide}.md")
        place.install(install.code, wheels)
        for file in files:
            with (place.folder / file.path).open("a" if file.is_appended else "w") as written:
                written.write(file.code)
        place.variables = [line.partition("=")[0] for line in settings.code.splitlines()]
        place.start = start.code
        return place

    return follow


def test_the_package_is_as_an_index_wants_it(built: Path) -> None:
    wheel, source = sorted(built.glob("*.whl")), sorted(built.glob("*.tar.gz"))
    assert (len(wheel), len(source)) == (1, 1)
    _run([TOOLS / "twine", "check", "--strict", *wheel, *source])
    names = zipfile.ZipFile(wheel[0]).namelist()
    assert "mtas/py.typed" in names
    assert all(name.startswith(("mtas/", "mtas-")) for name in names)
    assert not [name for name in names if "test_" in name or "__pycache__" in name]


@pytest.mark.parametrize("guide", QUICK_STARTS)
def test_a_quick_start_signs_in(guide: str, followed: Callable[[str], "Place"], product: Product) -> None:
    place = followed(guide)
    port = spare()
    origin = f"http://localhost:{port}"
    app = product.register_app(redirect_uris=[f"{origin}/auth/callback"])
    email, user_id = product.create_user(app)
    given = {
        "MTAS_ISSUER": app.issuer,
        "MTAS_APP_ID": app.client_id,
        "MTAS_APP_SECRET": str(app.client_secret),
        "MTAS_APP_URL": origin,
        "MTAS_COOKIE_SECRETS": "a cookie secret for the quick start's test",
    }
    assert place.variables == list(given)
    (place.folder / ".env").write_text("".join(f"{name}={shlex.quote(given[name])}\n" for name in given))
    assert "8000" in place.start
    with _serving(place.start.replace("8000", str(port)), place, origin):
        hello = _sign_in(product, f"{origin}/hello", email)
    assert hello == {"sub": user_id, "email": email}


def test_an_apps_own_tests_need_no_server(followed: Callable[[str], "Place"], wheels: Path) -> None:
    """The guide's test of FastAPI's quick start, by the fixtures that the package brings."""
    place = followed("fastapi")
    place.install("pip install pytest", wheels)
    [test] = re.findall(
        r"^```python\n(.*?)^```$", (GUIDES / "python.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (place.folder / "test_hello.py").write_text(test)
    place.run(["pytest", "-q", "-p", "no:cacheprovider"])


class Place:
    """A folder, and a shell in which its own virtual environment is active."""

    variables: list[str]
    start: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _run([TOOLS / "uv", "venv", "-q", "--python", sys.executable, folder / "venv"])
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("MTAS_", "PYTHON"))}
        self.environ = ours | {"PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}"}

    def run(self, command: Sequence[object]) -> None:
        _run(command, cwd=self.folder, env=self.environ)

    def install(self, script: str, wheels: Path) -> None:
        """What a guide says, with the package that was built in place of an index's."""
        for line in script.splitlines():
            command = shlex.split(line)
            if command[:2] == ["pip", "install"]:
                python = self.folder / "venv" / "bin" / "python"
                uv = [str(TOOLS / "uv"), "pip", "install", "-q", "--python", str(python)]
                command = [*uv, "--offline", "--no-index", "--find-links", str(wheels), *command[2:]]
            self.run(command)


def _built(requirement: str, built: Path) -> str:
    [wheel] = built.glob("*.whl")
    return re.sub(r"^mtas(\[\w+\])?$", rf"mtas\1 @ {wheel.as_uri()}", requirement)


class Block:
    """A block of a guide's quick start, and the words before it, which say in which file it belongs."""

    def __init__(self, code: str, before: str) -> None:
        self.code = code
        found = re.findall(r"`([\w./]+\.py)`", before)
        self.path = found[-1] if found else ""
        self.is_appended = "At the end of" in before


def _blocks(guide: Path) -> list[Block]:
    text = guide.read_text().partition("## Quick start")[2].partition("\n## ")[0]
    parts = re.split(r"^```\w+\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [Block(code, before) for before, code in zip(parts[0::2], parts[1::2], strict=False)]


@contextmanager
def _serving(script: str, place: Place, origin: str) -> Iterator[None]:
    """While the guide's command runs, in a shell as it stands."""
    shell = subprocess.Popen(
        ["sh", "-ec", script], cwd=place.folder, env=place.environ, start_new_session=True
    )
    with shell:
        try:
            deadline = time.monotonic() + 30
            while not _answers(origin):
                assert shell.poll() is None, "the quick start ended by itself"
                assert time.monotonic() < deadline, "the quick start does not answer"
                time.sleep(0.05)
            yield
        finally:
            os.killpg(shell.pid, signal.SIGTERM)


def _answers(origin: str) -> bool:
    try:
        httpx2.get(origin, timeout=5)
    except httpx2.TransportError:
        return False
    return True


def _sign_in(product: Product, url: str, email: str) -> object:
    """Load a page of the app as a browser does, sign in where it leads, and come back to it."""
    with product.browser() as browser:
        browser.http.headers |= NAVIGATE
        page = browser.http.get(url, follow_redirects=True)
        assert page.url.path.startswith("/t/"), (page.url, page.text)
        back = browser.submit(page, {"email": email, "password": PASSWORD})
        page = browser.http.get(back.headers["location"], follow_redirects=True)
        assert (str(page.url), page.status_code) == (url, 200), page.text
        return page.json()


def _run(command: Sequence[object], **options: Any) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
