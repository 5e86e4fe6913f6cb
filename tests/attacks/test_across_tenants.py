"""Nothing of one tenant is worth anything at another, and trying it harms neither."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.admin.flows.api_scope import ApiScope
from services.admin.routes.api.router import openapi_document
from tests.attacks.members import Ids, everything, member, routes, send
from tests.attacks.outcomes import P0, A, R, T, X
from tests.support.browser import forms
from tests.support.home import Home
from tests.support.product import DEVELOPER, PASSWORD, pkce
from tests.support.seed import Seed

NOBODY = Ids("no-such-app", "no-such-client", str(uuid4()))


# Codes, tokens, secrets, cookies --------------------------------------------------------------


def test_a_code_is_worth_nothing_and_unharmed(acme: Home, globex: Home) -> None:
    code, verifier = acme.code()
    for client in (globex.web, globex.spa):
        T(globex.product.redeem(client, code, verifier), "invalid_grant")
    assert acme.product.redeem(acme.web, code, verifier).status_code == 200


def test_a_refresh_token_is_worth_nothing_and_unharmed(acme: Home, globex: Home) -> None:
    tokens = acme.tokens()
    for client in (globex.web, globex.spa):
        T(globex.product.refresh(client, tokens["refresh_token"]), "invalid_grant")
    assert acme.product.is_active(acme.web, tokens["access_token"])
    assert acme.product.refresh(acme.web, tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_a_secret_authenticates_nobody(acme: Home, globex: Home, endpoint: str) -> None:
    form = {"grant_type": "client_credentials", "token": "x"}
    A(acme.product.ask(globex.web, endpoint, form, **acme.web.credentials))
    A(acme.product.ask(globex.machine, endpoint, form, **acme.machine.credentials))
    swapped = (globex.web.client_id, acme.web.client_secret)
    A(acme.product.ask(globex.web, endpoint, form, auth=swapped))


@pytest.mark.parametrize("name", ["its own", "the other's"])
def test_a_session_cookie_signs_nobody_in(acme: Home, globex: Home, name: str) -> None:
    value = acme.browser.http.cookies[f"mtas_session_{acme.slug}"]
    cookie = f"mtas_session_{acme.slug if name == 'its own' else globex.slug}={value}"
    with globex.visitor() as browser:
        url = globex.web.authorize_url(pkce()[1], prompt="none")
        R(browser.http.get(url, headers={"Cookie": cookie}), "login_required", globex.web)
        account = browser.http.get(f"/t/{globex.slug}/account", headers={"Cookie": cookie})
        assert account.headers["location"] == f"/t/{globex.slug}/login"
    assert "code" in acme.answer()[0]


def test_an_interaction_goes_on_nowhere_else(acme: Home, globex: Home) -> None:
    url = acme.web.authorize_url(pkce()[1], prompt="consent")
    begun = acme.browser.http.get(url).headers["location"]
    assert begun.startswith(f"/t/{acme.slug}/consent?interaction=")
    for page in ("consent", "authorize", "login", "select-account"):
        elsewhere = f"/t/{globex.slug}/{page}?{begun.partition('?')[2]}"
        with globex.visitor() as browser:
            browser.http.cookies.update(acme.browser.http.cookies)
            browser.http.cookies.update(globex.browser.http.cookies)
            answer = browser.http.get(elsewhere)
        assert answer.status_code == 400, page
    assert acme.browser.http.get(begun).status_code == 200


def test_a_form_of_one_tenant_signs_in_at_no_other(acme: Home, globex: Home) -> None:
    email, _ = globex.product.create_user(globex.web)
    with globex.visitor() as browser:
        (form,) = forms(browser.get(f"/t/{acme.slug}/login"))
        typed = form.fields | {"email": email, "password": PASSWORD}
        assert browser.http.post(f"/t/{globex.slug}/login", data=typed).status_code == 403
        assert not [cookie for cookie in browser.http.cookies if "session" in cookie]


def test_an_id_token_is_no_hint_and_signs_nobody_out(acme: Home, globex: Home) -> None:
    id_token = acme.tokens()["id_token"]
    url = globex.web.authorize_url(pkce()[1], id_token_hint=id_token)
    R(globex.browser.http.get(url), "invalid_request", globex.web)
    assert globex.browser.http.get(f"{globex.issuer}/logout?id_token_hint={id_token}").status_code == 200
    assert "code" in globex.answer()[0]


def test_a_client_is_no_client_elsewhere(acme: Home, globex: Home) -> None:
    for client in (acme.web, acme.spa, acme.native, acme.machine):
        url = globex.web.authorize_url(pkce()[1], client_id=client.client_id)
        P0(globex.browser.http.get(url))


def test_the_same_email_is_another_user_with_another_password(acme: Home, globex: Home) -> None:
    email, theirs = globex.product.create_user(globex.web, email=acme.email, password=PASSWORD[::-1])
    assert theirs != acme.user_id
    with globex.visitor() as browser:
        page = browser.get(globex.web.authorize_url(pkce()[1]))
        assert browser.submit(page, {"email": email, "password": PASSWORD}).status_code == 422
        answer, verifier = globex.product.sign_in(browser, globex.web, email, PASSWORD[::-1])
    tokens = globex.product.redeem(globex.web, answer["code"], verifier).json()
    assert globex.product.userinfo(globex.web, tokens["access_token"]).json()["sub"] == theirs


def test_tries_at_one_tenant_are_not_counted_at_another(acme: Home, globex: Home) -> None:
    email, _ = acme.product.create_user(acme.web)
    acme.product.create_user(globex.web, email=email)
    with acme.visitor() as browser:
        statuses = []
        for _ in range(7):
            page = browser.get(f"/t/{acme.slug}/login")
            statuses.append(browser.submit(page, {"email": email, "password": "wrong"}).status_code)
        assert statuses[-1] == 429
    with globex.visitor() as browser:
        assert "code" in globex.product.sign_in(browser, globex.web, email)[0]


# The admin API: every operation of its own document -------------------------------------------

BODIES: dict[str, dict[str, Any] | bytes] = {
    "register_app": {"app_id": "hijacked", "name": "Hijacked"},
    "update_app": {"name": "Hijacked"},
    "set_logo": b"Hijacked",
    "add_client": {"type": "spa", "name": "Hijacked"},
    "update_client": {"name": "Hijacked", "redirect_uris": ["https://evil.example/"]},
    "rotate_secret": {"overlap_s": 0},
    "create_user": {"email": "evil@example.com", "password": PASSWORD},
    "rotate_signing_keys": {"emergency": True, "reason": "other"},
    "import_signing_key": {"pem": "Hijacked"},
    "update_signing_key_settings": {"signing_alg": "ES256"},
    "change_role": {"role": "owner"},
    "invite_member": {"email": "evil@example.com", "role": "owner"},
    "create_password_link": {"email": DEVELOPER[0]},
    "create_api_token": {"name": "Hijacked", "scope": ["apps:write"], "developer": DEVELOPER[0]},
}


def sent(operation: Any, token: str | None) -> dict[str, Any]:
    """The operation's body, if it has one, called what it is; with this token."""
    body = BODIES.get(operation["operationId"])
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if isinstance(body, bytes):
        return {"content": body, "headers": headers | {"Content-Type": "image/png"}}
    return {"json": body, "headers": headers}


