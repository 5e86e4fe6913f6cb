"""A Valkey that is there, and will not write now."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.secrets import Secrets
from deploy.local.valkey import Valkey
from shared.clock import utc_now
from shared.limits import Bucket, Limiter
from shared.secret import Secret
from shared.valkey import UNAVAILABLE, open_valkey
from shared.valkey import Valkey as Client

Start = Callable[..., Valkey]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Valkey] = []

    def one(*options: str) -> Valkey:
        secrets = Secrets(tmp_path / "secrets")
        secrets.ensure()
        valkey = Valkey(tmp_path, tmp_path, tmp_path / "log", ports.spare(), secrets, options=options)
        valkey.prepare()
        valkey.process.spawn()
        valkey.process.wait_ready(10)
        started.append(valkey)
        return valkey

    yield one
    for valkey in started:
        valkey.process.kill()  # one whose disk takes nothing would not end


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--maxmemory", "1mb"), id="full"),
        pytest.param(("--min-replicas-to-write", "1"), id="without its replica"),
        pytest.param(("--replicaof", "127.0.0.1 1"), id="a replica now"),
    ],
)
async def test_what_it_will_not_write_now_may_be_asked_again(start: Start, options: tuple[str, ...]) -> None:
    valkey = open_valkey(Secret(start(*options).url("authorize")))
    with pytest.raises(UNAVAILABLE):
        await valkey.set("interaction:one", b"x")
    with pytest.raises(UNAVAILABLE):
        await Limiter(valkey, "authorize", utc_now).spend("address", Bucket(size=1, per_second=1))
    assert await valkey.get("interaction:one") is None, "it reads"
    await valkey.aclose()


async def test_one_whose_disk_takes_nothing_may_be_asked_again(start: Start, tmp_path: Path) -> None:
    (tmp_path / "taken.rdb").mkdir()  # so that no file can have this name
    valkey = open_valkey(Secret(start("--save", "1 1", "--dbfilename", "taken.rdb").url("authorize")))
    with pytest.raises(UNAVAILABLE, match="MISCONF"):
        await write_for(20, valkey)
    with pytest.raises(UNAVAILABLE, match="MISCONF"):
        await Limiter(valkey, "authorize", utc_now).spend("address", Bucket(size=1, per_second=1))
    assert await valkey.get("interaction:one") == b"x", "it reads"
    await valkey.aclose()


async def write_for(seconds: float, valkey: Client) -> None:
    async with asyncio.timeout(seconds):
        while True:
            await valkey.set("interaction:one", b"x")
            await asyncio.sleep(0.1)
