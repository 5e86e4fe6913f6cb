"""Stores that go away: come back later, nothing half-done, and nothing replayable or unlimited.

On a stack of its own, whose processes are killed, paused and started again.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from deploy.local.services import is_ready
from deploy.local.stack import Stack
from tests.attacks.outcomes import S, T, dead, revocations
from tests.conftest import UNLIMITED
from tests.support.browser import forms
from tests.support.eventually import eventually
from tests.support.home import Home, furnished
from tests.support.product import PASSWORD, Product, pkce
from tests.support.seed import Seed
from tests.support.tokens import family_of


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("mtas-outages") / "data"
    with Stack(folder, spare_ports=True, durable=False, limits=UNLIMITED) as stack:
        product = Product(stack)
        with furnished(product, "outage") as home:
            yield home
        product.close()


@contextmanager
def killed(home: Home, process: str) -> Iterator[None]:
    """Gone, as by a power cut; back at the end, and every service has noticed."""
    home.product.stack.kill(process)
    try:
        yield
    finally:
        home.product.stack.restart(process)
        everything_is_ready(home)


@contextmanager
def paused(home: Home, process: str) -> Iterator[None]:
    """There, and silent: what a network that swallows packets looks like."""
    pids = family(home.product.stack.processes[process].pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        everything_is_ready(home)


def family(pid: int) -> list[int]:
    """A process and those that it has started: PostgreSQL has one for every connection."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [pid, *(child for child, parent in pairs if parent == pid)]


def everything_is_ready(home: Home) -> None:
    ports = home.product.stack.ports
    for service in ("authorize", "token", "jwks", "admin"):
        eventually(lambda service=service: is_ready(ports[service]), within=20)  # type: ignore[misc]


def at_last(send: Callable[[], httpx2.Response]) -> httpx2.Response:
    """The same request again, as its 503 says, until there is another answer."""
    return eventually(lambda: answer if (answer := send()).status_code != 503 else None)


def login_form(home: Home) -> tuple[str, dict[str, str], dict[str, str]]:
    with home.visitor() as browser:
        (form,) = forms(browser.get(f"/t/{home.slug}/login"))
        typed = form.fields | {"email": home.email, "password": PASSWORD}
        return form.action, typed, dict(browser.http.cookies)


def authorize(home: Home) -> httpx2.Response:
    return home.browser.http.get(home.web.authorize_url(pkce()[1]))


# PostgreSQL -----------------------------------------------------------------------------------


def test_without_postgres_everything_waits_and_keys_are_served(home: Home) -> None:
    product, web = home.product, home.web
    tokens = home.tokens()
    action, typed, cookies = login_form(home)
    product.http.get(f"{home.issuer}/jwks.json")
    with killed(home, "postgres"):
        S(authorize(home))
        S(httpx2.post(product.origin + action, data=typed, cookies=cookies))
        S(product.refresh(web, tokens["refresh_token"]))
        S(product.userinfo(web, tokens["access_token"]))
        S(product.ask(web, "introspect", {"token": tokens["access_token"]}))
        S(product.ask(web, "revoke", {"token": tokens["refresh_token"]}))
        S(product.api("GET", "/apps"))
        keys = product.http.get(f"{home.issuer}/jwks.json")
        discovery = product.http.get(f"{home.issuer}/.well-known/openid-configuration")
        assert (keys.status_code, discovery.status_code) == (200, 200)
        assert keys.json()["keys"]
    # The revocation was not acknowledged, and did not happen by half.
    assert at_last(lambda: product.refresh(web, tokens["refresh_token"])).status_code == 200
    assert at_last(lambda: authorize(home)).status_code == 303
    assert product.api("GET", "/apps").status_code == 200


async def test_a_code_outlives_an_outage_of_postgres(home: Home) -> None:
    """Not consumed by the exchange that failed, and good for one after it."""
    home.tokens()  # the client is known by now, so the exchange gets as far as it can
    code, verifier = home.code()
    with killed(home, "postgres"):
        for _ in range(3):
            S(home.product.redeem(home.web, code, verifier))
    answer = at_last(lambda: home.product.redeem(home.web, code, verifier))
    assert answer.status_code == 200, answer.text
    truth = Seed(home.product.stack.postgres.superuser_url)
    family = family_of(answer.json()["access_token"])
    assert len(await truth.fetch("select 1 from token.families where family_id = $1", family)) == 1
    T(home.product.redeem(home.web, code, verifier), "invalid_grant")
    dead(home.product, home.web, answer.json()["access_token"])


