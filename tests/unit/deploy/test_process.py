"""Child processes: told apart by pid and start time, stopped, and named when they die."""

import json
import os
import sys
from pathlib import Path

import pytest

from deploy.local import identity, leftovers
from deploy.local.errors import ProcessDied, StackError
from deploy.local.folder import Folder
from deploy.local.process import Process

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def process(tmp_path: Path, code: str, **options: float) -> Process:
    log = tmp_path / "child.log"
    return Process(
        name="child",
        argv=[sys.executable, "-c", code],
        log=log,
        ready=lambda: log.exists() and "up" in log.read_text(),
        **options,  # type: ignore[arg-type]
    )


def test_child_is_ready_then_stops(tmp_path: Path) -> None:
    child = process(tmp_path, SLEEP)
    child.spawn()
    child.wait_ready(10)
    assert child.is_running
    child.stop()
    assert not child.is_running
    assert child.status() == "was ended by SIGTERM"


def test_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    child = process(tmp_path, STUBBORN, grace_s=0.2)
    child.spawn()
    child.wait_ready(10)
    child.stop()
    assert child.status() == "was ended by SIGKILL"


def test_death_names_the_process_and_the_end_of_its_log(tmp_path: Path) -> None:
    child = process(tmp_path, "print('first'); print('last words'); raise SystemExit(3)")
    child.spawn()
    with pytest.raises(ProcessDied, match="child ended with exit code 3") as death:
        child.wait_ready(10)
    assert death.value.log_tail[-1] == "last words"


def test_child_that_never_answers_is_given_up(tmp_path: Path) -> None:
    child = process(tmp_path, "import time; time.sleep(60)")
    child.spawn()
    with pytest.raises(StackError, match="not ready within"):
        child.wait_ready(0.2)
    child.kill()


def test_child_is_started_again_when_what_it_needs_was_not_free(tmp_path: Path) -> None:
    fails_once = f"""
import pathlib
flag = pathlib.Path({str(tmp_path / "second")!r})
if not flag.exists():
    flag.touch()
    print("in use")
    raise SystemExit("\\n".join(["what holds it has more to say, in the same log"] * 40))
"""
    child = process(tmp_path, fails_once + SLEEP)
    child.retry_on = "in use"
    child.spawn()
    child.wait_ready(10)
    child.stop()


def test_what_an_earlier_start_has_written_is_no_reason_to_try_again(tmp_path: Path) -> None:
    child = process(tmp_path, "raise SystemExit('it is broken')")
    child.log.write_text("in use\n")
    child.retry_on = "in use"
    child.spawn()
    with pytest.raises(ProcessDied):
        child.wait_ready(10)


def test_identity_tells_a_process_from_a_later_one(tmp_path: Path) -> None:
    assert identity.is_alive(os.getpid(), str(identity.started(os.getpid())))
    assert not identity.is_alive(os.getpid(), "another boot 1")
    child = process(tmp_path, SLEEP)
    child.spawn()
    started = identity.started(child.pid)
    assert started is not None
    child.kill()
    assert not identity.is_alive(child.pid, started)


def test_leftovers_are_ended_and_others_are_not_touched(tmp_path: Path) -> None:
    left, stranger = process(tmp_path, SLEEP), process(tmp_path, SLEEP)
    left.spawn()
    stranger.spawn()
    folder = Folder(tmp_path / "data")
    folder.open()
    reused = {"pid": stranger.pid, "started": "another boot 1"}
    folder.write_stack({"processes": {"token": left.identity(), "admin": reused}})
    assert leftovers.end(folder) == ["token"]
    assert not left.is_running
    assert stranger.is_running
    assert not folder.stack_file.exists()
    stranger.kill()
    folder.close()


def test_sweep_leaves_a_folder_with_a_living_runner_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.open()
    runner = {"pid": os.getpid(), "started": identity.started(os.getpid())}
    folder.write_stack({"runner": runner, "processes": {}})
    leftovers.sweep([folder.path])
    assert json.loads(folder.stack_file.read_text())["runner"] == runner
    folder.close()


def test_folder_serves_one_runner_at_a_time(tmp_path: Path) -> None:
    first, second = Folder(tmp_path / "data"), Folder(tmp_path / "data")
    first.open()
    with pytest.raises(StackError, match=f"pid {os.getpid()}"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_logs_are_kept_for_three_runs(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.open()
    for run in range(6):
        folder.rotate_log("token")
        folder.log("token").write_text(str(run))
    kept = [(folder.logs / f"token.log{suffix}").read_text() for suffix in ("", ".1", ".2", ".3")]
    assert kept == ["5", "4", "3", "2"]
    assert not (folder.logs / "token.log.4").exists()
    folder.close()
