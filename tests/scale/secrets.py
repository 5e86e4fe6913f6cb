"""Every secret that can be changed without a word to the clients is changed while requests go on: none fails.

In the steps of docs/operate/upgrades.md, with two processes of each service.
"""

import asyncio
import os
from typing import Final

import redis

from deploy.local.secrets import write_private
from deploy.local.stack import Stack
from deploy.local.valkey import Valkey
from deploy.secrets import MAKERS, NATS_USERS, SERVICES, VALKEY_USERS, variable
from deploy.valkey import users_file
from tests.scale.visitors import Visited
from tests.support.eventually import eventually
from tests.support.product import App, Product

OPS: Final = "pw_of_who_operates_valkey"
RESEALED_WITHIN_S: Final = 60.0
TOLD_WITHIN_S: Final = 30.0
_PASSWORDS: Final = (
    *(f"postgres-{service}" for service in SERVICES),
    *(f"valkey-{user}" for user in VALKEY_USERS),
    *(f"nats-{user}" for user in NATS_USERS),
)
_LEFT: Final = "select count(*) from jwks.signing_keys where kek_id <> :'kek_id'"


class Operated(Stack):
    """Its Valkey has somebody who may have the users read anew."""

    def _valkey(self) -> Valkey:
        log, port = self.log("valkey"), self.ports["valkey"]
        more = {"ops": OPS}
        return Valkey(self.folder.valkey, self.folder.run, log, port, self.secrets, more_users=more)


class Secrets(Visited):
    """On a stack that is Operated."""

    async def _roll(self, product: Product, app: App) -> None:
        await self._refresh_token_keys()
        await self._key_encryption_keys()
        await self._passwords_of_stores()

    async def _refresh_token_keys(self) -> None:
        """Known everywhere before anybody signs with it. What the former one signed is spent by then."""
        former = self._stack.secrets["refresh-token-keys"]
        new = "2:" + MAKERS["refresh-token-keys"]().partition(":")[2]
        for keys in (f"{former},{new}", f"{new},{former}", new):
            self._write("refresh-token-keys", keys)
            await self._restart("token")
        self._did("MTAS_REFRESH_TOKEN_KEYS changed")

    async def _key_encryption_keys(self) -> None:
        former = self._stack.secrets["key-encryption-keys"]
        new = "local-2:" + MAKERS["key-encryption-keys"]().partition(":")[2]
        self._write("key-encryption-keys", f"{new},{former}")
        for service in ("token", "jwks"):
            await self._restart(service)
        await asyncio.to_thread(eventually, self._all_are_sealed_anew, within=RESEALED_WITHIN_S)
        self._write("key-encryption-keys", new)
        for service in ("token", "jwks"):
            await self._restart(service)
        self._did("MTAS_KEY_ENCRYPTION_KEYS changed")

    def _all_are_sealed_anew(self) -> bool:
        return self._stack.postgres.query(_LEFT, kek_id="local-2") == ["0"]

    async def _passwords_of_stores(self) -> None:
        """Valkey knows both before a service uses the new one; of PostgreSQL's, services know both. NATS goes
        first, since no request needs it, and what is to be told waits in PostgreSQL."""
        former = {name: self._stack.secrets[name] for name in _PASSWORDS}
        for name in _PASSWORDS:
            self._write(name, MAKERS[name]())
        new = {user: self._stack.secrets[f"valkey-{user}"] for user in VALKEY_USERS}
        self._let_in({user: f"{former[f'valkey-{user}']} {new[user]}" for user in VALKEY_USERS})
        await self._restart_nats()
        for service in SERVICES:
            await self._start_with(service, MTAS_DATABASE_FORMER_PASSWORD=former[f"postgres-{service}"])
        await asyncio.to_thread(self._stack.provision)
        self._let_in(new)
        for service in SERVICES:
            await self._start_with(service)
        await asyncio.to_thread(eventually, self._all_is_told, within=TOLD_WITHIN_S)
        self._did("the passwords of PostgreSQL, Valkey and NATS changed")

    def _let_in(self, passwords: dict[str, str]) -> None:
        """And nobody else; who is connected stays so."""
        path = self._stack.folder.run / "valkey-users.acl"
        write_private(path, users_file(passwords | {"ops": OPS}))
        with redis.Redis(port=self._stack.valkey.port, username="ops", password=OPS) as valkey:
            valkey.execute_command("ACL", "LOAD")

    async def _restart_nats(self) -> None:
        process = self._stack.processes["nats"]
        passwords = {variable(f"nats-{user}"): self._stack.secrets[f"nats-{user}"] for user in NATS_USERS}
        process.env = {**process.env, **passwords}
        await asyncio.to_thread(self._stack.restart, "nats")

    def _all_is_told(self) -> bool:
        return self._stack.postgres.query("select count(*) from events.outbox") == ["0"]

    async def _start_with(self, service: str, **changes: str) -> None:
        """Anew, with what the secrets say now."""
        for name in self._stack.instances(service):
            changes["MTAS_LISTEN_PORT"] = str(self._stack.ports[name])
            self._stack.processes[name].env = self._stack.environment(service, **changes)
        await self._restart(service)

    def _write(self, secret: str, value: str) -> None:
        write_private(self._stack.secrets.path(secret), value + os.linesep)
