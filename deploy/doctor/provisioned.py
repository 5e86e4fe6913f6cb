"""What provisioning made, seen with its own rights: migrations, streams, consumers, what was set aside."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import nats.errors
import nats.js.errors

from deploy.doctor import several
from deploy.doctor.finding import Finding, fail, ok, warn
from deploy.provision import nats as streams
from deploy.provision.errors import ProvisionError
from deploy.provision.postgres import list_migrations
from deploy.provision.settings import Settings
from shared.hosts import Primary

_NOT_LET_IN = (OSError, asyncpg.PostgresError, asyncpg.InternalClientError, ValueError)
_PROVISION = "Run provisioning with this version: `provision`."


async def check(settings: Settings) -> AsyncIterator[Finding]:
    async for finding in _database(settings):
        yield finding
    async for finding in _streams(settings):
        yield finding


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        connection: Any = await Primary(settings.database_url, timeout_s=5).connect()
    except _NOT_LET_IN as error:
        yield fail("owner of the database", str(error) or type(error).__name__, _PROVISION)
        return
    try:
        if await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
            fix = "Name an owner that is none in MTAS_OWNER_DATABASE_URL: its functions see what it sees."
            yield warn("owner of the database", "is a superuser", fix)
        yield await _migrations(connection)
        async for finding in _standbys(settings, connection):
            yield finding
        yield await _set_aside(connection)
    except asyncpg.UndefinedTableError:
        yield fail("migrations", "none has been applied", _PROVISION)
    finally:
        await connection.close(timeout=5)


async def _standbys(settings: Settings, owner: Any) -> AsyncIterator[Finding]:
    """As a superuser where there is one, for an owner is told no more than that there are standbys."""
    if settings.superuser_url is None:
        async for finding in several.check_standbys(owner):
            yield finding
        return
    try:
        superuser: Any = await Primary(settings.superuser_url, timeout_s=5).connect()
    except _NOT_LET_IN as error:
        fix = "Give provisioning this deployment's MTAS_SUPERUSER_DATABASE_URL, or none."
        yield warn("standby", str(error) or type(error).__name__, fix)
        return
    try:
        async for finding in several.check_standbys(superuser):
            yield finding
    finally:
        await superuser.close(timeout=5)


async def _migrations(connection: Any) -> Finding:
    rows = await connection.fetch("select number, sha256 from provision.migrations")
    applied = {row["number"]: row["sha256"] for row in rows}
    ours = {migration.number: migration for migration in list_migrations()}
    if pending := sorted(ours.keys() - applied.keys()):
        return fail("migrations", f"{len(pending)} are not applied, from {ours[pending[0]]}", _PROVISION)
    if changed := [str(it) for number, it in ours.items() if applied[number] != it.sha256]:
        return fail("migrations", f"{changed[0]} is not what was applied", "Use the image of a release.")
    if newer := len(applied.keys() - ours.keys()):
        return warn("migrations", f"the database is {newer} ahead", "Finish the upgrade, or its way back.")
    return ok("migrations", f"{len(ours)} applied")


async def _set_aside(connection: Any) -> Finding:
    row = await connection.fetchrow(
        "select count(*) as events, (array_agg(type order by parked_at desc))[1] as type,"
        " (array_agg(parked_because order by parked_at desc))[1] as reason"
        " from events.outbox where parked_at is not null"
    )
    if not row["events"]:
        return ok("events set aside", "none")
    found = (
        f"{row['events']} could not be published, the last one {row['type']}: {row['reason'] or 'unknown'}"
    )
    return warn("events set aside", found, "See docs/operate/runbooks.md#events-set-aside.")


async def _streams(settings: Settings) -> AsyncIterator[Finding]:
    try:
        client = await streams.connect(settings)
    except ProvisionError as error:
        yield fail("streams", str(error), "Start NATS with this deployment's secrets.")
        return
    try:
        jetstream = client.jetstream(timeout=5)
        for stream in streams.STREAMS:
            name = str(stream.name)
            info = await jetstream.stream_info(name)
            for finding in several.check_copies(name, info):
                yield finding
            state = f"{info.state.messages} messages, {info.config.num_replicas} copies"
            if info.config.num_replicas != settings.nats_replicas:
                fix = f"MTAS_NATS_REPLICAS is {settings.nats_replicas}: run provisioning."
                yield warn(f"stream {name}", state, fix)
            elif name == "MTAS_DEAD" and info.state.messages:
                yield warn(f"stream {name}", state, "See docs/operate/runbooks.md#events-set-aside.")
            else:
                yield ok(f"stream {name}", state)
        for name in (*streams.CONSUMERS, *settings.subscribers):
            consumer = await jetstream.consumer_info("MTAS", name)
            yield ok(f"consumer {name}", f"{consumer.num_pending} yet to be handled")
    except nats.js.errors.NotFoundError:
        yield fail("streams", "a stream or consumer is not there", _PROVISION)
    except (nats.errors.Error, TimeoutError) as error:
        fix = "Is JetStream on, and does it have a leader? `nats server report jetstream`."
        yield fail("streams", str(error) or type(error).__name__, fix)
    finally:
        await client.close()
