"""The product on several of each store: PostgreSQL with a standby, Valkey with Sentinel, three of NATS."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import nats
import nats.errors
import nats.js.errors
import redis

from deploy.local import ports
from deploy.local.nats import CONFIGURATION, Nats
from deploy.local.postgres import Postgres
from deploy.local.process import Process, plain_environment
from deploy.local.secrets import write_private
from deploy.local.stack import Stack
from deploy.local.valkey import CONFIGURATION as VALKEY_CONFIGURATION
from deploy.local.valkey import Valkey, binary
from deploy.secrets import VALKEY_FURTHER
from shared.hosts import nats_options
from tests.chaos.links import Links
from tests.conftest import UNLIMITED
from tests.support.eventually import eventually

SEVERAL: Final = ("postgres", "valkey", "nats")
SENTINELS: Final = ("sentinel", "sentinel-2", "sentinel-3")
SERVERS: Final = ("nats", "nats-2", "nats-3")
PRIMARY: Final = "mtas"  # what the sentinels call it
DOWN_AFTER_S: Final = 2
_PASSWORD: Final = "pw_of_this_test"


class Several(Stack):
    """`postgres` and `valkey` are the ones that take writes now, `standby` and `replica` the others.

    The standby receives by a link, so that what it has not received can be chosen.
    """

    def __init__(
        self, data: Path, several: Collection[str] = SEVERAL, *, instances: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(data, spare_ports=True, limits=UNLIMITED, instances=instances)
        self._several: Final = several
        self.links: Final = Links()

    def _choose_ports(self) -> None:
        super()._choose_ports()
        assert self._public is not None
        names = ("postgres-2", "replication", "valkey-2", *SENTINELS, *SERVERS[1:], *map(_routes, SERVERS))
        for name in names:
            self.ports[name] = ports.spare({*self.ports.values(), self._public.port})

    # What services and provisioning are told ----------------------------------------------------

    def environment(self, service: str, **changes: str) -> dict[str, str]:
        told = super().environment(service)
        if "postgres" in self._several:
            told["MTAS_DATABASE_URL"] = self.hosts(told["MTAS_DATABASE_URL"], "postgres", "postgres-2")
        if "nats" in self._several:
            told["MTAS_NATS_URL"] = self.hosts(told["MTAS_NATS_URL"], *SERVERS)
        if "valkey" in self._several and "MTAS_VALKEY_URL" in told:
            user = told["MTAS_VALKEY_URL"].partition("//")[2].partition("@")[0]
            url = f"redis+sentinel://{user}@:0/{PRIMARY}?sentinel_password={_PASSWORD}"
            told["MTAS_VALKEY_URL"] = self.hosts(url, *SENTINELS)
        return told | changes

    def provisioning(self) -> dict[str, str]:
        told = super().provisioning()
        if "postgres" in self._several:
            for name in ("MTAS_SUPERUSER_DATABASE_URL", "MTAS_OWNER_DATABASE_URL"):
                told[name] = self.hosts(told[name], "postgres", "postgres-2")
        if "nats" in self._several:
            told["MTAS_NATS_URL"] = self.hosts(told["MTAS_NATS_URL"], *SERVERS)
            told["MTAS_NATS_REPLICAS"] = "3"
        return told

    def hosts(self, url: str, *names: str) -> str:
        """The URL with these servers in place of its own."""
        scheme, _, rest = url.partition("://")
        user, _, rest = rest.rpartition("@")
        path = "".join(rest.partition("/")[1:])
        return f"{scheme}://{user}@{','.join(f'127.0.0.1:{self.ports[name]}' for name in names)}{path}"

    # Starting -----------------------------------------------------------------------------------

    def _start_stores(self) -> None:
        super()._start_stores()
        if "nats" in self._several:
            for name in SERVERS[1:]:
                self._spawn(self._nats_server(name).process)
            self._wait_ready(*SERVERS[1:])
        if "valkey" in self._several:
            self._start_replica()
        if "postgres" in self._several:
            self.links.add("replication", self.ports["replication"], self.ports["postgres"])
            self.standby = self._start_standby("postgres-2")

    def stop(self) -> None:
        super().stop()
        self.links.close()

    def _nats(self) -> Nats:
        return self._nats_server("nats") if "nats" in self._several else super()._nats()

    def _nats_server(self, name: str) -> Nats:
        folder = self.folder.nats if name == "nats" else self.folder.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        routes = [f"nats://cluster:{_PASSWORD}@127.0.0.1:{self.ports[_routes(each)]}" for each in SERVERS]
        server = Nats(
            folder,
            self.log(name),
            self.ports[name],
            self.secrets,
            name=name,
            configuration=CONFIGURATION.with_name("cluster.conf"),
            options=("--routes", ",".join(routes)),
        )
        server.process.env = {
            **server.process.env,
            "MTAS_NATS_SERVER_NAME": name,
            "MTAS_NATS_CLUSTER_LISTEN": f"127.0.0.1:{self.ports[_routes(name)]}",
            "MTAS_NATS_CLUSTER_PASSWORD": _PASSWORD,
        }
        return server

    def _valkey(self) -> Valkey:
        return self._valkey_server("valkey") if "valkey" in self._several else super()._valkey()

    def _valkey_server(self, name: str, *options: str) -> Valkey:
        folder = self.folder.valkey if name == "valkey" else self.folder.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        # Sentinel has each server write its configuration anew, with whom it follows.
        configuration = self.folder.run / f"{name}.conf"
        write_private(configuration, f"include {VALKEY_CONFIGURATION}\n")
        return Valkey(
            folder,
            self.folder.run,
            self.log(name),
            self.ports[name],
            self.secrets,
            name=name,
            configuration=configuration,
            options=("--masteruser", "replica", "--masterauth", _PASSWORD, *options),
            more_users=dict.fromkeys(VALKEY_FURTHER, _PASSWORD),
        )

    def _start_replica(self) -> None:
        self.replica = self._valkey_server("valkey-2", "--replicaof", f"127.0.0.1 {self.ports['valkey']}")
        self.replica.prepare()
        self._spawn(self.replica.process)
        for name in SENTINELS:
            self._spawn(self._sentinel(name))
        self._wait_ready("valkey-2", *SENTINELS)

    def _sentinel(self, name: str) -> Process:
        """It writes its own configuration anew, with whom it has met."""
        configuration = self.folder.run / f"{name}.conf"
        lines = (
            f"port {self.ports[name]}",
            "bind 127.0.0.1",
            f"dir {self.folder.run}",
            f"requirepass {_PASSWORD}",
            f"sentinel sentinel-pass {_PASSWORD}",
            f"sentinel monitor {PRIMARY} 127.0.0.1 {self.ports['valkey']} 2",
            f"sentinel auth-user {PRIMARY} sentinel",
            f"sentinel auth-pass {PRIMARY} {_PASSWORD}",
            f"sentinel down-after-milliseconds {PRIMARY} {DOWN_AFTER_S * 1000}",
            f"sentinel failover-timeout {PRIMARY} 10000",
        )
        write_private(configuration, "\n".join(lines) + "\n")
        return Process(
            name=name,
            argv=[str(binary()), str(configuration), "--sentinel"],
            log=self.log(name),
            ready=lambda: self._knows_all(name),
            env=plain_environment(),
        )

    def _knows_all(self, name: str) -> bool:
        """The replica, and the two other sentinels: before that there is no failover."""
        try:
            about = self._ask_sentinel(name)
        except redis.RedisError:
            return False
        return about["num-slaves"] == 1 and about["num-other-sentinels"] == len(SENTINELS) - 1

    def _ask_sentinel(self, name: str) -> dict[str, int]:
        with redis.Redis(port=self.ports[name], password=_PASSWORD, socket_timeout=1) as sentinel:
            return dict(sentinel.sentinel_master(PRIMARY))

    def _start_standby(self, name: str) -> Postgres:
        standby = Postgres(self.folder.path / name, self.log(name), self.ports[name], self.secrets, name=name)
        standby.copy(self.hosts(self.postgres.maintenance_url, "replication"))
        self._spawn(standby.process)
        self._wait_ready(name)
        self.wait_for_standby(standby)
        return standby

    def wait_for_standby(self, standby: Postgres) -> None:
        """From here on a commit waits for it, unless it says otherwise (synchronous_commit)."""

        def ask(sql: str) -> list[str]:
            return self.postgres.query(sql, database="postgres")

        ask(f"alter system set synchronous_standby_names = '\"{standby.name}\"'")
        ask("select pg_reload_conf()")
        eventually(lambda: ask("select sync_state from pg_stat_replication") == ["sync"], within=20)

    # What they say of themselves ----------------------------------------------------------------

    def valkey_primary(self) -> int:
        """The port of the one that the sentinels send clients to."""
        return int(self._ask_sentinel(SENTINELS[0])["port"])

    async def stream_leader(self) -> str:
        """The server that stores every event first, by its name; "" while there is none."""
        client = await nats.connect(
            **nats_options(self.hosts(self.nats.url("ops"), *SERVERS)), error_cb=_quiet
        )
        try:
            info = await client.jetstream(timeout=1).stream_info("MTAS")
            return str(info.cluster.leader or "") if info.cluster else ""
        except (nats.errors.Error, nats.js.errors.Error):
            return ""
        finally:
            await client.close()


async def _quiet(_error: Exception) -> None:
    """One of them is away: that is what it is about."""


def _routes(server: str) -> str:
    return f"routes of {server}"
