"""Where there are several: do commits wait for the standby, and does every copy keep up.

A standby, a replica, a copy of a stream that is behind takes over without what it has not received.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from nats.js.api import StreamInfo
from redis.exceptions import RedisError

from deploy.doctor.finding import Finding, fail, ok, warn

_PAGE: Final = "docs/operate/scaling.md"
BEHIND_BYTES: Final = 64 * 1024**2
BEHIND_S: Final = 30
_NO_STANDBY: Final = ("pg_receivewal", "pg_basebackup")
"""They receive the log, too, and take nobody's place. Whose names we may not see may be standbys."""


async def check_standbys(connection: Any) -> AsyncIterator[Finding]:
    """Nothing where there is one PostgreSQL. States and lags are told to a superuser and to `pg_monitor`."""
    waits, commit = await connection.fetchrow(
        "select current_setting('synchronous_standby_names'), current_setting('synchronous_commit')"
    )
    rows = await connection.fetch(
        """
        select application_name as name, state, sync_state,
               coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint as bytes,
               coalesce(extract(epoch from greatest(replay_lag, now() - reply_time)), 0)::int as seconds
          from pg_stat_replication
         order by 1
        """
    )
    standbys = [row for row in rows if row["name"] not in _NO_STANDBY]
    awaited = [row for row in standbys if row["sync_state"] in (None, "sync", "quorum")]
    if waits and not awaited:
        fix = "Bring it back, or take synchronous_standby_names away: until then nothing is committed."
        yield fail("standby", "the one that commits wait for is not there", fix)
    elif standbys and (not waits or commit in ("off", "local")):
        fix = (
            f"If it may take over, name it in synchronous_standby_names, with synchronous_commit=on: {_PAGE}."
        )
        yield warn("standby", "no commit waits for it: what was revoked may come back with it", fix)
    elif standbys:
        yield ok("standby", f"commits wait for {waits}")
    for row in standbys:
        yield _lag(row)


def _lag(row: Any) -> Finding:
    if row["state"] is None:
        fix = "Give provisioning MTAS_SUPERUSER_DATABASE_URL, or grant pg_monitor to the owner."
        return warn("lag of a standby", "is not told to this role", fix)
    check = f"lag of standby {row['name']}"
    behind = f"{row['state']}, {row['bytes']:,} bytes and {row['seconds']} s behind"
    if row["state"] != "streaming" or row["bytes"] > BEHIND_BYTES or row["seconds"] > BEHIND_S:
        fix = f"Is its replay paused, its disk slow or full, the way to it slow? See its log: {_PAGE}."
        return warn(check, behind, fix)
    return ok(check, behind)


async def check_replicas(sentinels: Sequence[Any], name: str) -> Finding:
    """Of Valkey's primary `name`, as the first sentinel that answers knows them."""
    check, reason = "replicas of valkey", "no sentinel"
    for sentinel in sentinels:
        try:
            replicas = await sentinel.sentinel_slaves(name)
            break
        except RedisError as error:
            reason = str(error) or type(error).__name__
    else:
        return warn(check, reason, "Do the sentinels know the primary by this name, and let us ask?")
    away = sorted(f"{each['ip']}:{each['port']}" for each in replicas if not _follows(each))
    if away:
        fix = f"Start it, or look why it does not follow (`primaryuser`, `primaryauth`): {_PAGE}."
        return warn(check, f"not there, or without the primary: {', '.join(away)}", fix)
    if not replicas:
        return warn(check, "none", f"Start one: without it nothing takes over: {_PAGE}.")
    return ok(check, f"{len(replicas)} follow")


def _follows(replica: Any) -> bool:
    away = replica["is_sdown"] or replica["is_odown"] or replica["is_disconnected"]
    return not away and replica.get("master-link-status") == "ok"


def check_copies(name: str, info: StreamInfo) -> Iterator[Finding]:
    """What is not as it should be in a cluster of NATS."""
    if info.cluster is None or not info.cluster.name:
        return
    if info.config.num_replicas == 1:
        fix = f"Provision with MTAS_NATS_REPLICAS=3: {_PAGE}."
        yield warn(f"copies of {name}", "one, though NATS is a cluster", fix)
    away = [peer.name for peer in info.cluster.replicas or [] if peer.offline or not peer.current]
    if away:
        fix = "Bring that server of NATS back; with one more away, events wait."
        yield warn(f"copies of {name}", f"not there, or behind: {', '.join(map(str, away))}", fix)
