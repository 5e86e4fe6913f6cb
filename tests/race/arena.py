"""Two token processes on one database, a tenant with its clients, and what the database says."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import asyncpg
import nats

from deploy.local import ports, services
from deploy.local.process import Process
from deploy.local.stack import Stack
from shared.clock import random_bytes
from shared.events.bus import STREAM
from shared.keys import LocalKeySealer, parse_keys
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant, family_id_of, generate_code
from shared.oauth.types import ClientType
from shared.secret import Secret, b64url
from shared.valkey import Valkey, open_valkey
from tests.race.wire import Answer, Lost, Wire
from tests.services.token.conftest import seed_key
from tests.support.seed import Seed, some_slug

VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = b64url(hashlib.sha256(VERIFIER.encode()).digest())
REDIRECT_URI = "https://app.example/callback"
POOL_SIZE = 32  # decisions that one process has under way at once
LONG_GRACE_S = 60  # longer than any trial, however slow the machine


@dataclass(frozen=True)
class Caller:
    """A client, as it authenticates."""

    client_id: str
    authorization: str

    @classmethod
    def of(cls, client_id: str, secret: str) -> "Caller":
        credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return cls(client_id, f"Basic {credentials}")


@dataclass(frozen=True)
class Code:
    code: str
    family_id: UUID
    session_id: UUID


@dataclass
class Grant:
    """One family as its client knows it: every refresh token that it was ever given, oldest first."""

    caller: Caller
    family_id: UUID
    session_id: UUID
    tokens: list[str]
    access_token: str


@dataclass
class Arena:
    """`ask` goes to one process; what is drawn to go at once goes to both."""

    slug: str
    tenant_id: UUID
    user_id: UUID
    patient: Caller  # a client with a grace longer than any trial
    strict: Caller  # a client without grace
    processes: Sequence[Process]
    wires: Sequence[Wire]
    database_url: str
    database: "asyncpg.Connection[asyncpg.Record]"
    valkey: Valkey
    nats_url: str
    presented: int = 0  # refresh tokens with a good MAC that were sent to their own client's endpoint
    requests: int = 0
    codes: int = 0
    lost: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    # Asking ----------------------------------------------------------------------------------

    async def ask(self, at: int, endpoint: str, caller: Caller, **form: str) -> Answer:
        """Raises: Lost, OSError while that process is away."""
        self.requests += 1
        path = f"/t/{self.slug}/{endpoint}"
        try:
            return await self.wires[at].ask(path, urlencode(form).encode(), caller.authorization)
        except (Lost, OSError):
            self.lost += 1
            raise

    async def refresh(self, at: int, caller: Caller, token: str, *, forged: bool = False) -> Answer:
        self.presented += not forged
        return await self.ask(at, "token", caller, grant_type="refresh_token", refresh_token=token)

    async def redeem(self, at: int, caller: Caller, code: str, verifier: str = VERIFIER) -> Answer:
        return await self.ask(
            at, "token", caller,
            grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier,
        )  # fmt: skip

    async def is_active(self, at: int, caller: Caller, token: str) -> bool:
        answer = await self.ask(at, "introspect", caller, token=token)
        assert answer.status == 200, answer
        return bool(answer.body["active"])

    # What a trial begins with ----------------------------------------------------------------

    async def code(self, caller: Caller) -> Code:
        """A code, as the authorize service would have left it in Valkey."""
        code = generate_code(random_bytes).reveal()
        now = datetime.now(UTC)
        session_id = uuid4()
        grant = CodeGrant(
            client_id=caller.client_id,
            redirect_uri=REDIRECT_URI,
            code_challenge=CHALLENGE,
            scope=("openid", "email"),
            resource=None,
            nonce=None,
            user_id=self.user_id,
            session_id=session_id,
            auth_time=now,
            expires_at=now + timedelta(seconds=60),
        )
        await self.valkey.set(code_key(self.tenant_id, code), encode_grant(grant), ex=60)
        self.codes += 1
        return Code(code, family_id_of(self.tenant_id, code), session_id)

    async def grant(self, draw: Random, caller: Caller, *, rotations: int = 0) -> Grant:
        """A fresh family, rotated so many times in peace."""
        code = await self.code(caller)
        answer = await self.redeem(draw.randrange(2), caller, code.code)
        assert answer.status == 200, answer
        grant = Grant(
            caller, code.family_id, code.session_id,
            [answer.body["refresh_token"]], answer.body["access_token"],
        )  # fmt: skip
        for _ in range(rotations):
            answer = await self.refresh(draw.randrange(2), caller, grant.tokens[-1])
            assert answer.status == 200, answer
            grant.tokens.append(answer.body["refresh_token"])
        return grant

    async def stop(self) -> None:
        for wire in self.wires:
            wire.close()
        for process in self.processes:
            process.ask_to_stop()
        for process in self.processes:
            await asyncio.to_thread(process.wait_stopped)

    async def warm(self, number: int) -> None:
        """Connections for a volley of so many."""
        await asyncio.gather(*(wire.warm(number) for wire in self.wires))

    async def reconnect(self) -> None:
        """After PostgreSQL was away."""
        self.database.terminate()
        self.database = await asyncpg.connect(self.database_url)

    # What the database says ------------------------------------------------------------------

    async def query(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with self._turn:
            return [dict(row) for row in await self.database.fetch(statement, *values)]

    async def family(self, family_id: UUID) -> dict[str, Any] | None:
        rows = await self.query(
            "select generation, revoked_at, revoked_reason from token.families"
            " where tenant_id = $1 and family_id = $2",
            self.tenant_id,
            family_id,
        )
        return rows[0] if rows else None

    async def miscounted_calls(self) -> list[str]:
        """What PostgreSQL's own count of decisions says against: a forged token must not reach it.

        Of those that are asked singly: a genuine token is at most once, and a forged one always would be.
        Only after `stop`: a session hands in its counts at its end.
        """
        while await self.query("select 1 from pg_stat_activity where usename = 'mtas_token'"):
            await asyncio.sleep(0.05)
        (row,) = await self.query(
            "select coalesce(sum(calls), 0) as calls from pg_stat_user_functions"
            " where schemaname = 'token' and funcname = 'rotate_family'"
        )
        if row["calls"] <= self.presented:
            return []
        return [f"{row['calls']} decisions about {self.presented} genuine tokens"]

    async def revocations_told(self) -> int:
        """How many events of a family's end JetStream has."""
        client = await nats.connect(self.nats_url)
        try:
            subject = f"mtas.v1.{self.tenant_id}.family.revoked"
            info = await client.jetstream().stream_info(STREAM, subjects_filter=subject)
            return sum((info.state.subjects or {}).values())
        finally:
            await client.close()


