"""What is noted of requests for the dashboard: bounded in memory, counted once in the database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from deploy.local.stack import Stack
from services.token.store import SecretHash
from shared.db import Database
from shared.oauth.client_secret import hash_secret
from shared.observations import MAX_DETAIL, MOST_WAITING, NO_CLIENT, Observations
from shared.secret import Secret
from tests.support.seed import Seed, some_slug

NOW = datetime(2026, 5, 4, 10, 20, tzinfo=UTC)


@pytest.fixture
async def observations(stores: Stack) -> AsyncIterator[Observations]:
    database = Database(Secret(stores.postgres.service_url("token")), pool_size=1)
    yield Observations(database)
    await database.close()


async def noted(seed: Seed, tenant_id: UUID) -> dict[tuple[str, str], tuple[str | None, int, datetime]]:
    rows = await seed.fetch("select * from admin.observations where tenant_id = $1", tenant_id)
    return {(row["client_id"], row["kind"]): (row["detail"], row["times"], row["last_at"]) for row in rows}


async def test_the_last_of_each_kind_is_kept_and_all_are_counted(
    seed: Seed, observations: Observations
) -> None:
    ours, theirs = await seed.tenant(some_slug()), await seed.tenant(some_slug())
    for second, uri in enumerate(["https://a.example", "https://b.example", "https://c.example"]):
        observations.note(ours, "acme", "redirect_uri", NOW + timedelta(seconds=second), uri)
        await observations.flush()
    observations.note(ours, NO_CLIENT, "wrong_password", NOW)
    observations.note(ours, NO_CLIENT, "wrong_password", NOW)
    observations.note(ours, "acme", "code_redeemed", NOW)
    observations.note(theirs, "acme", "wrong_secret", NOW)
    await observations.flush()
    assert await noted(seed, ours) == {
        ("acme", "redirect_uri"): ("https://c.example", 3, NOW + timedelta(seconds=2)),
        ("", "wrong_password"): (None, 2, NOW),
        ("acme", "code_redeemed"): (None, 1, NOW),
    }
    days = await seed.fetch("select day, kind, times from admin.activity where tenant_id = $1", ours)
    day = NOW.replace(hour=0, minute=0)
    assert {(row["day"], row["kind"], row["times"]) for row in days} == {
        (day, "refused", 3),
        (day, "failed", 2),
        (day, "granted", 1),
    }
    assert set(await noted(seed, theirs)) == {("acme", "wrong_secret")}


async def test_an_older_note_that_arrives_later_changes_only_the_count(
    seed: Seed, observations: Observations
) -> None:
    tenant_id = await seed.tenant(some_slug())
    observations.note(tenant_id, "acme", "scope", NOW, "newer")
    await observations.flush()
    observations.note(tenant_id, "acme", "scope", NOW - timedelta(minutes=5), "older")
    await observations.flush()
    assert await noted(seed, tenant_id) == {("acme", "scope"): ("newer", 2, NOW)}


async def test_whoever_sends_much_takes_no_room(seed: Seed, observations: Observations) -> None:
    tenant_id = await seed.tenant(some_slug())
    observations.note(tenant_id, "acme", "redirect_uri", NOW, "https://a.example/" + "x" * MAX_DETAIL)
    for number in range(MOST_WAITING + 10):
        observations.note(UUID(int=number), NO_CLIENT, "unknown_client", NOW)
        observations.note(tenant_id, "acme", "redirect_uri", NOW, None)
    assert observations.lost >= 10
    observations._waiting = {key: row for key, row in observations._waiting.items() if key[0] == tenant_id}
    await observations.flush()
    assert await noted(seed, tenant_id) == {("acme", "redirect_uri"): (None, MOST_WAITING + 11, NOW)}


async def test_the_last_use_of_a_secret_is_exact_to_a_minute(seed: Seed, observations: Observations) -> None:
    tenant_id, app_id = await seed.tenant(some_slug()), some_slug()
    secret = await seed.client(tenant_id, app_id)
    assert secret is not None

    async def last_used() -> datetime | None:
        await observations.flush()
        [row] = await seed.fetch(
            "select last_used_at from admin.client_secrets where tenant_id = $1", tenant_id
        )
        used_at: datetime | None = row["last_used_at"]
        return used_at

    assert await last_used() is None
    used = SecretHash(hash_secret(secret), None)
    observations.note_secret(tenant_id, app_id, SecretHash(hash_secret("another"), None), NOW)
    assert await last_used() is None
    for seconds in (0, 1, 59):
        observations.note_secret(tenant_id, app_id, used, NOW + timedelta(seconds=seconds))
    assert await last_used() == NOW
    observations.note_secret(tenant_id, app_id, used, NOW + timedelta(seconds=60))
    assert await last_used() == NOW + timedelta(seconds=60)


async def test_the_database_being_away_stops_nobody(seed: Seed) -> None:
    tenant_id, app_id = await seed.tenant(some_slug()), some_slug()
    away = Observations(Database(Secret("postgresql://x:y@127.0.0.1:1/z"), pool_size=1))
    away.note(tenant_id, app_id, "scope", NOW)
    secret = SecretHash(hash_secret("s"), None)
    away.note_secret(tenant_id, app_id, secret, NOW)
    await away.flush()
    assert away.lost == 2
    away.note_secret(tenant_id, app_id, secret, NOW)
    assert len(away._uses) == 1, "what was lost is noted with the next use"


def test_what_there_is_no_room_for_is_noted_with_the_next_use() -> None:
    observations = Observations(Database(Secret("postgresql://x:y@127.0.0.1:1/z"), pool_size=1))
    secrets = [SecretHash(number.to_bytes(32), None) for number in range(MOST_WAITING + 1)]
    for secret in secrets:
        observations.note_secret(UUID(int=1), "acme", secret, NOW)
    assert observations.lost == 1
    assert [secret.noted_at for secret in secrets[-2:]] == [NOW, None]
