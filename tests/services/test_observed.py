"""What authorize and token note of real requests, through the gateway."""

import asyncio

import asyncpg

from deploy.local.stack import Stack
from tests.support.product import Product, pkce

URI = "https://app.example/other"


async def rows(stack: Stack, app_id: str) -> dict[tuple[str, str], tuple[str | None, int]]:
    connection = await asyncpg.connect(stack.postgres.superuser_url)
    try:
        found = await connection.fetch(
            "select o.* from admin.observations o join admin.tenants using (tenant_id) where slug = $1",
            app_id,
        )
        return {(row["client_id"], row["kind"]): (row["detail"], row["times"]) for row in found}
    finally:
        await connection.close()


async def last_used(stack: Stack, app_id: str) -> bool:
    connection = await asyncpg.connect(stack.postgres.superuser_url)
    try:
        return bool(
            await connection.fetchval(
                "select last_used_at from admin.client_secrets where client_id = $1", app_id
            )
        )
    finally:
        await connection.close()


async def test_each_refusal_is_noted_by_its_kind(product: Product, stack: Stack) -> None:
    app = product.register_app()
    email, _ = product.create_user(app)
    _, challenge = pkce()
    with product.browser() as browser:
        browser.get(app.authorize_url(challenge, redirect_uri=URI))
        browser.get(app.authorize_url(challenge, client_id="nobody"))
        browser.get(app.authorize_url(challenge, client_id="<b>\u00e9</b>"))
        browser.get(app.authorize_url(None))
        browser.get(app.authorize_url(challenge, scope="openid everything"))
        browser.get(app.authorize_url(challenge, response_mode="fragment"))
        page = browser.get(app.authorize_url(challenge))
        browser.submit(page, {"email": email, "password": "not the right password"})
        codes = [product.sign_in(browser, app, email)[0]["code"] for _ in range(2)]
    machine = {"grant_type": "client_credentials"}
    product.token(app, machine, auth=(app.client_id, "mtas_cs_wrong"))
    product.token(app, machine | {"client_id": app.client_id}, auth=None)
    product.token(app, machine, auth=("nobody", "mtas_cs_wrong"))
    assert not await last_used(stack, app.app_id), "only a secret that fits was used"
    product.redeem(app, codes[0], "v" * 43)
    product.redeem(app, codes[1], "v" * 43, redirect_uri=URI)
    product.redeem(app, "x" * 43, "v" * 43)
    product.tokens(app)

    expected = {
        ("", "unknown_client"): (None, 3),
        ("", "wrong_password"): (None, 1),
        (app.client_id, "redirect_uri"): (URI, 1),
        (app.client_id, "pkce"): ("code_challenge is missing (PKCE, RFC 7636)", 1),
        (app.client_id, "scope"): ("scope", 1),
        (app.client_id, "request"): ("response_mode must be query or form_post", 1),
        (app.client_id, "wrong_secret"): (None, 1),
        (app.client_id, "secret_missing"): (None, 1),
        (app.client_id, "code_verifier"): (None, 1),
        (app.client_id, "code_redirect_uri"): (None, 1),
        (app.client_id, "code_unknown"): (None, 1),
        (app.client_id, "code_redeemed"): (None, 1),
    }
    seen = await rows(stack, app.app_id)
    for _ in range(200):
        if seen.keys() >= expected.keys() and await last_used(stack, app.app_id):
            break
        await asyncio.sleep(0.05)
        seen = await rows(stack, app.app_id)
    assert {key: times for key, (_, times) in seen.items()} == {
        k: times for k, (_, times) in expected.items()
    }
    for key in expected.keys() - {(app.client_id, "scope"), ("", "unknown_client")}:
        assert seen[key] == expected[key], key
