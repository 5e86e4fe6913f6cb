"""The local run itself: it comes back with what it held, whatever ended it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import identity, leftovers
from deploy.local.errors import ProcessDied, StackError
from deploy.local.folder import Folder
from deploy.local.services import ROOT, is_ready
from deploy.local.stack import STORES, Stack


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mtas") / "data"


@pytest.fixture
def own(data: Path) -> Iterator[Stack]:
    with Stack(data, services=(), spare_ports=True, durable=False) as stack:
        yield stack


def register(stack: Stack, slug: str, issuer: str) -> None:
    stack.postgres.query(
        "insert into admin.tenants (slug, name, issuer, created_at, updated_at)"
        " values (:'slug', :'slug', :'issuer', now(), now())",
        slug=slug,
        issuer=issuer,
    )


def test_issuers_move_with_the_public_url(data: Path) -> None:
    old, new = "http://localhost:8080", "https://auth.test:8443"
    with Stack(data, old, services=(), spare_ports=True, durable=False) as stack:
        register(stack, "acme", f"{old}/t/acme")
        register(stack, "elsewhere", "https://login.example.com")
    with Stack(data, new, services=(), spare_ports=True, durable=False) as stack:
        issuers = stack.postgres.query("select issuer from admin.tenants order by slug")
        assert issuers == [f"{new}/t/acme", "https://login.example.com"]


@pytest.mark.parametrize("store", STORES)
def test_killed_store_comes_back_on_its_port(own: Stack, store: str) -> None:
    port = own.ports[store]
    own.kill(store)
    with pytest.raises(ProcessDied, match=f"{store} was ended by SIGKILL"):
        own.check_running()
    own.restart(store)
    own.check_running()
    assert own.ports[store] == port


def test_two_processes_of_a_service_both_answer(data: Path) -> None:
    with Stack(data, services=("token",), instances={"token": 2}, spare_ports=True, durable=False) as stack:
        assert stack.instances("token") == ("token", "token-2")
        assert all(is_ready(stack.ports[name]) for name in stack.instances("token"))
        assert stack.ports["token"] != stack.ports["token-2"]


def test_second_runner_is_refused_and_the_first_goes_on(own: Stack) -> None:
    with pytest.raises(StackError, match="Another run"):
        Stack(own.folder.path, services=(), spare_ports=True).start()
    own.check_running()
    assert own.folder.stack_file.exists()


def test_clean_stop_leaves_nothing_running(data: Path) -> None:
    with Stack(data, services=(), spare_ports=True, durable=False) as stack:
        running = [(process.pid, str(identity.started(process.pid))) for process in stack.processes.values()]
    assert len(running) == len(STORES)
    assert not any(identity.is_alive(*process) for process in running)
    assert not stack.folder.stack_file.exists()


def test_next_run_ends_what_a_killed_runner_left(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from deploy.local.stack import Stack
Stack(Path({str(tmp_path / "data")!r}), services=(), spare_ports=True, durable=False).start()
print("up", flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "up\n"
        left = [(int(p["pid"]), p["started"]) for p in _recorded(tmp_path / "data").values()]
        os.kill(runner.pid, signal.SIGKILL)
    assert all(identity.is_alive(*process) for process in left)
    leftovers.sweep([tmp_path / "data"])
    assert not any(identity.is_alive(*process) for process in left)
    with Stack(tmp_path / "data", services=(), spare_ports=True, durable=False) as stack:
        stack.check_running()


def test_provisioning_again_changes_nothing(own: Stack) -> None:
    applied = own.postgres.query("select number, sha256, applied_at from provision.migrations")
    own.provision()
    assert own.postgres.query("select number, sha256, applied_at from provision.migrations") == applied


def test_migration_that_was_changed_after_it_was_applied_is_refused(own: Stack) -> None:
    own.postgres.query("update provision.migrations set sha256 = 'another' where number = 1")
    with pytest.raises(ProcessDied) as death:
        own.provision()
    assert "migration 0001 (foundation) was changed" in death.value.log_tail[-1]


def _recorded(data: Path) -> dict[str, dict[str, str]]:
    processes: dict[str, dict[str, str]] = Folder(data).read_stack()["processes"]
    return processes
