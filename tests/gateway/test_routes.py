"""The public route table, and nothing else."""

import re
from pathlib import Path

import pytest

from gateway.routes import ROUTES, Kind, Route, allowed_methods
from tests.gateway.process import Gateway

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def concrete(path: str) -> str:
    return path.replace("{tenant}", "acme-shop").replace("*", "a/b.css")


EVERY_PATH = sorted({path for route in ROUTES for path in route.paths})
EVERY_ROW = [
    pytest.param(route, path, method, id=f"{method} {path}")
    for route in ROUTES
    for path in route.paths
    for method in route.methods
]


@pytest.mark.parametrize(("route", "path", "method"), EVERY_ROW)
async def test_every_row_reaches_its_service(gateway: Gateway, route: Route, path: str, method: str) -> None:
    answer = await gateway.ask(method, concrete(path) + "?q=1")
    assert answer.status == 200
    assert gateway.services[route.service].last.line == f"{method} {concrete(path)}?q=1 HTTP/1.1"
    assert len(gateway.seen()) == 1


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_other_methods_get_405_with_allow(gateway: Gateway, path: str) -> None:
    """RFC 9110 §15.5.6."""
    answered = {m for m in METHODS if (await gateway.ask(m, concrete(path))).status == 200}
    gateway.forget()
    for method in set(METHODS) - answered:
        answer = await gateway.ask(method, concrete(path))
        assert (answer.status, set(answer.headers["allow"].split(", "))) == (405, answered)
    assert not gateway.seen()


PRIVATE = [
    "/internal",
    "/internal/users",
    "/livez",
    "/readyz",
    "/metrics",
    "/docs",
    "/schema",
    "/openapi.json",
]


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize(
    "spelling",
    [
        "{0}",
        "{0}/",
        "/{0}",
        "//localhost{0}",
        "/.{0}",
        "/x/..{0}",
        "/t/acme{0}",
        "/t/acme/login/..{0}",
        "/t/acme/assets/../../..{0}",
        "/t/acme/assets/%2e%2e/%2E%2E/..{0}",
        "/t/acme/assets/..%2f..%2f..{0}",
        "/t/acme/assets/..%5C..%5c..{0}",
        "/t/acme/assets\\..\\..\\..{0}",
        "/dashboard/..{0}",
        "/dashboard/%2e%2e{0}",
        "/dashboard/.%2e{0}",
        "/dashboard/..;{0}",
        "/dashboard/../.{0}?x=/dashboard",
        "/api/v1/../..{0}",
        "/api/v1/..%2f..{0}",
        "/api/v1/x/../../..{0}#/api/v1/x",
        "{0};/dashboard",
        "{0}%00",
        "http://localhost{0}",
        "http://localhost/dashboard/..{0}",
    ],
)
async def test_private_paths_are_unreachable_however_spelled(
    gateway: Gateway, path: str, spelling: str
) -> None:
    for variant in {
        path,
        path.upper(),
        path.title(),
        "".join(f"%{ord(c):02x}" if c != "/" else c for c in path),
    }:
        target = spelling.format(variant)
        answer = await gateway.ask("GET", target)
        assert answer.status in (400, 404), target
    assert not gateway.seen()


@pytest.mark.parametrize(
    ("target", "forwarded"),
    [
        ("/t/acme/./token", "/t/acme/token"),
        ("/t/acme/x/../token", "/t/acme/token"),
        ("/t/acme/%74oken", "/t/acme/token"),
        ("/t/%61cme/token?a=%2F..%2F", "/t/acme/token?a=%2F..%2F"),
    ],
)
async def test_a_path_is_forwarded_as_it_was_matched(gateway: Gateway, target: str, forwarded: str) -> None:
    """RFC 3986 §6.2.2: one reading, the gateway's, so that nobody behind it has another."""
    assert (await gateway.ask("POST", target)).status == 200
    assert gateway.services["token"].last.target == forwarded


@pytest.mark.parametrize(
    "target",
    [
        "/t/acme//token",
        "//t/acme/token",
        "/t//token",
        "/t/acme/token/",
        "/T/acme/token",
        "/t/acme/Token",
        "/t/ACME/token",
        "/t/acme;x=1/token",
        "/t/acme.x/token",
        "/t/*/token",
        "/t/acme%20/token",
        "/t/acme/account/password/",
        "/t/acme/account/./email/.",
        "/dashboard/sign-in/",
        "/dashboard/sign-up/./",
        "/dashboard//users",
        "/dashboard/a;b",
        "/dashboard/%252e%252e/metrics",
        "/dashboardx",
        "/api/v1",
        "/api/v2/apps",
        "/api",
        "/favicon.ico",
        "/t/acme",
        "/t/acme/assets/",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ],
)
async def test_what_no_row_names_is_a_json_404(gateway: Gateway, target: str) -> None:
    for method in ("GET", "POST"):
        answer = await gateway.ask(method, target)
        assert answer.status == 404
        assert answer.headers["cache-control"] == "no-store"
        if target.startswith("/dashboard/") or target.startswith("/api/"):
            continue
        assert answer.json["error"] == "not_found"
        assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert not gateway.seen()


@pytest.mark.parametrize(
    "target", ["/t/acme%2ftoken", "/t/acme%2Ftoken", "/t%5Cacme/token", "/dashboard%2f.."]
)
async def test_escaped_slashes_are_refused(gateway: Gateway, target: str) -> None:
    assert (await gateway.ask("POST", target)).status == 400
    assert not gateway.seen()


def test_the_readme_has_the_same_table() -> None:
    readme = (Path(__file__).parents[2] / "gateway" / "README.md").read_text()
    rows = re.findall(r"^\| `(/.*?)` \| ([A-Z ]+) \| (\w+) \|", readme, re.MULTILINE)
    listed = {path: (set(methods.split()), service) for path, methods, service in rows}
    services = {path: route.service for route in ROUTES for path in route.paths}
    assert listed == {p: (set(m), services[p]) for paths, m in allowed_methods().items() for p in paths}


def test_every_form_with_a_password_is_limited() -> None:
    """The hosted pages' forms, from their templates; of the dashboard's, those of whom nobody knows yet."""
    pages = (Path(__file__).parents[2] / "services" / "authorize" / "pages").glob("*.html")
    forms = [form for page in pages for form in page.read_text().split("<form ")[1:]]
    ask = [form for form in forms if '"current-password"' in form or '"new-password"' in form]
    paths = {f"/t/{{tenant}}/{re.search(r'action=.{{ path..([a-z/-]+)', form)[1]}" for form in ask}  # type: ignore[index]
    assert len(paths) >= 6
    limited = {path for route in ROUTES if route.limit == "password" for path in route.paths}
    known_to_nobody = ("sign-in", "sign-up", "join", "forgot-password", "reset-password")
    assert limited >= paths | {f"/dashboard/{name}" for name in known_to_nobody}


def test_every_kind_is_used() -> None:
    assert {route.kind for route in ROUTES} == set(Kind)
