"""The one that all work with goes, and another one takes its place (`make scale` has more of it)."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from nats.aio.client import Client

from deploy.doctor.command import doctor
from deploy.doctor.several import BEHIND_BYTES
from deploy.secrets import SERVICES
from mtas.events import Event, Subscriber
from mtas.events.catalog import ClientCreated
from shared.hosts import nats_options
from tests.scale.failover import ELECTED_WITHIN_S, run
from tests.scale.several import Several
from tests.support.eventually import eventually
from tests.support.product import Product


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    with Several(tmp_path_factory.mktemp("mtas-scale") / "data") as stack:
        yield stack


async def test_who_is_told_of_one_server_of_nats_goes_on_with_another(several: Several) -> None:
    """It learns of the others while it is connected, and they know the same users."""
    client = Client()
    await client.connect(**nats_options(several.nats.url("token")), reconnect_time_wait=1, error_cb=_quiet)
    assert {int(url.port or 0) for url in client.discovered_servers} >= {several.ports["nats-2"]}
    several.kill("nats")
    try:
        async with asyncio.timeout(10):
            while (url := client.connected_url) is None or url.port == several.nats.port:
                await asyncio.sleep(0.05)
    finally:
        await client.close()
        several.restart("nats")


async def test_a_subscriber_goes_on_with_another_server(several: Several) -> None:
    """The SDK's, told of one alone."""
    heard: list[str] = []
    subscriber = Subscriber(several.nats.url("subscriber"), "subscriber")

    @subscriber.on(ClientCreated)
    async def hear(event: Event[ClientCreated]) -> None:
        heard.append(event.tenant_id)

    working = asyncio.create_task(subscriber.run(handle_signals=False))
    product = Product(several)
    try:
        await asyncio.to_thread(product.register_app)
        async with asyncio.timeout(20):
            while not heard:
                await asyncio.sleep(0.05)
        several.kill("nats")
        before = len(heard)
        await asyncio.to_thread(product.register_app)
        async with asyncio.timeout(ELECTED_WITHIN_S):
            while len(heard) == before:
                await asyncio.sleep(0.05)
    finally:
        subscriber.stop()
        await working
        product.close()
        several.restart("nats")


def test_the_doctor_finds_nothing_where_all_are_there(several: Several) -> None:
    found = eventually(lambda: all_well(examined(several)), within=ELECTED_WITHIN_S)  # a server joins again
    for service in SERVICES:
        assert all_well(examined(several, several.environment(service)))
    assert found["standby"] == ("ok", 'commits wait for "postgres-2"')
    assert found["lag of standby postgres-2"][0] == "ok"
    assert examined(several, several.environment("token"))["replicas of valkey"] == ("ok", "1 follow")


def test_the_doctor_misses_what_is_not_there(several: Several) -> None:
    several.kill("nats-3")
    several.postgres.query("alter system set synchronous_standby_names = ''")
    several.postgres.query("select pg_reload_conf()")
    try:
        found = eventually(
            lambda: it if "copies of MTAS" in (it := examined(several)) else {}, within=ELECTED_WITHIN_S
        )
        assert found["copies of MTAS"] == ("warn", "not there, or behind: nats-3")
        assert found["standby"][0] == "warn"
        assert found["standby"][1].startswith("no commit waits for it")
    finally:
        several.restart("nats-3")
        several.wait_for_standby(several.standby)


def test_the_doctor_finds_a_standby_that_is_behind(several: Several) -> None:
    """It receives, so that commits go on, and replays nothing: a promotion would take long."""
    several.standby.query("select pg_wal_replay_pause()", database="postgres")
    try:
        some = f"pg_logical_emit_message(false, '', repeat('x', {BEHIND_BYTES // 8}))"
        several.postgres.query(f"select {some} from generate_series(1, 9)")
        verdict, found = examined(several)["lag of standby postgres-2"]
    finally:
        several.standby.query("select pg_wal_replay_resume()", database="postgres")
    assert verdict == "warn"
    assert found.startswith("streaming, 7")
    eventually(lambda: examined(several)["lag of standby postgres-2"][0] == "ok", within=20)


def test_the_doctor_finds_a_standby_that_has_another_name(several: Several) -> None:
    """It receives everything, and commits wait for one that will never come."""
    several.postgres.query("alter system set synchronous_standby_names = 'one'", database="postgres")
    several.postgres.query("select pg_reload_conf()", database="postgres")
    try:
        lost = ("fail", "the one that commits wait for is not there")
        eventually(lambda: examined(several).get("standby") == lost)
    finally:
        several.wait_for_standby(several.standby)


def test_without_a_right_to_it_the_doctor_says_that_it_cannot_see_the_lag(several: Several) -> None:
    env = {name: it for name, it in several.provisioning().items() if "SUPERUSER" not in name}
    found = examined(several, env)
    assert found["standby"][0] == "ok"
    assert found["lag of a standby"] == ("warn", "is not told to this role")


def test_the_doctor_finds_a_replica_of_valkey_that_is_away(several: Several) -> None:
    several.kill("valkey-2")
    try:
        away = ("warn", f"not there, or without the primary: 127.0.0.1:{several.ports['valkey-2']}")
        environment = several.environment("token")
        eventually(lambda: examined(several, environment)["replicas of valkey"] == away, within=15)
    finally:
        several.restart("valkey-2")
    eventually(lambda: examined(several, environment)["replicas of valkey"][0] == "ok", within=30)


@pytest.mark.parametrize("name", ["nats:killed", "valkey:killed", "postgres:killed"])
def test_another_one_takes_over(several: Several, name: str) -> None:
    """In this order: what is gone stays away."""
    assert run(several, name).wrong == []


def test_provisioning_finds_the_one_that_took_over(several: Several) -> None:
    several.provision()


def test_the_doctor_finds_that_commits_wait_for_nobody(several: Several) -> None:
    """As it is when who took over is told the names of the former standbys."""
    several.postgres.query("alter system set synchronous_standby_names = 'one'")
    several.postgres.query("select pg_reload_conf()")
    assert eventually(lambda: examined(several).get("standby")) == (
        "fail",
        "the one that commits wait for is not there",
    )


def examined(several: Several, environment: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """The doctor's verdicts and findings, by what was checked; by default for provisioning."""
    env = environment or several.provisioning()
    result = CliRunner().invoke(doctor, ["--json"], env=env, catch_exceptions=False)
    return {it["check"]: (it["verdict"], it["found"]) for it in json.loads(result.stdout)}


def all_well(found: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return found if all(verdict == "ok" for verdict, _ in found.values()) else {}


async def _quiet(_error: Exception) -> None:
    """It is away."""
