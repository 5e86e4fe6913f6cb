"""Everything that `make scale` runs, by name, each on servers of its own."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from deploy.local.stack import Stack
from tests.chaos.rolling import TWO_EACH, Rolling
from tests.conftest import UNLIMITED
from tests.scale.failover import FAILOVERS, Outcome, observe, run_alone
from tests.scale.pgbouncer import Pooled, kill
from tests.scale.secrets import Operated, Secrets
from tests.scale.versions import TwoVersions, Versions, check_out, former_version

Say = Callable[[str], None]
AT_LEAST: Final = 20_000  # requests, however soon all has changed


def change_secrets(folder: Path, say: Say) -> Outcome:
    with Operated(folder / "data", spare_ports=True, gateway=False, instances=TWO_EACH) as stack:
        return _uninterrupted("secrets", Secrets, stack, say)


def change_version(folder: Path, say: Say) -> Outcome:
    code = check_out(former_version(), folder / "code")
    with TwoVersions(folder / "data", code, spare_ports=True, gateway=False, instances=TWO_EACH) as stack:
        return _uninterrupted("versions", Versions, stack, say)


def pool_connections(folder: Path, _say: Say) -> Outcome:
    with Pooled(folder / "data", spare_ports=True, limits=UNLIMITED, instances=TWO_EACH) as stack:
        return observe(stack, "pgbouncer", "postgres", kill)


def _uninterrupted(name: str, kind: type[Rolling], stack: Stack, say: Say) -> Outcome:
    result = asyncio.run(kind(stack, AT_LEAST, say).run())
    outcome = Outcome(name)
    outcome.wrong = [f"{times} × {word}" for word, times in result.words.most_common(20)]
    outcome.notes = {
        "requests": result.requests,
        "rate": result.requests / result.seconds,
        "failed": result.failed,
    }
    return outcome


def _fail_over(name: str, folder: Path, _say: Say) -> Outcome:
    return run_alone(folder, name)


SCENARIOS: Final[dict[str, Callable[[Path, Say], Outcome]]] = {
    **{name: partial(_fail_over, name) for name in FAILOVERS},
    "pgbouncer": pool_connections,
    "versions": change_version,
    "secrets": change_secrets,
}
