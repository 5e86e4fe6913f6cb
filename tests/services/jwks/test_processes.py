"""Several jwks processes, and many tenants: each thing is done once, and looking for it stays cheap."""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import UUID

import pytest

from deploy.local.stack import Stack
from services.jwks import store
from shared.db import Database
from shared.secret import Secret
from tests.support.seed import Seed

ROOT = Path(__file__).parents[3]
AGED = 60
MANY = 10_000


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers of its own: ten thousand tenants would be in the way of every other test."""
    folder = tmp_path_factory.mktemp("mtas-processes") / "data"
    with Stack(folder, services=(), spare_ports=True, durable=False) as stack:
        yield stack


async def insert_tenants(seed: Seed, prefix: str, count: int, signs_since: timedelta) -> None:
    """With a key each, which has signed for that long; what is sealed is never opened here."""
    await seed.execute(
        "insert into admin.tenants (slug, name, issuer, signing_alg, created_at, updated_at)"
        " select $1 || n, 'n', 'http://localhost/t/' || $1 || n, 'ES256', now(), now()"
        " from generate_series(1, $2::integer) n",
        prefix,
        count,
    )
    await seed.execute(
        "insert into jwks.signing_keys (tenant_id, kid, alg, state, public_jwk, sealed_private_key, kek_id,"
        " created_at, activates_at, longest_ttl_s)"
        " select tenant_id, 'k-' || slug, 'ES256', 'active', '{}', 'x', 'local-1', $2, $2, 86400"
        " from admin.tenants where starts_with(slug, $1)",
        prefix,
        datetime.now(UTC) - signs_since,
    )


@asynccontextmanager
async def process(own: Stack, name: str) -> AsyncIterator[Path]:
    """`python -m services.jwks`, without NATS so that its events stay to be seen; yields its log."""
    log = own.folder.log(name)
    environment = own.environment("jwks", MTAS_NATS_URL="nats://127.0.0.1:1", MTAS_LISTEN_PORT=str(_spare()))
    with log.open("wb") as out:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.jwks"),
            cwd=ROOT,
            env=os.environ | environment,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        child.terminate()
        await asyncio.wait_for(child.wait(), 20)


def _spare() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def made(log: Path) -> list[str]:
    """The tenants for which this process made a key."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["tenant_id"] for line in lines if line["event"] == "signing key made"]


async def test_two_processes_make_each_next_key_once(own: Stack) -> None:
    seed = Seed(own.postgres.superuser_url)
    await insert_tenants(seed, "aged-", AGED, timedelta(days=100))
    async with process(own, "jwks-a") as one, process(own, "jwks-b") as other:
        for _ in range(200):
            rows = await seed.fetch(
                "select tenant_id, state from jwks.signing_keys join admin.tenants using (tenant_id)"
                " where starts_with(slug, 'aged-')"
            )
            if Counter(row["state"] for row in rows) == {"active": AGED, "pending": AGED}:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)  # whoever is late would do it again
    assert Counter(Counter(row["tenant_id"] for row in rows).values()) == {2: AGED}
    events = await seed.fetch("select tenant_id from events.outbox where type = 'signing_key.created'")
    assert set(Counter(event["tenant_id"] for event in events).values()) == {1}
    assert len(events) == AGED
    both = [*made(one), *made(other)]
    assert sorted(both) == sorted({str(row["tenant_id"]) for row in rows}), "nobody made a key in vain"


@pytest.mark.alone
async def test_looking_for_what_is_due_stays_cheap(own: Stack) -> None:
    """At ten thousand tenants of which none is due, which is what nearly every look finds."""
    seed = Seed(own.postgres.superuser_url)
    await insert_tenants(seed, "many-", MANY, timedelta(days=10))
    # Ten years of rotations leave this many keys behind.
    await seed.execute(
        "insert into jwks.signing_keys"
        " (tenant_id, kid, alg, state, public_jwk, kek_id, created_at, activates_at)"
        " select tenant_id, kid || '-' || n, 'ES256', 'retired', '{}', 'local-1', now(), now()"
        " from jwks.signing_keys, generate_series(1, 10) n where starts_with(kid, 'k-many-')"
    )
    await seed.execute("analyze jwks.signing_keys, admin.tenants")
    database = Database(Secret(own.environment("jwks")["MTAS_DATABASE_URL"]), pool_size=1)
    now = datetime.now(UTC)
    took: dict[str, list[float]] = {"due": [], "without": []}
    try:
        for _ in range(10):
            async with database.connection() as connection:
                begun = perf_counter()
                due = await store.list_tenants_with_due_keys(
                    connection, now, now - timedelta(days=89), "local-1", UUID(int=0), 100
                )
                between = perf_counter()
                without = await store.list_tenants_without_key(connection, 100)
                took["due"].append(between - begun)
                took["without"].append(perf_counter() - between)
    finally:
        await database.close()
    assert (due, without) == ([], [])
    medians = {name: sorted(times)[len(times) // 2] for name, times in took.items()}
    print(f"{MANY} tenants: due {medians['due'] * 1e3:.0f} ms, without {medians['without'] * 1e3:.0f} ms")
    assert medians["due"] < 0.5  # every half minute
    assert medians["without"] < 0.1  # every two seconds
