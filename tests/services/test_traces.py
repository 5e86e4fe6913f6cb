"""Traces: one from the gateway to whoever hears of it, nothing secret in them, and nothing waits for them."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from deploy.local.ports import spare
from deploy.local.stack import Stack
from tests.conftest import UNLIMITED
from tests.services.test_lifecycle import end, start, until_answers
from tests.support.collector import Collector, Span, collecting
from tests.support.eventually import eventually
from tests.support.product import PASSWORD, App, Product

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
CHOSEN = f"00-{TRACE}-b7ad6b7169203331-01"


@dataclass(frozen=True)
class Traced:
    product: Product
    collector: Collector

    def trace_with(self, service: str, name: str, after: int = 0) -> list[Span]:
        """The spans of the latest trace that has such a one, once it is whole up to its root.

        `after`: so many spans were there before.
        """

        def look() -> list[Span]:
            self.product.http.get("/nothing")  # the gateway sends five spans at once, or waits five seconds
            for span in reversed(self.collector.spans[after:]):
                if (span.service, span.name) == (service, name):
                    trace = self.collector.trace(span.trace_id)
                    there = {"", *(each.span_id for each in trace)}
                    if all(each.parent_id in there for each in trace):
                        return trace
            return []

        return eventually(look, within=15)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """The whole product, every request of which is traced."""
    folder = tmp_path_factory.mktemp("mtas-traced") / "data"
    with collecting() as collector:
        settings = {"MTAS_OTLP_ENDPOINT": collector.endpoint, "MTAS_TRACE_RATIO": "1", **SOON}
        with Stack(folder, spare_ports=True, durable=False, limits=UNLIMITED, environment=settings) as stack:
            product = Product(stack)
            yield Traced(product, collector)
            product.close()


@pytest.fixture(scope="module")
def app(traced: Traced) -> App:
    return traced.product.register_app()


def path_to_root(trace: list[Span], service: str, name: str) -> list[str]:
    """Services and names of the span and of all it lies in, from the root on."""
    by_id = {span.span_id: span for span in trace}
    span = next(span for span in trace if (span.service, span.name) == (service, name))
    path = [f"{span.service} {span.name}"]
    while span.parent_id:
        span = by_id[span.parent_id]
        path.append(f"{span.service} {span.name}")
    return path[::-1]


def test_a_sign_in_is_one_trace_from_the_gateway_to_the_consumer(traced: Traced, app: App) -> None:
    email, _ = traced.product.create_user(app)
    with traced.product.browser() as browser:
        traced.product.sign_in(browser, app, email)
    trace = traced.trace_with("mtas-admin", "process session.started")
    assert path_to_root(trace, "mtas-admin", "process session.started") == [
        "mtas-gateway password",
        "mtas-authorize POST /t/{slug}/login",
        "mtas-authorize send session.started",
        "mtas-admin process session.started",
    ]
    kinds = {f"{span.service} {span.name}": span.kind for span in trace}
    assert kinds["mtas-authorize send session.started"] == PRODUCER
    assert kinds["mtas-admin process session.started"] == CONSUMER
    # What the stores were asked, by name: in the request, and where the event is heard.
    assert kinds["mtas-authorize insert_event"] == kinds["mtas-admin insert_entry"] == CLIENT
    assert "mtas-authorize EVALSHA" in kinds


def test_a_request_says_route_tenant_and_status(traced: Traced, app: App) -> None:
    refused = traced.product.token(app, {"grant_type": "refresh_token", "refresh_token": "no"})
    trace = traced.trace_with("mtas-token", "POST /t/{slug:str}/token")
    span = next(span for span in trace if span.service == "mtas-token" and span.kind == SERVER)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/t/{slug:str}/token",
        "http.response.status_code": refused.status_code,
        "mtas.tenant": app.app_id,
        "mtas.request_id": refused.headers["x-request-id"],
    }


def test_a_code_is_looked_for_and_redeemed_in_the_trace_of_its_request(traced: Traced, app: App) -> None:
    traced.product.tokens(app)
    trace = traced.trace_with("mtas-token", "redeem_codes")
    names = {span.name for span in trace if span.service == "mtas-token"}
    assert {"POST /t/{slug:str}/token", "GET", "redeem_codes"} <= names


@pytest.mark.parametrize("cause", ["replay", "code reuse", "revocation", "a user who is disabled"])
def test_a_family_ends_in_the_trace_of_the_request_that_ended_it(
    traced: Traced, app: App, cause: str
) -> None:
    """A function of the database writes this event; the last one is token's, which authorize calls."""
    product = traced.product
    email, user_id = product.create_user(app)
    with product.browser() as browser:
        answer, verifier = product.sign_in(browser, app, email)
    tokens = product.redeem(app, answer["code"], verifier).json()
    before = len(traced.collector.spans)
    cause_span = "mtas-token POST /t/{slug:str}/token"
    if cause == "replay":
        newer = product.refresh(app, tokens["refresh_token"]).json()["refresh_token"]
        product.refresh(app, newer)
        assert product.refresh(app, tokens["refresh_token"]).status_code == 400
    elif cause == "code reuse":
        assert product.redeem(app, answer["code"], verifier).status_code == 400
    elif cause == "revocation":
        assert product.ask(app, "revoke", {"token": tokens["refresh_token"]}).status_code == 200
        cause_span = "mtas-token POST /t/{slug}/revoke"
    else:
        assert product.api("POST", f"/apps/{app.app_id}/users/{user_id}/disable").status_code == 200
        cause_span = "mtas-authorize POST /internal/tenants/{tenant_id}/users/{user_id}/disable"
    trace = traced.trace_with("mtas-admin", "process family.revoked", before)
    path = path_to_root(trace, "mtas-admin", "process family.revoked")
    assert path[0].startswith("mtas-gateway ")
    assert path[-3:] == [cause_span, "mtas-token send family.revoked", "mtas-admin process family.revoked"]