def test_a_postgres_that_hangs_is_one_that_is_away(home: Home) -> None:
    """Every wait has an end of its own, well before the gateway's."""
    tokens = home.tokens()
    with paused(home, "postgres"):
        S(home.product.refresh(home.web, tokens["refresh_token"]))
        assert home.product.http.get(f"{home.issuer}/jwks.json").status_code == 200
    assert at_last(lambda: home.product.refresh(home.web, tokens["refresh_token"])).status_code == 200


def test_a_revocation_that_was_acknowledged_survives(home: Home) -> None:
    tokens = home.tokens()
    assert home.product.ask(home.web, "revoke", {"token": tokens["refresh_token"]}).status_code == 200
    with killed(home, "postgres"):
        pass
    T(at_last(lambda: home.product.refresh(home.web, tokens["refresh_token"])), "invalid_grant")


# Valkey ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [killed, paused], ids=["killed", "paused"])
def test_without_valkey_nobody_signs_in_and_refresh_goes_on(home: Home, away: Callable[..., object]) -> None:
    product, web = home.product, home.web
    first = home.tokens()
    action, typed, cookies = login_form(home)
    code, verifier = home.code()
    with away(home, "valkey"):  # type: ignore[attr-defined]
        second = product.refresh(web, first["refresh_token"])
        assert second.status_code == 200
        assert product.userinfo(web, second.json()["access_token"]).status_code == 200
        assert product.ask(web, "revoke", {"token": second.json()["refresh_token"]}).status_code == 200
        assert product.token(home.machine, {"grant_type": "client_credentials"}).status_code == 200
        assert product.http.get(f"{home.issuer}/jwks.json").status_code == 200
        # Without the limit no password is looked at, right or wrong.
        S(httpx2.post(product.origin + action, data=typed, cookies=cookies, timeout=20))
        S(product.redeem(web, code, verifier))
    dead(product, web, second.json()["access_token"])
    signed_in = at_last(lambda: httpx2.post(product.origin + action, data=typed, cookies=cookies))
    assert signed_in.status_code == 303
    assert at_last(lambda: product.redeem(web, code, verifier)).status_code == 200


def test_a_code_that_was_used_stays_used_when_valkey_lost_everything(home: Home) -> None:
    code, verifier = home.code()
    tokens = home.product.redeem(home.web, code, verifier).json()
    with killed(home, "valkey"):
        pass
    T(at_last(lambda: home.product.redeem(home.web, code, verifier)), "invalid_grant")
    dead(home.product, home.web, tokens["access_token"])


# NATS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [killed, paused], ids=["killed", "paused"])
def test_without_nats_requests_succeed_and_events_arrive_later(
    home: Home, away: Callable[..., object]
) -> None:
    product, web = home.product, home.web
    with away(home, "nats"):  # type: ignore[attr-defined]
        email, user_id = product.create_user(web)
        with product.browser() as browser:
            answer, verifier = product.sign_in(browser, web, email)
            tokens = product.redeem(web, answer["code"], verifier).json()
            other, other_verifier = product.sign_in(browser, web, email)
            bound = product.redeem(web, other["code"], other_verifier).json()
            browser.http.get(f"{home.issuer}/logout", params={"id_token_hint": bound["id_token"]})
        T(product.refresh(web, bound["refresh_token"]), "invalid_grant")
        T(product.redeem(web, answer["code"], verifier), "invalid_grant")
        dead(product, web, tokens["access_token"])
        assert revocations(product, web, tokens["access_token"]) == []
    assert eventually(lambda: revocations(product, web, tokens["access_token"]), within=20) == ["code_reused"]
    registered = eventually(
        lambda: [event for event in product.events(web, "user.registered") if event["subject"] == user_id]
    )
    assert len(registered) == 1


# Services -------------------------------------------------------------------------------------


def test_a_replay_is_still_one_after_a_restart(home: Home) -> None:
    """And the retry of an answer that was lost is still given the same successor."""
    client = home.client("web", refresh_grace_s=60)
    first = home.tokens(client)
    second = home.product.refresh(client, first["refresh_token"]).json()
    with killed(home, "token"):
        S(home.product.refresh(client, first["refresh_token"]))
    retried = home.product.refresh(client, first["refresh_token"])
    assert retried.json()["refresh_token"] == second["refresh_token"]
    third = home.product.refresh(client, second["refresh_token"]).json()
    T(home.product.refresh(client, first["refresh_token"]), "invalid_grant")
    dead(home.product, client, third["access_token"])
