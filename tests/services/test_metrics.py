"""`/metrics` of every service: answers to what an operator asks, on its own port, and nobody is named."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from tests.support.home import Home
from tests.support.product import PASSWORD, Product

Samples = dict[str, list[tuple[dict[str, str], float]]]


def read(stack: Stack, service: str) -> Samples:
    answer = httpx2.get(f"http://127.0.0.1:{stack.ports[service]}/metrics", timeout=5)
    assert answer.status_code == 200
    samples: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return samples


def value(samples: Samples, name: str, **labels: str) -> float:
    return sum(number for at, number in samples.get(name, []) if labels.items() <= at.items())


@pytest.fixture(scope="module")
def used(product: Product, acme: Home) -> dict[str, Samples]:
    """Each service's metrics, once every flow that counts has been through."""
    stack = product.stack
    tokens = acme.tokens()
    product.refresh(acme.web, tokens["refresh_token"])
    product.refresh(acme.web, "mtas_rt_" + "A" * 76)
    with acme.visitor() as browser:
        page = browser.get(f"{acme.issuer}/login")
        browser.submit(page, {"email": acme.email, "password": "not the password"})
    product.http.get(f"{acme.issuer}/jwks.json")
    return {service: read(stack, service) for service in SERVICES}


def test_tokens_are_counted_by_grant_and_outcome(used: dict[str, Samples]) -> None:
    token = used["token"]
    assert value(token, "mtas_token_answers_total", grant="authorization_code", outcome="issued") >= 1
    assert value(token, "mtas_token_answers_total", grant="refresh_token", outcome="issued") >= 1
    assert value(token, "mtas_token_answers_total", grant="refresh_token", outcome="invalid_grant") >= 1
    assert value(token, "mtas_codes_total", outcome="redeemed") >= 1


def test_refresh_tokens_are_counted_by_what_they_were(used: dict[str, Samples]) -> None:
    assert value(used["token"], "mtas_refresh_tokens_total", outcome="rotated") >= 1
    assert value(used["token"], "mtas_refresh_tokens_total", outcome="forged") >= 1


def test_sign_ins_are_counted_by_outcome(used: dict[str, Samples]) -> None:
    assert value(used["authorize"], "mtas_sign_ins_total", outcome="signed_in") >= 1
    assert value(used["authorize"], "mtas_sign_ins_total", outcome="wrong_credentials") >= 1


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_shows_its_waiting_and_what_runs(used: dict[str, Samples], service: str) -> None:
    samples = used[service]
    assert value(samples, "mtas_build_info", service=service) == 1
    assert value(samples, "mtas_nats_connected") == 1
    assert value(samples, "mtas_database_pool_size") >= 1
    assert {"mtas_outbox_lag_seconds", "mtas_database_waiting", "mtas_consumer_pending"} <= samples.keys()
    assert "process_resident_memory_bytes" in samples


def test_time_and_caches_are_by_route_and_name(used: dict[str, Samples]) -> None:
    route = {"route": "/t/{slug:str}/token", "status": "2xx"}
    assert value(used["token"], "mtas_request_seconds_count", **route) >= 2
    assert value(used["token"], "mtas_request_seconds_bucket", **route, le="+Inf") >= 2
    assert value(used["token"], "mtas_cache_lookups_total", cache="tenants", result="hit") >= 1
    assert value(used["jwks"], "mtas_request_seconds_count", status="2xx") >= 1
    assert value(used["authorize"], "mtas_share_entered_total", share="passwords") >= 1


def test_nobody_is_named(product: Product, acme: Home) -> None:
    """A label holds what we wrote ourselves: no tenant, client, user, path or address."""
    product.http.get(f"{acme.issuer}/made-up-{acme.slug}")
    for service in SERVICES:
        url = f"http://127.0.0.1:{product.stack.ports[service]}"
        httpx2.get(f"{url}/t/{acme.slug}/made-up-path", timeout=5)
        text = httpx2.get(f"{url}/metrics", timeout=5).text
        names = (acme.slug, acme.email, acme.user_id, "made-up", PASSWORD)
        assert not [name for name in names if name in text]
