"""Two versions side by side: the former one serves, the schema goes ahead, each process follows; and back.

The former version is the code just before the last migration, out of this repository's own history.
"""

import asyncio
import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Final

from deploy.local.process import Process
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from tests.scale.visitors import Visited
from tests.support.product import App, Product

_MIGRATIONS: Final = "deploy/postgres/migrations"


def former_version() -> str:
    """The commit before the one that added the last migration. Raises: CalledProcessError, without git."""
    added = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", _MIGRATIONS)
    return _git("rev-parse", f"{added.decode().strip()}^").decode().strip()


def check_out(commit: str, folder: Path) -> Path:
    """Its files, without touching this checkout."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as files:
        files.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


class TwoVersions(Stack):
    """`code`: where the processes that are started next have theirs from."""

    def __init__(self, data: Path, code: Path, **options: Any) -> None:
        super().__init__(data, **options)
        self.code = code

    def _spawn(self, process: Process) -> None:
        if process.cwd == ROOT:
            process.cwd = self.code
        super()._spawn(process)

    def restart_with(self, name: str, code: Path) -> None:
        self.processes[name].cwd = code
        self.restart(name)


class Versions(Visited):
    """On a TwoVersions, which began with the former version and its schema."""

    async def _roll(self, product: Product, app: App) -> None:
        stack = self._stack
        assert isinstance(stack, TwoVersions)
        former, stack.code = stack.code, ROOT
        await asyncio.to_thread(stack.provision)
        self._did("the schema is the new one")
        for code, word in ((ROOT, "the new"), (former, "the former")):
            for service in SERVICES:
                for name in stack.instances(service):
                    await asyncio.to_thread(stack.restart_with, name, code)
                    await asyncio.sleep(1)
                    self._did(f"{name} has {word} version")
