"""The services behind PgBouncer in transaction mode: a few connections to PostgreSQL for all of them."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from deploy.local import ports, unprivileged
from deploy.local.errors import StackError
from deploy.local.postgres import binaries
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import write_private
from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from tests.chaos.broken import AWAY_S

OLDEST: Final = (1, 21)  # knows prepared statements in transaction mode
CONNECTIONS: Final = 3  # of each service's role, to PostgreSQL, whatever its processes open


def find() -> Path | None:
    """MTAS_PGBOUNCER, else the one that is installed; None when there is none, or it is too old."""
    named = os.environ.get("MTAS_PGBOUNCER") or shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(named).exists():
        return None
    said = subprocess.run([named, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.match(r"PgBouncer (\d+)\.(\d+)", said)
    return Path(named) if version and (int(version[1]), int(version[2])) >= OLDEST else None


class Pooled(Stack):
    """Provisioning goes to PostgreSQL itself: it holds a lock for as long as its session."""

    def __init__(self, data: Path, **options: Any) -> None:
        super().__init__(data, **options)
        found = find()
        if found is None:
            raise StackError("PgBouncer 1.21 or newer is not installed, nor named by MTAS_PGBOUNCER")
        self._binary: Final = found

    def environment(self, service: str, **changes: str) -> dict[str, str]:
        told = super().environment(service)
        there, here = (f"127.0.0.1:{self.ports[name]}/" for name in ("postgres", "pgbouncer"))
        return told | {"MTAS_DATABASE_URL": told["MTAS_DATABASE_URL"].replace(there, here)} | changes

    def _start_stores(self) -> None:
        self.ports["pgbouncer"] = ports.spare(self.ports.values())
        super()._start_stores()
        self._spawn(self._pgbouncer())
        self._wait_ready("pgbouncer")

    def _pgbouncer(self) -> Process:
        folder, port = self.folder.path / "pgbouncer", self.ports["pgbouncer"]
        folder.mkdir(mode=0o700)
        users = [f'"mtas_{name}" "{self.secrets[f"postgres-{name}"]}"' for name in SERVICES]
        write_private(folder / "users.txt", "\n".join(users) + "\n")
        write_private(folder / "pgbouncer.ini", _configuration(port, self.ports["postgres"], folder))
        shutil.chown(folder, *self._owner())
        for path in folder.iterdir():
            shutil.chown(path, *self._owner())
        run_as = unprivileged.find(binaries() / "pg_config", folder)  # as root it does not run
        return Process(
            name="pgbouncer",
            argv=[*run_as.prefix, str(self._binary), str(folder / "pgbouncer.ini")],
            log=self.log("pgbouncer"),
            ready=lambda: _listens(port),
            env=plain_environment(),
            user=run_as.user,
        )

    def _owner(self) -> tuple[int, int]:
        status = self.postgres.folder.stat()
        return status.st_uid, status.st_gid

    def connections(self) -> int:
        """Of all services together, that PostgreSQL sees."""
        sql = "select count(*) from pg_stat_activity where usename like 'mtas\\_%'"
        return int(self.postgres.query(sql)[0])


def kill(stack: Pooled, notes: dict[str, float]) -> float:
    notes["connections"] = stack.connections()
    gone = time.monotonic()
    stack.kill("pgbouncer")
    time.sleep(AWAY_S)
    stack.restart("pgbouncer")
    return gone


def _configuration(port: int, postgres: int, folder: Path) -> str:
    return f"""\
[databases]
mtas = host=127.0.0.1 port={postgres}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
max_prepared_statements = 200
default_pool_size = {CONNECTIONS}
max_client_conn = 1000
"""


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
