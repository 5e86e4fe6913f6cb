"""Where there are several: do commits wait for the standby, and are all copies of a stream there."""

from collections.abc import Iterator
from typing import Any, Final

from nats.js.api import StreamInfo

from deploy.doctor.finding import Finding, fail, ok, warn

_PAGE: Final = "docs/operate/scaling.md"
_NO_STANDBY: Final = ("pg_receivewal", "pg_basebackup")
"""They receive the log, too, and take nobody's place. Whose names we may not see may be standbys."""


async def check_standby(connection: Any) -> Finding | None:
    """None where there is one PostgreSQL."""
    waits, commit = await connection.fetchrow(
        "select current_setting('synchronous_standby_names'), current_setting('synchronous_commit')"
    )
    rows = await connection.fetch("select application_name as name from pg_stat_replication")
    standbys = [row for row in rows if row["name"] not in _NO_STANDBY]
    if waits and not standbys:
        fix = "Bring it back, or take synchronous_standby_names away: until then nothing is committed."
        return fail("standby", "the one that commits wait for is not there", fix)
    if not standbys:
        return None
    if not waits or commit in ("off", "local"):
        fix = (
            f"If it may take over, name it in synchronous_standby_names, with synchronous_commit=on: {_PAGE}."
        )
        return warn("standby", "no commit waits for it: what was revoked may come back with it", fix)
    return ok("standby", f"commits wait for {waits}")


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