def test_what_one_service_asks_of_another_is_in_the_same_trace(traced: Traced, app: App) -> None:
    traced.product.create_user(app)
    trace = traced.trace_with("mtas-authorize", "POST /internal/tenants/{tenant_id}/users")
    names = [span.service for span in trace if span.kind == SERVER]
    assert sorted(names) == ["mtas-admin", "mtas-authorize", "mtas-gateway"]


def test_the_log_has_the_traces_id(traced: Traced, app: App) -> None:
    answer = traced.product.http.get(f"{app.issuer}/jwks.json")
    log = traced.product.stack.folder.logs / "jwks.log"
    request_id = answer.headers["x-request-id"]
    line = eventually(lambda: next((x for x in log.read_text().splitlines() if request_id in x), None))
    trace_id = json.loads(line)["trace_id"]
    trace = eventually(lambda: traced.collector.trace(trace_id), within=15)
    assert {span.attributes.get("mtas.request_id") for span in trace} >= {request_id}


def test_an_outside_trace_is_not_continued(traced: Traced, app: App) -> None:
    spoofed = {"traceparent": CHOSEN, "x-client-trace-id": "evil-canary"}
    traced.product.http.get(f"{app.issuer}/jwks.json", headers=spoofed)
    traced.product.http.get(f"{app.issuer}/.well-known/openid-configuration")
    traced.trace_with("mtas-jwks", "GET /t/{slug}/.well-known/openid-configuration")
    assert traced.collector.trace(TRACE) == []
    assert not any(b"evil-canary" in body for body in traced.collector.bodies)


def test_no_secret_and_nobody_is_in_a_trace(traced: Traced, app: App) -> None:
    """Query, body, header, cookie, an unknown path, and what PostgreSQL says of a row that is there twice."""
    product = traced.product
    email, _ = product.create_user(app, name="Canary Canarysson")
    again = product.api("POST", f"/apps/{app.app_id}/users", json={"email": email, "password": PASSWORD})
    assert again.status_code == 409
    with product.browser() as browser:
        answer, verifier = product.sign_in(browser, app, email, state="state-canary", nonce="nonce-canary")
        session = browser.http.cookies[f"mtas_session_{app.app_id}"]
        browser.get(f"{app.issuer}/verify?token=link-canary")
        browser.get(f"{app.issuer}/path-canary")
    tokens = product.redeem(app, answer["code"], verifier).json()
    product.refresh(app, tokens["refresh_token"])
    product.refresh(app, tokens["refresh_token"] + "x")
    product.userinfo(app, tokens["access_token"])
    assert product.introspect(app, tokens["access_token"])["active"]
    traced.trace_with("mtas-token", "POST /t/{slug}/introspect")
    canaries = [
        *("state-canary", "nonce-canary", "link-canary", "path-canary", "Canarysson"),
        *(email, PASSWORD, answer["code"], verifier, session, str(app.client_secret), app.redirect_uri),
        *(tokens[kind] for kind in ("access_token", "id_token", "refresh_token")),
        product.stack.secrets["operator-token"],
    ]
    time.sleep(0.5)  # what was under way when the last span came
    sent = b"\n".join(traced.collector.bodies)
    assert app.app_id.encode() in sent, "what is no secret is found, so a secret would be"
    assert [canary for canary in canaries if canary.encode() in sent] == []


@pytest.mark.parametrize("decision", ["-00", "-01", None])
def test_only_what_the_gateway_has_chosen_is_traced(stores: Stack, decision: str | None) -> None:
    with collecting() as collector:
        settings = {"MTAS_OTLP_ENDPOINT": collector.endpoint, **SOON}
        process, url = start(stores, "token", **settings)
        until_answers(f"{url}/livez")
        headers = {"traceparent": CHOSEN[:-3] + decision} if decision else {}
        assert httpx2.post(f"{url}/t/nobody/token", headers=headers).status_code == 404
        end(process)  # and what was not sent yet is sent now
    assert bool(collector.trace(TRACE)) == bool(collector.spans) == (decision == "-01")


@pytest.mark.parametrize("how", ["refuses", "fails", "hangs"])
def test_without_a_collector_nothing_slows_or_fails(stores: Stack, how: str) -> None:
    with collecting() as collector:
        collector.status = 503
        endpoint = {
            "refuses": f"http://127.0.0.1:{spare(())}",
            "fails": collector.endpoint,
            "hangs": f"http://127.0.0.1:{stores.ports['postgres']}",  # which waits for another protocol
        }[how]
        settings = {"MTAS_OTLP_ENDPOINT": endpoint, **SOON}
        process, url = start(stores, "token", **settings)
        until_answers(f"{url}/livez")
        with httpx2.Client(base_url=url) as client:
            slowest = 0.0
            for _ in range(200):
                began = time.monotonic()
                assert client.post("/t/nobody/token", headers={"traceparent": CHOSEN}).status_code == 404
                slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1
        began = time.monotonic()
        output = end(process)
        assert time.monotonic() - began < 8
    assert json.loads(output.splitlines()[-1])["event"] == "stopped"


def test_who_collects_nothing_has_none_of_the_libraries_in_memory() -> None:
    look = "import sys, services.{0}.app; sys.exit('opentelemetry' in str(sys.modules))"
    for service in ("authorize", "token", "jwks", "admin"):
        done = subprocess.run([sys.executable, "-c", look.format(service)], check=False)
        assert done.returncode == 0, service