@asynccontextmanager
async def opened(stack: Stack, *, count_calls: bool = False) -> AsyncIterator[Arena]:
    """Start the two processes on the stores of `stack`, and make a tenant for them.

    count_calls: have PostgreSQL count the decisions; the stack must be nobody else's.
    """
    seed = Seed(stack.postgres.superuser_url)
    if count_calls:
        await seed.execute("alter database mtas set track_functions = 'pl'")
    slug = some_slug("race")
    # ES256, because it signs faster: what is raced here is the rotation.
    tenant_id = await seed.tenant(slug, signing_alg="ES256")
    callers = {}
    for grace_s in (LONG_GRACE_S, 0):
        name = f"{slug}-{grace_s}"
        secret = await seed.client(tenant_id, name, ClientType.WEB, refresh_grace_s=grace_s)
        assert secret is not None
        callers[grace_s] = Caller.of(name, secret)
    sealer = LocalKeySealer(parse_keys(Secret(stack.secrets["key-encryption-keys"])))
    await seed_key(seed, sealer, tenant_id, "ES256")
    chosen = [ports.spare()]
    chosen.append(ports.spare(chosen))
    valkey = open_valkey(Secret(stack.environment("authorize")["MTAS_VALKEY_URL"]))
    database = await asyncpg.connect(stack.postgres.superuser_url)
    arena = Arena(
        slug,
        tenant_id,
        await seed.user(tenant_id),
        callers[LONG_GRACE_S],
        callers[0],
        [_process(stack, index, port) for index, port in enumerate(chosen)],
        [Wire(port) for port in chosen],
        stack.postgres.superuser_url,
        database,
        valkey,
        stack.nats.url("ops"),
    )
    try:
        for process in arena.processes:
            process.spawn()
        for process in arena.processes:
            await asyncio.to_thread(process.wait_ready, 30)
        yield arena
    finally:
        await arena.stop()
        await valkey.aclose()
        await arena.database.close()


def _process(stack: Stack, index: int, port: int) -> Process:
    environment = stack.environment(
        "token", MTAS_LISTEN_PORT=str(port), MTAS_DATABASE_POOL_SIZE=str(POOL_SIZE)
    )
    name = f"race-token-{index}"
    return services.process("token", port, stack.log(name), environment, name=name)
