"""From nothing: dashboard, registered app, a user in a real browser, tokens by stock libraries."""

import re
import time

import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session
from playwright.sync_api import Page, Route, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import Callback
from tests.support.product import DEVELOPER, PASSWORD, Product, pkce
from tests.support.seed import some_slug


@pytest.fixture
def signed_in(page: Page, product: Product, stack: Stack) -> Page:
    """A page whose developer is signed in; the first such page makes the first account."""
    page.goto(product.origin + "/")
    if page.get_by_label("Set-up token").count():
        page.get_by_label("Set-up token").fill(stack.secrets["setup-token"])
        page.get_by_label("Email").fill(DEVELOPER[0])
        page.get_by_label("Password", exact=True).fill(DEVELOPER[1])
        page.get_by_role("button", name=re.compile("account", re.IGNORECASE)).click()
    else:
        page.get_by_label("Email").fill(DEVELOPER[0])
        page.get_by_label("Password", exact=True).fill(DEVELOPER[1])
        page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def test_register_sign_up_exchange_verify_refresh_replay(
    signed_in: Page, page: Page, product: Product, callback: Callback
) -> None:
    # A developer registers an app, and sees its secret once, inside an .env block.
    app_id = some_slug("shop")
    page.goto(product.origin + "/dashboard")
    page.get_by_role("link", name=re.compile("register", re.IGNORECASE)).first.click()
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_label("App ID").fill(app_id)
    page.get_by_label("Callback URLs").fill(callback.url)
    page.get_by_role("button", name=re.compile("register", re.IGNORECASE)).click()
    env = dict(re.findall(r"^(MTAS_\w+)=(\S+)$", page.locator("pre").first.inner_text(), re.MULTILINE))
    assert env["MTAS_APP_ID"] == app_id
    issuer, secret = env["MTAS_ISSUER"], env["MTAS_APP_SECRET"]
    page.goto(f"{product.origin}/dashboard/apps/{app_id}")
    assert secret not in page.content()

    # Its user signs up in a browser; a stock OAuth library makes the request and takes the answer.
    app = OAuth2Session(
        app_id,
        secret,
        scope="openid email",
        redirect_uri=callback.url,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )
    verifier = "v" * 64
    url, state = app.create_authorization_url(issuer + "/authorize", code_verifier=verifier, nonce="n-1")
    page.context.clear_cookies()
    page.goto(url)
    page.get_by_role("link", name=re.compile("create|sign up", re.IGNORECASE)).first.click()
    page.get_by_label("Email").fill("grace@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("create|sign up", re.IGNORECASE)).click()
    expect(page.get_by_role("heading", name="Back at the app")).to_be_visible()
    answer = callback.wait()
    tokens = app.fetch_token(
        issuer + "/token", authorization_response=answer, code_verifier=verifier, state=state
    )

    # The JWT verifies offline, through discovery and JWKS, with a stock JWT library.
    discovery = product.http.get(issuer + "/.well-known/openid-configuration").json()
    keys = jwt.PyJWKClient(discovery["jwks_uri"])
    for token, audience in ((tokens["access_token"], app_id), (tokens["id_token"], app_id)):
        key = keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer)
    assert claims["nonce"] == "n-1"
    assert claims["email"] == "grace@example.com"

    # Refresh; use the old token after its grace; the family is dead.
    old = tokens["refresh_token"]
    product.api("PATCH", f"/apps/{app_id}/clients/{app_id}", json={"refresh_grace_s": 0})
    time.sleep(1.0)  # a change reaches every cache within a second
    fresh = app.refresh_token(issuer + "/token", refresh_token=old)
    replay = product.http.post(
        issuer + "/token", data={"grant_type": "refresh_token", "refresh_token": old}, auth=(app_id, secret)
    )
    assert replay.json()["error"] == "invalid_grant"
    dead = product.http.post(
        issuer + "/token",
        data={"grant_type": "refresh_token", "refresh_token": fresh["refresh_token"]},
        auth=(app_id, secret),
    )
    assert dead.json()["error"] == "invalid_grant"

    # The dashboard's audit log has it all.
    deadline = time.monotonic() + 5
    seen: set[str] = set()
    while "family.revoked" not in seen and time.monotonic() < deadline:
        entries = product.api("GET", f"/apps/{app_id}/audit-log").json()["items"]
        seen = {entry["type"] for entry in entries}
        time.sleep(0.1)
    assert seen >= {"tenant.created", "user.registered", "session.started", "family.revoked"}


def test_a_second_app_of_the_same_tenant_signs_in_without_a_password(
    page: Page, product: Product, callback: Callback
) -> None:
    app = product.register_app(redirect_uris=[callback.url])
    spa = product.add_client(app, "spa", redirect_uris=[callback.url])
    email, _ = product.create_user(app)
    page.goto(app.authorize_url(pkce()[1], redirect_uri=callback.url))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    assert "code=" in callback.wait()
    page.goto(spa.authorize_url(pkce()[1], redirect_uri=callback.url))
    assert "code=" in callback.wait()


def test_form_post_brings_the_answer_to_the_app(page: Page, product: Product, callback: Callback) -> None:
    app = product.register_app(redirect_uris=[callback.url])
    email, _ = product.create_user(app)
    posted: list[str] = []

    def receive(route: Route) -> None:
        posted.append(route.request.post_data or "")
        route.fulfill(body="<h1>Back</h1>", content_type="text/html")

    page.route(callback.url, receive)
    page.goto(app.authorize_url(pkce()[1], redirect_uri=callback.url, response_mode="form_post"))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    # The page between sends itself.
    expect(page.get_by_role("heading", name="Back")).to_be_visible()
    assert "code=" in posted[0]
    assert "iss=" in posted[0]


def test_sign_out_ends_the_session_and_returns_to_the_app(
    page: Page, product: Product, callback: Callback
) -> None:
    app = product.register_app(
        redirect_uris=[callback.url], post_logout_redirect_uris=[callback.origin + "/bye"]
    )
    email, _ = product.create_user(app)
    verifier, challenge = pkce()
    page.goto(app.authorize_url(challenge, redirect_uri=callback.url))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    code = callback.wait().partition("code=")[2].partition("&")[0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback.url,
        "code_verifier": verifier,
    }
    tokens = product.token(app, form).json()
    page.goto(
        f"{app.issuer}/logout?id_token_hint={tokens['id_token']}"
        f"&post_logout_redirect_uri={callback.origin}/bye&state=s-9"
    )
    assert callback.wait() == f"{callback.origin}/bye?state=s-9"
    page.goto(app.authorize_url(challenge, redirect_uri=callback.url))
    expect(page.get_by_label("Email")).to_be_visible()
    # The family was bound to the session: it ends with it.
    deadline = time.monotonic() + 5
    while product.is_active(app, tokens["access_token"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert product.refresh(app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
