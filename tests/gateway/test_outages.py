"""A service that is down, slow, half ready or broken, and what its callers notice."""

import asyncio

import pytest

from gateway.render import Timeouts
from tests.gateway.conftest import Start
from tests.gateway.process import Gateway
from tests.gateway.service import Request, Service, echo
from tests.gateway.wire import Answer, reply

LEFT = "/failed_active_hc/excluded_via_immediate_hc_fail"


async def _drop(_: Request) -> bytes | None:
    return None


async def _hang(_: Request) -> bytes | None:
    await asyncio.sleep(5)
    return reply(200)


@pytest.mark.parametrize(
    ("method", "path", "content_type"),
    [
        ("POST", "/t/acme/token", "application/json"),
        ("GET", "/t/acme/jwks.json", "application/json"),
        ("GET", "/t/acme/login", "text/html; charset=utf-8"),
        ("POST", "/dashboard/apps", "text/html; charset=utf-8"),
        ("GET", "/api/v1/apps?cursor=a", "application/problem+json"),
    ],
)
async def test_a_service_that_is_down_is_503_with_retry_after(
    start: Start, method: str, path: str, content_type: str
) -> None:
    gateway = await start()
    for service in gateway.services.values():
        await service.stop()
    answer = await gateway.ask(method, path)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["content-type"] == content_type
    assert answer.headers["cache-control"] == "no-store"
    for inside in (b"upstream", b"connect", b"127.0.0.1", b"reset"):
        assert inside not in answer.body
    for service in gateway.services.values():
        await service.start()
    assert (await gateway.ask(method, path)).status == 200


async def test_one_instance_of_two_may_die_and_no_request_fails(start: Start) -> None:
    """A refused connection carried nothing, so even a POST moves to the other instance (RFC 9110 §9.2.2)."""
    gateway = await start(instances={"token": 2})
    first, second = gateway.instances["token"]
    await first.stop()
    statuses = [answer.status for answer in await _ask_for_tenants(gateway, 50)]
    assert statuses == [200] * 50
    assert len(second.requests) == 50
    await first.start()
    await _wait_for(gateway, first, "healthy")
    assert {answer.status for answer in await _ask_for_tenants(gateway, 20)} == {200}
    assert first.requests


async def test_a_busy_instance_gets_less(start: Start) -> None:
    """A sixteenth: when it alone is drawn four times. Of two that are drawn it would be a quarter."""
    gateway = await start(instances={"authorize": 2})
    busy, idle = gateway.instances["authorize"]
    busy.behaviour = idle.behaviour = _hang
    slow = asyncio.create_task(gateway.ask("GET", "/t/acme/login", timeout_s=10))
    while not gateway.seen():
        await asyncio.sleep(0.01)
    if not busy.requests:
        busy, idle = idle, busy
    busy.behaviour = idle.behaviour = echo
    for _ in range(200):
        await gateway.ask("GET", "/t/acme/login")
    assert not slow.done()
    slow.cancel()
    assert len(busy.requests) < 30
    assert len(busy.requests) + len(idle.requests) == 201


async def test_an_instance_that_breaks_connections_is_left_alone(start: Start) -> None:
    """Though it takes them, and calls itself ready."""
    gateway = await start(instances={"token": 2})
    first, second = gateway.instances["token"]
    first.behaviour = _drop
    await _ask_for_tenants(gateway, 40)
    await _wait_for(gateway, first, "/failed_outlier_check", times=40)
    before = len(first.requests), len(second.requests)
    statuses = [answer.status for answer in await _ask_for_tenants(gateway, 20)]
    assert statuses == [200] * 20
    assert (len(first.requests), len(second.requests)) == (before[0], before[1] + 20)


async def test_a_post_that_may_have_been_acted_on_is_not_sent_twice(start: Start) -> None:
    gateway = await start(instances={"token": 2})
    for one in gateway.instances["token"]:
        one.behaviour = _drop
    answer = await gateway.ask("POST", "/t/acme/token", body=b"grant_type=authorization_code")
    assert answer.status == 503
    assert len(gateway.seen()) == 1


