"""`mtas doctor` on the real servers: silent where all is well, and each fault is found and has its remedy."""

import datetime as dt
import json
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.doctor import clock, database
from deploy.doctor.command import doctor
from deploy.doctor.finding import Verdict
from deploy.local.ports import spare
from deploy.local.stack import Stack
from deploy.secrets import MAKERS, SERVICES, variable
from tests.support.collector import collecting
from tests.support.home import Home


def examine(environment: dict[str, str], *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by what was checked."""
    result = CliRunner().invoke(doctor, ["--json", *options], env=environment, catch_exceptions=False)
    return result.exit_code, {it["check"]: it for it in json.loads(result.stdout)}


def provisioning(stack: Stack) -> dict[str, str]:
    return {
        "MTAS_OWNER_DATABASE_URL": stack.postgres.owner_url,
        "MTAS_NATS_URL": stack.nats.url("ops"),
        **{variable(f"postgres-{name}"): stack.secrets[f"postgres-{name}"] for name in SERVICES},
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_set_up_well_has_nothing_to_fix(stack: Stack, service: str) -> None:
    code, found = examine(stack.environment(service))
    assert {name: it for name, it in found.items() if it["verdict"] != "ok"} == {}
    assert code == 0
    assert {"configuration", "postgres role", "tenant isolation", "schema and grants", "nats"} <= found.keys()


def test_provisioning_knows_migrations_streams_and_consumers(stack: Stack) -> None:
    code, found = examine(provisioning(stack))
    assert code == 0
    assert {"migrations", "stream MTAS", "consumer token", "events set aside"} <= found.keys()


def test_an_event_that_was_set_aside_is_shown_with_its_reason(stack: Stack) -> None:
    stack.postgres.query(
        "insert into events.outbox"
        " (source, tenant_id, type, subject, data, occurred_at, parked_at, parked_because) values"
        " ('mtas_token', uuidv7(), 'family.revoked', 'f', '{}', now(), now(), 'NATS lets it not')"
    )
    try:
        code, found = examine(provisioning(stack))
    finally:
        stack.postgres.query("delete from events.outbox where parked_at is not null")
    assert (found["events set aside"]["verdict"], code) == ("warn", 0)
    assert found["events set aside"]["found"] == (
        "1 could not be published, the last one family.revoked: NATS lets it not"
    )


def test_the_public_url_is_looked_at_as_a_user_would(stack: Stack) -> None:
    code, found = examine({}, "--public-url", stack.public_url)
    assert code == 0
    assert found["private paths"]["verdict"] == found["clock of the gateway"]["verdict"] == "ok"


def test_a_service_behind_no_gateway_is_found(stack: Stack) -> None:
    code, found = examine({}, "--public-url", f"http://localhost:{stack.ports['token']}")
    assert code == 1
    assert "/livez" in found["private paths"]["found"]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("superuser_url", ["postgres role"]),
        ("owner_url", ["postgres role", "schema and grants"]),
        ("jwks", ["postgres role", "schema and grants"]),
    ],
)
async def test_another_role_than_the_services_own_is_found(stack: Stack, url: str, wrong: list[str]) -> None:
    """Its statements are planned, which asks for every right, and never run."""
    postgres = stack.postgres
    given = postgres.service_url(url) if url in SERVICES else getattr(postgres, url)
    found = [it async for it in database.check(given, "token")]
    assert [it.check for it in found if it.verdict is Verdict.FAIL] == wrong


async def test_a_table_that_is_open_to_all_tenants_is_found(stack: Stack) -> None:
    stack.postgres.query("create table token.left_open (tenant_id uuid, id int, primary key (tenant_id, id))")
    try:
        found = {it.check: it async for it in database.check(stack.postgres.service_url("token"), "token")}
    finally:
        stack.postgres.query("drop table token.left_open")
    assert found["tenant isolation"].verdict is Verdict.FAIL
    assert "token.left_open" in found["tenant isolation"].found


@pytest.mark.parametrize(
    ("variable", "check"),
    [("MTAS_DATABASE_URL", "postgres"), ("MTAS_VALKEY_URL", "valkey"), ("MTAS_NATS_URL", "nats")],
)
def test_a_wrong_password_is_found_and_not_printed(stack: Stack, variable: str, check: str) -> None:
    environment = stack.environment("token")
    user, _, rest = environment[variable].partition(":pw_")
    environment[variable] = f"{user}:pw_mistyped@{rest.partition('@')[2]}"
    code, found = examine(environment)
    assert code == 1
    assert found[check]["verdict"] == "fail"
    assert found[check]["fix"]
    assert "mistyped" not in json.dumps(found)


@pytest.mark.parametrize("service", ["token", "jwks"])
def test_signing_keys_that_no_configured_key_opens_are_found(stack: Stack, acme: Home, service: str) -> None:
    """As after a restore with other secrets, or when a key-encryption key was taken away too early."""
    environment = stack.environment(service)
    _, found = examine(environment)
    assert found["signing keys"]["verdict"] == "ok"
    assert found["signing keys"]["found"] != "all 0 open"
    secret = MAKERS["key-encryption-keys"]()
    del environment["MTAS_KEY_ENCRYPTION_KEYS_FILE"]
    code, found = examine(environment | {"MTAS_KEY_ENCRYPTION_KEYS": secret})
    assert code == 1
    assert "do not open" in found["signing keys"]["found"]
    assert "MTAS_KEY_ENCRYPTION_KEYS" in found["signing keys"]["fix"]
    assert secret not in json.dumps(found)


@pytest.mark.parametrize(("status", "verdict"), [(200, "ok"), (404, "warn"), (None, "warn")])
def test_a_collector_that_takes_no_traces_is_found(stack: Stack, status: int | None, verdict: str) -> None:
    """It is no reason to stop: requests go on without it."""
    with collecting() as there:
        there.status = status or 200
        endpoint = there.endpoint if status else f"http://127.0.0.1:{spare(())}"
        code, found = examine(stack.environment("token", MTAS_OTLP_ENDPOINT=endpoint))
    assert (found["traces"]["verdict"], code) == (verdict, 0)


def test_a_setting_that_is_missing_is_named(stack: Stack) -> None:
    environment = stack.environment("admin")
    environment["MTAS_FORM_SECRET_FILE"] = ""
    code, found = examine(environment)
    assert code == 1
    assert "MTAS_FORM_SECRET" in found["configuration"]["found"]


def test_a_clock_that_is_off_is_found() -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert clock.compare("x", now + dt.timedelta(seconds=1), now).verdict is Verdict.OK
    assert clock.compare("x", now - dt.timedelta(seconds=4), now).verdict is Verdict.WARN
