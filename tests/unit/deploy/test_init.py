"""`mtas init`: every secret once, for its owner alone, and never over what is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy import secrets
from deploy.init import _ABOUT, init

URL = "https://auth.example.com"


def run(path: Path, *options: str, url: str = URL) -> Result:
    return CliRunner().invoke(init, ["--public-url", url, "--file", str(path), *options])


def read(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE))


def test_every_secret_is_made_and_none_twice(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert run(path).exit_code == 0
    made = read(path)
    names = {secrets.variable(name) for name in secrets.MAKERS}
    assert len(names) == len(secrets.MAKERS)
    assert names <= made.keys()
    assert all(len(made[name]) >= 24 for name in names)
    assert len({made[name] for name in names}) == len(names)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MTAS_FORM_SECRET=in use\n")
    result = run(path)
    assert result.exit_code == 1
    assert "is there" in result.output
    assert "--complete" in result.output
    assert path.read_text() == "MTAS_FORM_SECRET=in use\n"


def test_a_file_of_an_earlier_version_gets_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    run(path)
    whole = read(path)
    path.write_text(
        "".join(line for line in path.read_text().splitlines(True) if "MTAS_JWKS_TOKEN" not in line)
    )
    completed = CliRunner().invoke(init, ["--complete", "--file", str(path)])
    assert completed.exit_code == 0
    assert "MTAS_JWKS_TOKEN" in completed.output
    now = read(path)
    assert now.pop("MTAS_JWKS_TOKEN") not in completed.output
    assert now == {name: value for name, value in whole.items() if name != "MTAS_JWKS_TOKEN"}
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    assert "lacks nothing" in CliRunner().invoke(init, ["--complete", "--file", str(path)]).output
    assert path.read_text() == before


def test_nothing_is_completed_where_there_is_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(init, ["--complete", "--file", str(tmp_path / ".env")])
    assert result.exit_code == 1
    assert "cannot be completed" in result.output
    assert not list(tmp_path.iterdir())


def test_a_new_deployment_needs_its_origin(tmp_path: Path) -> None:
    result = CliRunner().invoke(init, ["--file", str(tmp_path / ".env")])
    assert result.exit_code == 2
    assert "--public-url" in result.output


def test_nor_is_what_a_link_points_to(tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / ".env"
    path.symlink_to(other)
    assert run(path).exit_code == 1
    assert not other.exists()


def test_no_secret_is_printed(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    output = run(path).output
    assert not [name for name in map(secrets.variable, secrets.MAKERS) if read(path)[name] in output]


@pytest.mark.parametrize(
    "url", ["http://auth.example.com", "https://auth.example.com/auth", "auth.example.com"]
)
def test_an_origin_that_services_would_refuse_is_refused_here(tmp_path: Path, url: str) -> None:
    assert run(tmp_path / ".env", url=url).exit_code == 2
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize(
    ("options", "url", "expected"),
    [
        ([], URL, {"MTAS_TRUSTED_PROXIES": "1", "COMPOSE_FILE": "compose.yaml"}),
        ([], "http://localhost:9000", {"MTAS_BIND": "127.0.0.1:9000", "MTAS_TRUSTED_PROXIES": None}),
        (["--tls", "certificate"], URL, {"COMPOSE_FILE": "compose.yaml:compose.certificate.yaml"}),
        (["--tls", "acme"], URL, {"MTAS_PUBLIC_HOST": "auth.example.com", "MTAS_TRUSTED_PROXIES": None}),
    ],
    ids=["behind a proxy", "this machine", "own certificate", "acme"],
)
def test_who_terminates_tls(
    tmp_path: Path, options: list[str], url: str, expected: dict[str, str | None]
) -> None:
    assert run(tmp_path / ".env", *options, url=url).exit_code == 0
    made = read(tmp_path / ".env")
    assert {name: made.get(name) for name in expected} == expected


def test_every_kind_of_secret_is_explained() -> None:
    assert {name.partition("-")[0] for name in secrets.MAKERS} == set(_ABOUT)


def test_version_names_the_commit() -> None:
    command = [sys.executable, "-m", "deploy.cli", "--version"]
    done = subprocess.run(
        command,
        env={"MTAS_COMMIT": "abc123"},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert re.fullmatch(r"mtas \d+\.\d+\.\d+ \(abc123\)\n", done.stdout)