async def test_a_get_is_tried_again(start: Start) -> None:
    gateway = await start()
    jwks = gateway.services["jwks"]

    async def drop_once(request: Request) -> bytes | None:
        return None if len(jwks.requests) == 1 else reply(200, request.line.encode())

    jwks.behaviour = drop_once
    assert (await gateway.ask("GET", "/t/acme/jwks.json")).status == 200
    assert len(jwks.requests) == 2


async def test_a_service_that_hangs_is_504_and_asked_once(start: Start) -> None:
    gateway = await start(timeouts=Timeouts(response_s=0.3))
    for service in gateway.services.values():
        service.behaviour = _hang
    for method, path in (("POST", "/t/acme/token"), ("GET", "/t/acme/jwks.json")):
        assert (await gateway.ask(method, path)).status == 504
    assert len(gateway.seen()) == 2


async def test_an_instance_that_is_not_ready_gets_nothing_while_another_is(start: Start) -> None:
    gateway = await start(instances={"token": 2})
    first, second = gateway.instances["token"]
    first.ready = False
    await _wait_for(gateway, first, "/failed_active_hc")
    assert {answer.status for answer in await _ask_for_tenants(gateway, 20)} == {200}
    assert (len(first.requests), len(second.requests)) == (0, 20)


async def test_an_instance_that_leaves_gets_nothing_more_at_once(start: Start) -> None:
    """Not only from the next health check on (shared/http/leaving.py); and nobody outside is told."""
    gateway = await start(instances={"token": 2})
    first, second = gateway.instances["token"]

    async def leave(_: Request) -> bytes | None:
        first.ready = False
        return reply(200, b"", [("connection", "close"), ("x-envoy-immediate-health-check-fail", "true")])

    first.behaviour = leave
    assert {answer.status for answer in await _ask_for_tenants(gateway, 20)} == {200}
    assert first.requests
    await _wait_for(gateway, first, LEFT, times=10)  # half a second: the next check is later
    before = len(first.requests), len(second.requests)
    for answer in await _ask_for_tenants(gateway, 20):
        assert answer.status == 200
        assert "x-envoy-immediate-health-check-fail" not in answer.headers
    assert (len(first.requests), len(second.requests)) == (before[0], before[1] + 20)


@pytest.mark.parametrize(("service", "path"), [("jwks", "/t/acme/jwks.json"), ("token", "/t/acme/userinfo")])
async def test_when_no_instance_is_ready_they_still_decide_for_themselves(
    start: Start, service: str, path: str
) -> None:
    """Keys are served without a database, sign-ins not: the service knows, the gateway does not."""
    gateway = await start(instances={service: 2})
    for one in gateway.instances[service]:
        one.ready = False
    for one in gateway.instances[service]:
        await _wait_for(gateway, one, "/failed_active_hc")
    assert (await gateway.ask("GET", path)).status == 200


async def test_an_answer_of_503_is_passed_on_and_nobody_is_ejected_for_it(start: Start) -> None:
    gateway = await start(instances={"token": 2})
    first, second = gateway.instances["token"]

    async def unavailable(_: Request) -> bytes | None:
        return reply(503, b'{"error":"temporarily_unavailable"}', [("retry-after", "7")])

    first.behaviour = unavailable
    answers = await _ask_for_tenants(gateway, 80)
    refused = [answer for answer in answers if answer.status == 503]
    assert {(a.headers["retry-after"], a.body) for a in refused} == {
        ("7", b'{"error":"temporarily_unavailable"}')
    }
    assert len(refused) == len(first.requests) > 20
    assert len(second.requests) > 20


async def _ask_for_tenants(gateway: Gateway, count: int) -> list[Answer]:
    """One after the other: some tenants are at home at one instance, some at the other."""
    return [await gateway.ask("POST", f"/t/tenant-{number}/token") for number in range(count)]


async def _wait_for(gateway: Gateway, service: Service, flag: str, *, times: int = 200) -> None:
    """Until Envoy's view of the instance has this health."""
    wanted = f"127.0.0.1:{service.port}::health_flags::{flag}\n"
    for _ in range(times):
        if wanted in (await gateway.ask_admin("/clusters")).body.decode():
            return
        await asyncio.sleep(0.05)
    clusters = (await gateway.ask_admin("/clusters")).body.decode()
    raise AssertionError([line for line in clusters.splitlines() if "health_flags" in line])
