"""The image: its entry point, what it is made of, and the files it writes for the stores' containers."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.container.__main__ import MODULES
from deploy.secrets import SERVICES, VALKEY_FURTHER, VALKEY_USERS, variable
from shared.version import VERSION

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.container", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=ROOT)


def test_every_service_is_in_the_image() -> None:
    assert set(SERVICES) <= set(MODULES)
    assert [name for name in MODULES.values() if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("what", ["", "sh", "services.token"])
def test_what_it_does_not_know_it_does_not_run(what: str) -> None:
    done = run(what)
    assert done.returncode == 2
    assert "authorize" in done.stderr


def test_a_service_without_its_settings_says_which() -> None:
    done = run("token")
    assert done.returncode == 1
    assert "MTAS_DATABASE_URL is not set" in done.stderr


def test_a_service_that_does_not_answer_is_not_healthy() -> None:
    assert run("healthy", "1").returncode == 1


def test_stores_get_hashes_and_no_password(tmp_path: Path) -> None:
    for name in ("valkey", "nats"):
        (tmp_path / name).mkdir()
    passwords = {variable(f"valkey-{user}"): f"pw_{user}_secret" for user in VALKEY_USERS}
    assert run("stores", str(tmp_path), **passwords).returncode == 0
    written = {path.name: path.read_text() for path in tmp_path.rglob("*.*")}
    assert set(written) == {"users.acl", "valkey.conf", "nats.conf", "cluster.conf"}
    assert "_secret" not in "".join(written.values())
    assert all(line.startswith("user ") for line in written["users.acl"].splitlines())


def test_replicas_and_sentinels_are_let_in_where_they_have_a_password(tmp_path: Path) -> None:
    for name in ("valkey", "nats"):
        (tmp_path / name).mkdir()
    passwords = {variable(f"valkey-{user}"): f"pw_{user}_secret" for user in VALKEY_USERS}
    users = tmp_path / "valkey" / "users.acl"
    assert run("stores", str(tmp_path), **passwords).returncode == 0
    assert "user replica" not in users.read_text()
    passwords |= {variable(f"valkey-{user}"): f"pw_{user}_secret" for user in VALKEY_FURTHER}
    assert run("stores", str(tmp_path), **passwords).returncode == 0
    assert "user replica on #" in users.read_text()
    assert "user sentinel on #" in users.read_text()


def test_while_a_password_is_changed_both_let_in(tmp_path: Path) -> None:
    for name in ("valkey", "nats"):
        (tmp_path / name).mkdir()
    passwords = {variable(f"valkey-{user}"): f"pw_{user}_secret" for user in VALKEY_USERS}
    former = {"MTAS_VALKEY_TOKEN_FORMER_PASSWORD": "pw_former"}
    assert run("stores", str(tmp_path), **passwords, **former).returncode == 0
    lines = (tmp_path / "valkey" / "users.acl").read_text().splitlines()
    assert {line.split()[1]: line.count(" #") for line in lines} == {
        "default": 0,
        "authorize": 1,
        "token": 2,
        "admin": 1,
    }


def test_stores_without_a_password_are_not_set_up(tmp_path: Path) -> None:
    """An empty password would have a hash, too."""
    done = run("stores", str(tmp_path))
    assert done.returncode == 1
    assert "PASSWORD is not set" in done.stderr


def test_package_and_image_have_the_version_that_the_services_say() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert f'org.opencontainers.image.version="{VERSION}"' in (ROOT / "deploy" / "Dockerfile").read_text()


def test_the_image_has_every_file_that_is_not_for_this_machine_alone() -> None:
    """What is new under deploy/ goes into the image, or is known to be of no use there."""
    listed = {
        line[1:].split("/")[1]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line[1:7] == "deploy"
    }
    there = {
        path.name
        for path in (ROOT / "deploy").iterdir()
        if path.suffix != ".yaml" and path.name[0] not in "._"
    }
    of_no_use_there = {
        "Dockerfile",
        "breached_passwords.py",
        "caddy",
        "coolify.py",
        "k8s",
        "local",
        "observe",
        "texts.py",
    }
    assert there - listed == of_no_use_there


def test_the_image_needs_no_package_that_its_lock_leaves_out() -> None:
    """All of its modules are imported, with every other package out of reach."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert {"services.token.app", "services.admin.routes.api.openapi", "shared.http.traced"} <= imported


IMPORTS = """
import importlib, pkgutil, sys
from importlib.metadata import packages_distributions
from deploy import sbom

locked = {sbom.normal(each.name) for each in sbom.installed(sbom.LOCK)}
deploy = ("container", "doctor", "move", "provision")

class OutOfReach:
    def find_spec(self, name, path=None, target=None):
        owners = there.get(name.partition(".")[0], ())
        if owners and not {sbom.normal(owner) for owner in owners} & {*locked, "mtas-server"}:
            raise ModuleNotFoundError(name, name=name)

there = packages_distributions()
sys.meta_path.insert(0, OutOfReach())
importlib.import_module("deploy.cli")
for package in ("services", "shared", "gateway", *("deploy." + name for name in deploy)):
    package = importlib.import_module(package)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            print(module.name)
"""
