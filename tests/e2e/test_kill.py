"""kill -9 of any one process during sign-ins: nothing half-issued, nothing acknowledged lost."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from deploy.local.stack import Stack
from tests.conftest import UNLIMITED
from tests.support import deployed
from tests.support.product import App, Product
from tests.support.seed import Seed

PROCESSES = ("postgres", "valkey", "nats", "authorize", "token", "jwks", "admin", "gateway")


@pytest.fixture(scope="module")
def durable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A stack of its own, on disk for real, to be killed. A deployment is one."""
    if deployed.VARIABLE in os.environ:
        yield request.getfixturevalue("product")
        return
    with Stack(tmp_path_factory.mktemp("kill") / "data", spare_ports=True, limits=UNLIMITED) as stack:
        product = Product(stack)
        yield product
        product.close()


@dataclass
class Acknowledged:
    """What the product has said, and so must still be true."""

    families: list[dict[str, Any]] = field(default_factory=list)
    revoked: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def patiently(request: Callable[[], httpx2.Response]) -> httpx2.Response:
    """Ask again while the product is away, as any client would, and within the refresh grace."""
    deadline = time.monotonic() + 9
    while True:
        try:
            response = request()
        except httpx2.HTTPError:
            response = None
        if response is not None and response.status_code < 500:
            return response
        assert time.monotonic() < deadline, "still away after nine seconds"
        time.sleep(0.05)


def work(product: Product, app: App, email: str, said: Acknowledged, stop: threading.Event) -> None:
    """Sign in, exchange, refresh, revoke every other family, until told to stop."""
    while not stop.is_set():
        try:
            with product.browser() as browser:
                answer, verifier = product.sign_in(browser, app, email)
            response = product.redeem(app, answer["code"], verifier)
        except (httpx2.HTTPError, AssertionError, IndexError):
            time.sleep(0.05)  # the part that was killed; a person would try again
            continue
        if response.status_code != 200:
            said.refusals.append(response.text)
            continue
        issued: str = response.json()["refresh_token"]
        tokens = patiently(lambda: product.refresh(app, issued)).json()  # noqa: B023
        if len(said.families) > len(said.revoked):
            form = {"token": tokens["refresh_token"]}
            patiently(lambda: product.http.post(f"{app.issuer}/revoke", data=form, **app.credentials))  # noqa: B023
            said.revoked.append(tokens)
        else:
            said.families.append(tokens)


@pytest.mark.parametrize("victim", PROCESSES)
def test_kill_minus_nine_during_sign_ins(durable: Product, victim: str) -> None:
    stack = durable.stack
    app = durable.register_app()
    email, _ = durable.create_user(app)
    said, stop = Acknowledged(), threading.Event()
    worker = threading.Thread(target=work, args=(durable, app, email, said, stop))
    worker.start()
    time.sleep(0.7)
    stack.kill(victim)
    time.sleep(0.3)
    stack.restart(victim)
    before = len(said.families) + len(said.revoked)
    deadline = time.monotonic() + 20
    while len(said.families) + len(said.revoked) < before + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    worker.join(30)
    assert len(said.families) + len(said.revoked) >= before + 2, f"did not recover: {said.refusals[-3:]}"
    for tokens in said.revoked:
        assert not durable.is_active(app, tokens["access_token"])
        assert durable.refresh(app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    for tokens in said.families:
        assert durable.is_active(app, tokens["access_token"])
        assert durable.refresh(app, tokens["refresh_token"]).status_code == 200


async def test_afterwards_nothing_is_half_issued_and_no_event_is_lost(durable: Product) -> None:
    seed = Seed(durable.stack.postgres.superuser_url)
    orphans = await seed.fetch(
        "select 1 from token.families f where not exists (select from authorize.users u"
        " where u.tenant_id = f.tenant_id and u.user_id = f.user_id)"
    )
    assert orphans == []
    keyless = await seed.fetch(
        "select slug from admin.tenants t where not exists (select from jwks.signing_keys k"
        " where k.tenant_id = t.tenant_id and k.state = 'active')"
    )
    assert keyless == []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        waiting = await seed.fetch("select 1 from events.outbox")
        unlogged = await seed.fetch(
            "select 1 from token.families f where revoked_at is not null"
            " and not exists (select from admin.audit_log a where a.tenant_id = f.tenant_id"
            " and a.type = 'family.revoked' and a.subject = f.family_id::text)"
        )
        if not waiting and not unlogged:
            break
        await asyncio.sleep(0.2)
    assert waiting == []
    assert unlogged == []
