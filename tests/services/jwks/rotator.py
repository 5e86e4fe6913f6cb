"""One tenant's keys and a clock to turn: a jwks process without its loop, and a token process to sign."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from deploy.local.stack import Stack
from services.jwks.flows import rotation
from services.jwks.flows.context import Context
from services.jwks.flows.fetches import Fetches
from services.jwks.flows.publication import PublishedKeys
from services.jwks.flows.schedule import Schedule
from services.token.flows.signing_keys import SigningKeys
from shared.db import Database
from shared.directory import Directory
from shared.events.bus import Bus
from shared.events.outbox import Relay
from shared.keys import KeySealer, LocalKeySealer, parse_keys
from shared.secret import Secret
from tests.support.clock import FakeClock
from tests.support.seed import Seed, some_slug

DAY = 86_400
MAX_AGE = 300
SCHEDULE = Schedule.of(
    rotation_s=90 * DAY, lead_s=DAY, jwks_max_age_s=MAX_AGE, cache_ttl_s=30.0, wait_s=3 * DAY
)


@dataclass
class Rotator:
    context: Context
    signing: SigningKeys
    clock: FakeClock
    seed: Seed
    tenant_id: UUID
    slug: str

    async def turn(self) -> bool:
        """What the jwks process does regularly; and the token process hears of it."""
        done = await rotation.turn(self.context, self.tenant_id)
        self.signing.forget(self.tenant_id)
        return done

    async def later(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        return await self.turn()

    async def alg(self, alg: str) -> None:
        self.clock.advance(1)
        await self.set(signing_alg=alg)

    async def set(self, **settings: Any) -> None:
        for name, value in settings.items():
            await self.seed.execute(
                f"update admin.tenants set {name} = $2 where tenant_id = $1", self.tenant_id, value
            )

    async def keys(self) -> list[dict[str, Any]]:
        return await self.seed.fetch(
            "select * from jwks.signing_keys where tenant_id = $1 order by created_at, kid", self.tenant_id
        )

    async def states(self) -> list[str]:
        return [key["state"] for key in await self.keys()]

    async def kid(self, state: str) -> str:
        (kid,) = [key["kid"] for key in await self.keys() if key["state"] == state]
        return str(kid)

    async def events(self) -> list[tuple[str, str]]:
        rows = await self.seed.fetch(
            "select type, subject from events.outbox where tenant_id = $1 order by position", self.tenant_id
        )
        return [(row["type"].removeprefix("signing_key."), row["subject"]) for row in rows]

    async def sign(self, ttl_s: int = 600, alg: str = "RS256") -> str:
        """As the token service does, with its role and its choice of key."""
        key = await self.signing.active(self.tenant_id, alg)
        claims = {"exp": int(self.clock().timestamp()) + ttl_s}
        return key.sign("at+jwt", claims)

    async def jwks(self) -> bytes:
        document = await self.context.published.document(self.tenant_id)
        assert document is not None
        return document.body


def verifies(token: str, jwks: bytes) -> bool:
    try:
        jwt.decode(token, KeySet.import_key_set(msgspec.json.decode(jwks)), algorithms=["RS256", "ES256"])
    except (JoseError, ValueError):
        return False
    return True


@asynccontextmanager
async def rotator(
    stores: Stack,
    seed: Seed,
    clock: FakeClock,
    *,
    keks: str | None = None,
    sealer: KeySealer | None = None,
    of: Rotator | None = None,
) -> AsyncIterator[Rotator]:
    """`of`: another process for the same tenant. `keks`: other key-encryption keys than the stack's."""
    environment = {name: stores.environment(name)["MTAS_DATABASE_URL"] for name in ("jwks", "token")}
    jwks, token = (Database(Secret(environment[name]), pool_size=3) for name in ("jwks", "token"))
    sealer = sealer or LocalKeySealer(parse_keys(Secret(keks or stores.secrets["key-encryption-keys"])))
    context = Context(
        database=jwks,
        directory=Directory(jwks, ttl_s=30.0),
        fetches=Fetches(jwks),
        published=PublishedKeys(jwks, ttl_s=30.0, stale_s=SCHEDULE.stale_s),
        sealer=sealer,
        schedule=SCHEDULE,
        relay=Relay(jwks, Bus(Secret("nats://127.0.0.1:1"), "jwks"), "jwks"),
        clock=clock,
        jwks_max_age_s=MAX_AGE,
    )
    signing = SigningKeys(token, sealer, ttl_s=30.0, parsed=10)
    slug = of.slug if of is not None else some_slug()
    tenant_id = of.tenant_id if of is not None else await seed.tenant(slug)
    try:
        yield Rotator(context, signing, clock, seed, tenant_id, slug)
    finally:
        await jwks.close()
        await token.close()
