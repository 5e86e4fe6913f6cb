"""Tenants are shared out among instances of the token service: each has the keys of its own open."""

import asyncio

from gateway.routes import BY_TENANT, ROUTES
from tests.gateway.conftest import Start
from tests.gateway.process import Gateway
from tests.gateway.service import Request, Service
from tests.gateway.wire import reply

TENANTS = [f"tenant-{number}" for number in range(60)]


async def test_all_of_a_tenant_is_at_one_instance(start: Start) -> None:
    gateway = await start(instances={"token": 3})
    for path in ("token", "token?a=/t/other/token", "introspect", "revoke", "userinfo"):
        for tenant in TENANTS:
            assert (await gateway.ask("POST", f"/t/{tenant}/{path}")).status == 200
    homes = [_tenants_at(one) for one in gateway.instances["token"]]
    assert set().union(*homes) == set(TENANTS)
    assert sum(map(len, homes)) == len(TENANTS)
    assert min(map(len, homes)) > 5


async def test_a_tenant_alone_has_all_instances(start: Start) -> None:
    """Above 1.12 times the average under way, the other one helps out."""
    gateway = await start(instances={"token": 2})
    at_once = 24
    both = gateway.instances["token"]
    release = asyncio.Event()

    async def wait(_: Request) -> bytes | None:
        await release.wait()
        return reply(200)

    for one in both:
        one.behaviour = wait
    asked = []
    for count in range(at_once):
        asked.append(asyncio.create_task(gateway.ask("POST", "/t/acme/token")))
        while len(gateway.seen()) <= count:  # what waits for a connection is not under way yet
            await asyncio.sleep(0.001)
    release.set()
    assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * at_once
    assert sorted(len(one.requests) for one in both) == [9, 15]


async def test_who_leaves_takes_hardly_any_tenants_along_but_its_own(start: Start) -> None:
    """The others' keys stay where they are open; and what left comes home."""
    gateway = await start(instances={"token": 3})
    await _ask_each(gateway)
    former = [_tenants_at(one) for one in gateway.instances["token"]]
    gone, *others = gateway.instances["token"]
    await gone.stop()
    await _until(gateway, gone, ready=False)
    gateway.forget()
    await _ask_each(gateway)
    moved = [before - _tenants_at(one) for before, one in zip(former[1:], others, strict=True)]
    assert sum(map(len, moved)) <= 2
    assert former[0] <= _tenants_at(others[0]) | _tenants_at(others[1])
    await gone.start()
    await _until(gateway, gone, ready=True)
    gateway.forget()
    await _ask_each(gateway)
    assert [_tenants_at(one) for one in gateway.instances["token"]] == former


def test_every_request_of_such_a_service_says_whose_it_is() -> None:
    paths = [path for route in ROUTES if route.service in BY_TENANT for path in route.paths]
    assert "/t/{tenant}/token" in paths
    assert all(path.startswith("/t/{tenant}/") for path in paths)


def _tenants_at(one: Service) -> set[str]:
    return {request.target.split("/")[2] for request in one.requests}


async def _ask_each(gateway: Gateway) -> None:
    for tenant in TENANTS:
        assert (await gateway.ask("POST", f"/t/{tenant}/token")).status == 200


async def _until(gateway: Gateway, service: Service, *, ready: bool) -> None:
    """In Envoy's eyes."""
    line = f"127.0.0.1:{service.port}::health_flags::healthy\n"
    for _ in range(200):
        if (line in (await gateway.ask_admin("/clusters")).body.decode()) is ready:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"ready is not {ready}")