def operations(of: Home) -> list[Any]:
    """From the document that the product serves."""
    document = of.product.http.get("/api/v1/openapi.json").json()
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def names_an_app(path: str, operation: Any) -> bool:
    return "{app_id}" in path or named(NOBODY, operation) != {}


def named(ids: Ids, operation: Any) -> dict[str, str]:
    """The app, where it is asked for by a parameter of the query."""
    asked = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
    return {"app": ids.app_id} if "app" in asked else {}


def test_every_operation_with_a_body_has_one_here() -> None:
    document = json.loads(openapi_document())
    with_body = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    assert with_body == BODIES.keys()


def test_no_operation_reaches_from_one_app_into_another(acme: Home, globex: Home) -> None:
    """A's path with B's ids: the answer is that of an id which never was, and nothing changes."""
    before = everything(acme), everything(globex)
    tried = 0
    for method, path, operation in operations(acme):
        if "{client_id}" not in path and "{user_id}" not in path:
            continue
        foreign, nobody = (
            acme.product.http.request(
                method,
                Ids(acme.slug, ids.client_id, ids.user_id).into(path),
                **sent(operation, acme.product.stack.secrets["operator-token"]),
            )
            for ids in (Ids.of(globex), NOBODY)
        )
        X(foreign, nobody)
        tried += 1
    assert tried >= 5
    assert (everything(acme), everything(globex)) == before


