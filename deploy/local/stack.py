"""The whole of it, in order: stores, provision, services, gateway; and back again.

`make run` runs one; tests run their own beside it:

    with Stack(tmp_path / "data", spare_ports=True) as stack:
        stack.public_url, stack.postgres.superuser_url, stack.environment("token")
        stack.kill("token"); stack.restart("token")

Not thread-safe: one thread starts, restarts and stops.
"""

import datetime as dt
import itertools
import os
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from deploy.local import identity, leftovers, ports, services, tls
from deploy.local.errors import StackError
from deploy.local.folder import Folder
from deploy.local.gateway import Gateway, PublicUrl, traces_of
from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from deploy.local.process import Process, plain_environment, stop_together
from deploy.local.screen import Quiet, Screen
from deploy.local.secrets import Secrets
from deploy.local.valkey import Valkey
from deploy.secrets import SERVICES, variable
from gateway.render import Limits

STORES = ("postgres", "valkey", "nats")
READY_WITHIN_S = 60.0
PROVISION_WITHIN_S = 90.0


class Stack:
    """A local run on one data folder.

    public_url    where the gateway listens; None: http://localhost on a spare port
    services      which of the four to start; () leaves the stores alone
    instances     how many processes of a service, where not one: token, token-2, token-3
    gateway       whether to start Envoy; by default when all four services are started
    spare_ports   any ports rather than the usual ones: for tests
    durable       False: PostgreSQL does not wait for the disk: for tests
    environment   further settings for the services, over everything else
    limits        the gateway's, where not its own
    python        the services' interpreter, where not this one
    """

    def __init__(
        self,
        data: Path,
        public_url: str | None = None,
        *,
        services: Collection[str] = SERVICES,
        instances: Mapping[str, int] | None = None,
        gateway: bool | None = None,
        spare_ports: bool = False,
        durable: bool = True,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        python: Path | None = None,
        screen: Screen | None = None,
        cancel: Event | None = None,
    ) -> None:
        if unknown := set(services) - set(SERVICES):
            raise StackError(f"There is no service {', '.join(sorted(unknown))}")
        self.folder = Folder(data)
        self.secrets = Secrets(self.folder.secrets)
        self._public = None if public_url is None else PublicUrl.parse(public_url)
        self._services = tuple(name for name in SERVICES if name in services)
        self._instances = {
            name: (name, *(f"{name}-{number}" for number in range(2, (instances or {}).get(name, 1) + 1)))
            for name in SERVICES
        }
        self._with_gateway = len(self._services) == len(SERVICES) if gateway is None else gateway
        self._usual_ports = {} if spare_ports else ports.USUAL
        self._durable = durable
        self._extra = dict(environment or {})
        self._limits = limits
        self._python = python
        self._screen: Screen = screen or Quiet()
        self._cancel = cancel or Event()
        self._processes: dict[str, Process] = {}
        self.ports: dict[str, int] = {}
        self.tls: tls.Tls | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What there is ------------------------------------------------------------------------

    @property
    def public_url(self) -> str:
        assert self._public is not None, "start first"
        return str(self._public)

    @property
    def processes(self) -> Mapping[str, Process]:
        """By name: postgres, valkey, nats, the services, gateway."""
        return self._processes

    def instances(self, service: str) -> tuple[str, ...]:
        """The names of a service's processes, which `processes` and `ports` know them by."""
        return self._instances[service]

    def environment(self, service: str, **changes: str) -> dict[str, str]:
        """What a service is started with; `changes` are variables to replace."""
        return services.environment(
            service,
            public_url=self.public_url,
            ports=self.ports,
            secrets=self.secrets,
            postgres=self.postgres,
            valkey=self.valkey,
            nats=self.nats,
            extra=self._extra | changes,
        )

    def provisioning(self) -> dict[str, str]:
        """What `deploy.provision` is started with."""
        return {
            "MTAS_SUPERUSER_DATABASE_URL": self.postgres.maintenance_url,
            "MTAS_OWNER_DATABASE_URL": self.postgres.owner_url,
            "MTAS_NATS_URL": self.nats.url("ops"),
            **{variable(f"postgres-{name}"): self.secrets[f"postgres-{name}"] for name in SERVICES},
        }

    def log(self, name: str) -> Path:
        return self.folder.log(name)

    # Starting -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything, and return once all of it answers. What fails is stopped again."""
        self.folder.open()
        try:
            self._end_leftovers()
            self._choose_ports()
            self._start_stores()
            self.provision()
            self._move_issuers()
            self._start_front()
        except BaseException:
            self.stop()
            raise

    def _end_leftovers(self) -> None:
        left = leftovers.end(self.folder)
        if left:
            self._screen.note(f"Ended what an earlier run had left behind: {', '.join(left)}")

    def _choose_ports(self) -> None:
        self.secrets.ensure()
        self.ports = ports.choose(self.folder.read_state().get("ports", {}), self._usual_ports)
        for name in itertools.chain.from_iterable(self._instances.values()):
            if name not in self.ports:
                self.ports[name] = ports.spare(self.ports.values())
        if self._public is None:
            self._public = PublicUrl("http", "localhost", ports.spare(self.ports.values()))
        if self._with_gateway:
            self._public.check_free()
            if self._public.scheme == "https":
                self.tls = tls.ensure(self.folder.tls, self._public.host, dt.datetime.now(dt.UTC))
        self.folder.write_state(self.folder.read_state() | {"ports": self.ports})

    def _start_stores(self) -> None:
        folder, log, secrets = self.folder, self.folder.log, self.secrets
        self.nats, self.valkey = self._nats(), self._valkey()
        self.postgres = Postgres(
            folder.postgres, log("postgres"), self.ports["postgres"], secrets, durable=self._durable
        )
        with self._screen.step("Stores") as step:
            self._spawn(self.nats.process)
            self.valkey.prepare()
            self._spawn(self.valkey.process)
            if not self.postgres.is_made:
                step.detail("making the database cluster")
            self.postgres.prepare()
            self._spawn(self.postgres.process)
            self._wait_ready(*STORES)
            step.detail("PostgreSQL, Valkey, NATS")

    def _nats(self) -> Nats:
        return Nats(self.folder.nats, self.log("nats"), self.ports["nats"], self.secrets)

    def _valkey(self) -> Valkey:
        log, port = self.log("valkey"), self.ports["valkey"]
        return Valkey(self.folder.valkey, self.folder.run, log, port, self.secrets)

    def provision(self) -> None:
        """Run `deploy.provision`; done by `start`, and harmless to do again."""
        with self._screen.step("Schema") as step:
            process = Process(
                name="provision",
                argv=[sys.executable, "-m", "deploy.provision"],
                log=self.folder.log("provision"),
                ready=lambda: True,
                env=plain_environment() | self.provisioning(),
                cwd=services.ROOT,
            )
            self._spawn(process)
            process.wait_exit(PROVISION_WITHIN_S, self._cancel)
            del self._processes["provision"]
            self._record()
            step.detail("migrations, roles, streams")

    def _move_issuers(self) -> None:
        """A tenant's issuer is data: when the public URL changes, those below the old one follow."""
        state = self.folder.read_state()
        old = state.get("public_url")
        if old is not None and old != self.public_url:
            moved = self.postgres.query(
                """
                update admin.tenants
                   set issuer = :'new' || substr(issuer, char_length(:'old') + 1), updated_at = now()
                 where starts_with(issuer, :'old' || '/t/')
                returning slug;
                """,
                old=old,
                new=self.public_url,
            )
            if moved:
                self._screen.note(f"The public URL was {old}: issuers moved with it: {', '.join(moved)}")
        self.folder.write_state(state | {"public_url": self.public_url})

    def _start_front(self) -> None:
        """Services and gateway, all at once."""
        if not self._services and not self._with_gateway:
            return
        with self._screen.step("Services") as step:
            started = [name for service in self._services for name in self._instances[service]]
            names = [*started, *(["gateway"] if self._with_gateway else [])]
            step.detail(", ".join(names))
            if set(self._services) & set(services.MAILERS):
                self._spawn(services.mailbox(self.ports, self.log("mailbox")))
                names.append("mailbox")
            for name in started:
                self._spawn(self._service(name))
            if self._with_gateway:
                gateway = self._gateway()
                gateway.prepare()
                self._spawn(gateway.process)
            self._wait_ready(*names)

    def _gateway(self) -> Gateway:
        assert self._public is not None
        log = self.log("gateway")
        upstreams = {
            service: [self.ports[name] for name in names] for service, names in self._instances.items()
        }
        traces = traces_of({**os.environ, **self._extra})
        return Gateway(self._public, self.folder.run, log, upstreams, self.tls, self._limits, traces=traces)

    def _service(self, name: str) -> Process:
        service, port = leftovers.service_of(name), self.ports[name]
        environment = self.environment(service, MTAS_LISTEN_PORT=str(port))
        return services.process(service, port, self.log(name), environment, name=name, python=self._python)

    def _spawn(self, process: Process) -> None:
        self.folder.rotate_log(process.name)
        process.spawn()
        self._processes[process.name] = process
        self._record()

    def _wait_ready(self, *names: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        for name in names:
            self._processes[name].wait_ready(deadline - time.monotonic(), self._cancel)
        self._record()

    # While it runs ------------------------------------------------------------------------

    def start_service(self, name: str) -> None:
        """Start one that was not among `services`."""
        self._spawn(self._service(name))
        self._wait_ready(name)

    def check_running(self) -> None:
        """Raises: ProcessDied for the first process that has ended by itself."""
        for process in self._processes.values():
            process.check_running()

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would; `restart` brings it back."""
        self._processes[name].kill()

    def restart(self, name: str) -> None:
        """Stop it, if it runs, and start it again on the same port and data."""
        process = self._processes[name]
        process.stop()
        process.spawn()
        self._wait_ready(name)

    # Stopping -----------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop everything: first what takes requests, last what keeps them."""
        for group in leftovers.ORDER:
            stop_together(
                [each for name, each in self._processes.items() if leftovers.service_of(name) in group]
            )
        self._processes.clear()
        if self.folder.is_open:
            self.folder.forget_stack()
            self.folder.close()

    def _record(self) -> None:
        """stack.json: what `mtas` and the next run need to know about this one."""
        gateway = self._processes.get("gateway")
        self.folder.write_stack(
            {
                "public_url": self.public_url,
                "gateway_url": self.public_url if gateway is not None else None,
                "tls_ca": None if self.tls is None else str(self.tls.ca),
                "operator_token_file": str(self.secrets.path("operator-token")),
                "logs": str(self.folder.logs),
                "runner": {"pid": os.getpid(), "started": identity.started(os.getpid())},
                "processes": {
                    name: process.identity() | {"port": self._port(name), "log": str(process.log)}
                    for name, process in self._processes.items()
                },
            }
        )

    def _port(self, name: str) -> int | None:
        if name == "gateway":
            return self._public.port if self._public else None
        return self.ports.get(name)
