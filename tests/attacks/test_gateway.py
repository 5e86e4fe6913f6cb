"""The whole product behind its gateway: what is inside stays inside.

How Envoy itself stands up to smuggling, spoofed headers and floods is in tests/gateway.
"""

import httpx2
import pytest

from tests.attacks.members import everything
from tests.support.home import Home
from tests.support.product import PASSWORD
from tests.support.seed import Seed

NEW_USER = {"email": "intruder@example.com", "password": PASSWORD}
SPELLINGS = [
    "/internal/tenants/{id}/users",
    "/internal/tenants/{id}/signing-keys/rotate",
    "/t/acme/../../internal/tenants/{id}/signing-keys/rotate",
    "/t/acme/.well-known/../../../internal/tenants/{id}/signing-keys/rotate",
    "//internal/tenants/{id}/users",
    "/%69nternal/tenants/{id}/users",
    "/t/../internal/tenants/{id}/users",
    "/t/acme/../../internal/tenants/{id}/users",
    "/t/acme/..;/..;/internal/tenants/{id}/users",
    "/t/acme/%2e%2e/%2e%2e/internal/tenants/{id}/users",
    "/t/acme/login/../../../internal/tenants/{id}/users",
    "/t/acme%2f..%2f..%2finternal/tenants/{id}/users",
    "/dashboard/../internal/tenants/{id}/users",
    "/dashboard/%2e%2e/internal/tenants/{id}/users",
    "/api/v1/../../internal/tenants/{id}/users",
    "/api/v1/internal/tenants/{id}/users",
    "/t/internal/tenants/{id}/users",
    "/INTERNAL/tenants/{id}/users",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_the_internal_api_is_out_of_reach_even_with_its_token(
    acme: Home, truth: Seed, spelling: str
) -> None:
    (tenant,) = await truth.fetch("select tenant_id from admin.tenants where slug = $1", acme.slug)
    url = httpx2.URL(acme.product.origin).copy_with(
        raw_path=spelling.format(id=tenant["tenant_id"]).replace("acme", acme.slug).encode()
    )
    before = everything(acme)
    token = acme.product.stack.secrets["internal-token"]
    body = {"emergency": True} if "signing-keys" in spelling else NEW_USER
    headers = {"Authorization": f"Bearer {token}"}
    assert acme.product.http.post(url, json=body, headers=headers).status_code in (400, 401, 404, 405)
    assert everything(acme) == before


@pytest.mark.parametrize("token", [None, "", "Bearer wrong", "operator", "Basic"])
@pytest.mark.parametrize(("service", "path"), [("authorize", "users"), ("jwks", "signing-keys/rotate")])
async def test_inside_it_asks_for_its_token_too(
    acme: Home, truth: Seed, service: str, path: str, token: str | None
) -> None:
    """Whoever got past the gateway still needs what only admin has."""
    (tenant,) = await truth.fetch("select tenant_id from admin.tenants where slug = $1", acme.slug)
    secrets = acme.product.stack.secrets
    headers = {}
    if token == "operator":
        headers = {"Authorization": f"Bearer {secrets['operator-token']}"}
    elif token == "Basic":
        headers = {"Authorization": f"Basic {secrets['internal-token']}"}
    elif token is not None:
        headers = {"Authorization": token}
    before = everything(acme)
    origin = f"http://127.0.0.1:{acme.product.stack.ports[service]}"
    refused = httpx2.post(
        f"{origin}/internal/tenants/{tenant['tenant_id']}/{path}",
        json=NEW_USER if service == "authorize" else {"emergency": True},
        headers=headers,
    )
    assert refused.status_code == 401
    assert everything(acme) == before


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/t/ACME/livez", "/api/v1/../../readyz"])
def test_health_is_nobodys_business(acme: Home, path: str) -> None:
    url = httpx2.URL(acme.product.origin).copy_with(raw_path=path.replace("ACME", acme.slug).encode())
    answer = acme.product.http.get(url)
    assert answer.status_code == 404
    assert "ready" not in answer.text
    assert "alive" not in answer.text


def test_an_oversized_request_reaches_nobody(acme: Home) -> None:
    form = {"grant_type": "client_credentials", "filler": "x" * 70_000}
    assert acme.product.token(acme.web, form).status_code == 413
    cookies = {"Cookie": "; ".join(f"c{number}={'x' * 1000}" for number in range(60))}
    assert acme.product.http.get(f"/t/{acme.slug}/login", headers=cookies).status_code == 431


def test_an_answer_says_nothing_of_what_is_behind(acme: Home) -> None:
    for path in (
        f"/t/{acme.slug}/login",
        f"/t/{acme.slug}/jwks.json",
        "/api/v1/apps",
        "/dashboard/sign-in",
        "/nowhere",
    ):
        headers = acme.product.http.get(path).headers
        for name in ("server", "x-powered-by", "x-envoy-upstream-service-time", "via"):
            assert "uvicorn" not in headers.get(name, "")
            assert name not in headers or name == "server", (path, name)
        assert headers["x-request-id"]