@pytest.mark.parametrize(
    "token",
    [None, "mtas_at_wrong", "client secret", "access token", "setup-token", "internal-token"],
)
def test_no_operation_answers_without_the_api_token(acme: Home, token: str | None) -> None:
    match token:
        case "client secret":
            token = acme.web.client_secret
        case "access token":
            token = acme.tokens()["access_token"]
        case "setup-token" | "internal-token":
            token = acme.product.stack.secrets[token]
    before = everything(acme)
    for method, path, operation in operations(acme):
        answer = acme.product.http.request(method, Ids.of(acme).into(path), **sent(operation, token))
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json().keys() == {"title", "status", "detail", "request_id"}
    assert everything(acme) == before
    assert acme.product.api("GET", "/apps/hijacked").status_code == 404


@pytest.mark.parametrize("field", ["tenant_id", "app_id", "slug", "issuer", "client_id", "is_confidential"])
def test_a_body_does_not_say_whose_it_is(acme: Home, globex: Home, field: str) -> None:
    before = everything(acme), everything(globex)
    for path in (f"/apps/{acme.slug}", f"/apps/{acme.slug}/clients/{acme.web.client_id}"):
        answer = acme.product.api("PATCH", path, json={"name": "Hijacked", field: globex.slug})
        assert answer.status_code == 422
    assert (everything(acme), everything(globex)) == before


async def token_of(home: Home, truth: Seed, role: str | None) -> str:
    """An API token with every scope, of a member of this app, or of none."""
    if not await truth.fetch("select 1 from admin.developers"):
        home.product.developer().http.close()  # the first account is the operator's
    email = f"token-{uuid4().hex}@example.com"
    await truth.execute(
        "insert into admin.developers (email, email_key, password_hash, created_at)"
        " values ($1, $1, 'x', now())",
        email,
    )
    if role is not None:
        await truth.execute(
            "insert into admin.members (tenant_id, developer_id, role, created_at)"
            " select tenant_id, developer_id, $3, now() from admin.tenants, admin.developers"
            "  where slug = $1 and email_key = $2",
            home.slug,
            email,
            role,
        )
    body = {"name": "attack", "scope": [scope.value for scope in ApiScope], "developer": email}
    return str(home.product.api("POST", "/api-tokens", json=body).json()["token"])


@pytest.mark.parametrize("role", ["owner", None], ids=["owner of another app", "member of none"])
async def test_no_token_reaches_into_another_app(
    acme: Home, globex: Home, truth: Seed, role: str | None
) -> None:
    before = everything(acme), everything(globex)
    token = await token_of(acme, truth, role)
    tried = 0
    for method, path, operation in operations(acme):
        if names_an_app(path, operation):
            foreign, nobody = (
                acme.product.http.request(
                    method, ids.into(path), **sent(operation, token), params=named(ids, operation)
                )
                for ids in (Ids.of(globex), NOBODY)
            )
            X(foreign, nobody)
            tried += 1
    assert tried >= 30
    assert (everything(acme), everything(globex)) == before


async def test_a_viewers_token_changes_nothing(acme: Home, truth: Seed) -> None:
    before = everything(acme)
    token = await token_of(acme, truth, "viewer")
    for method, path, operation in operations(acme):
        if "{app_id}" in path:
            answer = acme.product.http.request(method, Ids.of(acme).into(path), **sent(operation, token))
            assert answer.status_code in ((200, 403, 404) if method == "GET" else (403,)), (method, path)
    assert everything(acme) == before


# The dashboard: every route of its own handlers -----------------------------------------------


@pytest.mark.parametrize("role", ["owner", None], ids=["owner of another app", "member of none"])
async def test_no_page_reaches_into_another_app(
    acme: Home, globex: Home, truth: Seed, role: str | None
) -> None:
    before = everything(acme), everything(globex)
    browser = await member(acme, truth, role)
    with browser:
        for method, path in routes():
            confirmation = {"confirmation": globex.slug}
            foreign = send(browser, method, Ids.of(globex).into(path), **confirmation)
            X(foreign, send(browser, method, NOBODY.into(path), confirmation=NOBODY.app_id))
    assert (everything(acme), everything(globex)) == before


async def test_no_page_of_ones_own_app_takes_anothers_ids(acme: Home, globex: Home, truth: Seed) -> None:
    before = everything(acme), everything(globex)
    browser = await member(acme, truth, "owner")
    theirs, nobodys = (Ids(acme.slug, ids.client_id, ids.user_id) for ids in (Ids.of(globex), NOBODY))
    with browser:
        assert send(browser, "GET", f"/dashboard/apps/{acme.slug}").status_code == 200
        for method, path in routes():
            if "client_id" in path or "user_id" in path:
                X(
                    send(browser, method, theirs.into(path)),
                    send(browser, method, nobodys.into(path)),
                )
    assert (everything(acme), everything(globex)) == before
