"""What this machine can do at most, measured in the same run as the product."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from deploy.local.postgres import binaries
from deploy.local.services import ROOT
from tests.bench.generator import drive
from tests.bench.plan import CONNECTIONS
from tests.bench.results import significant
from tests.bench.works import Host, Repeated
from tests.bench.world import HASHER, PASSWORD, Client, Tenant

CORES: Final = os.cpu_count() or 1
ROWS: Final = 10_000
T = TypeVar("T")

_TABLE: Final = f"""
create schema if not exists bench;
create table if not exists bench.rows (id integer primary key, generation integer not null, body text);
insert into bench.rows select n, 0, repeat('x', 200) from generate_series(1, {ROWS}) n on conflict do nothing;
"""
_RANDOM: Final = f"\\set id random(1, {ROWS})\n"
_SELECT: Final = _RANDOM + "select generation, body from bench.rows where id = :id;\n"
_UPDATE: Final = _RANDOM + "update bench.rows set generation = generation + 1 where id = :id returning id;\n"


class LimitError(Exception):
    """A limit could not be measured; the message says what to do."""


def signatures(seconds: float) -> dict[str, float]:
    """RS256 signatures a second on all cores: OpenSSL by itself, and as Python calls it."""
    from_python = sum(_in_processes(_sign, seconds))
    from_openssl = _openssl_speed(seconds)
    return {
        "rs256_sign_per_s": significant(from_openssl or from_python),
        "rs256_sign_in_python_per_s": significant(from_python),
    }


def _openssl_speed(seconds: float) -> float | None:
    """None where there is no openssl, or one that cannot say."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    # Whole seconds only; LibreSSL knows no -seconds and takes ten.
    for options in (["-seconds", str(max(1, round(seconds)))], []):
        done = subprocess.run(
            [openssl, "speed", "-multi", str(CORES), *options, "rsa2048"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        # rsa 2048 bits 0.000183s 0.000010s 5465.0 100950.0: times first, then rates, signing leads both.
        if done.returncode == 0 and (
            found := re.search(r"^rsa +2048 bits(?: +[\d.]+s)+ +([\d.]+)", done.stdout, re.MULTILINE)
        ):
            return float(found[1])
    return None


def _sign(seconds: float) -> float:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    message = b"x" * 700  # about what a token's header and claims come to
    return _rate(lambda: key.sign(message, padding.PKCS1v15(), SHA256()), seconds)


def passwords(seconds: float) -> dict[str, float]:
    """argon2id verifications a second on all cores, with the product's parameters."""
    stored = HASHER.hash(PASSWORD)
    with ThreadPoolExecutor(CORES) as pool:
        rates = list(
            pool.map(lambda _: _rate(lambda: HASHER.verify(stored, PASSWORD), seconds), range(CORES))
        )
    return {"argon2id_verify_per_s": significant(sum(rates))}


def statements(superuser_url: str, seconds: float) -> dict[str, float]:
    """Single statements a second at PostgreSQL, prepared, over as many connections as a service has."""
    _psql(superuser_url, _TABLE)
    return {
        "postgres_select_per_s": _pgbench(superuser_url, _SELECT, seconds, "on"),
        "postgres_update_per_s": _pgbench(superuser_url, _UPDATE, seconds, "off"),
        "postgres_update_durable_per_s": _pgbench(superuser_url, _UPDATE, seconds, "on"),
    }


async def generator(tenant: Tenant, seconds: float) -> dict[str, float]:
    """Requests a second that the generator makes of a server that does nothing."""
    with _canned() as port:
        host = Host(f"127.0.0.1:{port}")
        client: Client = tenant.plain
        request = host.post(f"/t/{tenant.slug}/token", {"grant_type": "client_credentials"}, client=client)
        callers = [Repeated([(tenant, request)], b"access_token") for _ in range(CONNECTIONS)]
        load = await drive(callers, [("127.0.0.1", port)], warm_up_s=0.3, seconds=seconds)
    return {"generator_per_s": significant(load.throughput)}


@contextmanager
def _canned() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.canned"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.communicate(timeout=5)


def _pgbench(url: str, script: str, seconds: float, synchronous_commit: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                *(str(binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", "--client=10"),
                *(f"--jobs={CORES}", f"--time={max(1, round(seconds))}", f"--file={file.name}"),
                url,
            ],
            env=os.environ | {"PGOPTIONS": f"-c synchronous_commit={synchronous_commit}"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if not found:
        raise LimitError(f"pgbench measured nothing: {done.stderr.strip()[-300:]}")
    return significant(float(found[1]))


def _psql(url: str, script: str) -> None:
    done = subprocess.run(
        [str(binaries() / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", url],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode != 0:
        raise LimitError(f"PostgreSQL refused: {done.stderr.strip()}")


def _in_processes(work: Callable[[float], T], seconds: float) -> list[T]:
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, [seconds] * CORES))


def _rate(work: Callable[[], object], seconds: float) -> float:
    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        work()
        count += 1
    return count / took
