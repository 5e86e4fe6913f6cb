"""Pages: forms that another site sends, consent, where a page may lead and where it is shown."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.browser import Browser, answer_at, forms
from tests.support.home import Home
from tests.support.product import PASSWORD, Product, pkce

# Forms from elsewhere -------------------------------------------------------------------------

ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.app.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
]
NAMES = ["cross-site", "same-site", "sandboxed frame", "origin alone", "almost our origin"]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=NAMES)
def test_another_sites_login_form_signs_nobody_in(acme: Home, headers: dict[str, str]) -> None:
    with acme.visitor() as browser:
        (form,) = forms(browser.get(f"/t/{acme.slug}/login"))
        typed = form.fields | {"email": acme.email, "password": PASSWORD}
        refused = browser.http.post(form.action, data=typed, headers=headers)
        assert refused.status_code == 403
        assert not [name for name in browser.http.cookies if "session" in name]


@pytest.mark.parametrize("token", [None, "", "A" * 43, "another browser's"])
@pytest.mark.parametrize("page", ["login", "signup", "consent", "select-account", "signed-out"])
def test_a_form_without_its_token_does_nothing(acme: Home, page: str, token: str | None) -> None:
    with acme.visitor() as another:
        others = forms(another.get(f"/t/{acme.slug}/login"))[0].fields["form_token"]
    fields = {"email": acme.email, "password": PASSWORD, "interaction": "A" * 43, "answer": "allow"}
    if token is not None:
        fields["form_token"] = others if token == "another browser's" else token
    url = f"{acme.issuer}/{page}"
    assert acme.browser.http.post(url, data=fields).status_code == 403
    assert "code" in acme.answer()[0], "still signed in"


# Consent --------------------------------------------------------------------------------------


def consent_form(home: Home, browser: Browser) -> tuple[str, dict[str, str]]:
    page = browser.get(home.web.authorize_url(pkce()[1], prompt="consent"))
    (form,) = forms(page)
    return form.action, form.fields


@pytest.mark.parametrize("headers", ELSEWHERE, ids=NAMES)
def test_another_sites_consent_form_allows_nothing(acme: Home, headers: dict[str, str]) -> None:
    action, fields = consent_form(acme, acme.browser)
    refused = acme.browser.http.post(action, data=fields | {"answer": "allow"}, headers=headers)
    assert refused.status_code == 403
    again = f"/t/{acme.slug}/authorize?interaction={fields['interaction']}"
    assert "/consent?" in acme.browser.http.get(again).headers["location"], "it is still asked"


@pytest.mark.parametrize(
    "change",
    [
        {"interaction": "A" * 43},
        {"interaction": ""},
        {"interaction": "../x"},
        {"answer": "yes"},
        {"answer": ""},
    ],
    ids=["another interaction", "no interaction", "nonsense", "another answer", "no answer"],
)
def test_a_tampered_consent_grants_nothing(acme: Home, change: dict[str, str]) -> None:
    action, fields = consent_form(acme, acme.browser)
    refused = acme.browser.http.post(action, data=fields | {"answer": "allow"} | change)
    assert refused.status_code == 400
    assert "location" not in refused.headers


def test_anothers_consent_is_not_ours_to_give(acme: Home) -> None:
    """The interaction of one browser, in the hands of another who is signed in as well."""
    _, fields = consent_form(acme, acme.browser)
    email, _ = acme.product.create_user(acme.web)
    with acme.visitor() as browser:
        acme.product.sign_in(browser, acme.web, email)
        action, own = consent_form(acme, browser)
        data = own | {"interaction": fields["interaction"], "answer": "allow"}
        assert browser.http.post(action, data=data).status_code == 400


@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_a_consent_is_given_once(acme: Home, answer: str) -> None:
    action, fields = consent_form(acme, acme.browser)
    done = acme.browser.http.post(action, data=fields | {"answer": answer})
    if answer == "allow":
        done = acme.browser.http.get(done.headers["location"])
    assert ("code" in answer_at(done)) == (answer == "allow")
    replayed = acme.browser.http.post(action, data=fields | {"answer": "allow"})
    assert replayed.status_code == 400
    resumed = acme.browser.http.get(f"/t/{acme.slug}/authorize?interaction={fields['interaction']}")
    assert resumed.status_code == 400
    assert "location" not in resumed.headers


# Where a page may be shown, and where it may lead ---------------------------------------------


PAGES = [
    *("/t/ACME/login", "/t/ACME/signup", "/t/ACME/account", "/t/ACME/signed-out", "/t/ACME/logout"),
    *("/t/ACME/consent", "/t/ACME/authorize", "/t/no-such-tenant/login"),
    *("/dashboard/sign-in", "/dashboard/sign-up", "/dashboard/no-such-page"),
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", ["user", "nobody"])
def test_no_page_can_be_framed_or_run_a_foreign_script(acme: Home, path: str, who: str) -> None:
    path = path.replace("ACME", acme.slug)
    with acme.visitor() as stranger:
        page = (acme.browser if who == "user" else stranger).get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = dict(
        part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy.get("script-src", "'self'") == "'self'"
    assert "<script>" not in page.text
    assert "onclick=" not in page.text


@pytest.mark.parametrize("client_type", ["web", "spa"])
def test_a_pages_form_leads_to_us_and_the_client_alone(acme: Home, client_type: str) -> None:
    client = getattr(acme, client_type)
    for page in (
        acme.browser.get(client.authorize_url(pkce()[1], prompt="consent")),
        acme.browser.get(client.authorize_url(pkce()[1], response_mode="form_post")),
    ):
        (sources,) = [
            part.split()[1:]
            for part in page.headers["content-security-policy"].split(";")
            if part.split()[0] == "form-action"
        ]
        assert set(sources) <= {"'self'", "https://app.example"}


def test_sign_up_where_it_is_closed_makes_nobody(product: Product) -> None:
    """The form is not there, and sending it all the same does nothing."""
    app = product.register_app(sign_up_enabled=False)
    with product.browser() as browser:
        (form,) = forms(browser.get(f"/t/{app.app_id}/login"))
        fields = form.fields | {"email": "new@example.com", "password": PASSWORD}
        assert browser.http.get(f"/t/{app.app_id}/signup").status_code == 404
        assert browser.http.post(f"{app.issuer}/signup", data=fields).status_code == 404
    assert product.api("GET", f"/apps/{app.app_id}/users").json()["items"] == []


SPOOFS = [
    {"Host": "evil.example"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Forwarded-Server": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"X-Original-URL": "https://evil.example/", "X-Forwarded-Prefix": "/evil"},
]


@pytest.mark.parametrize("headers", SPOOFS, ids=[next(iter(spoof)) for spoof in SPOOFS])
def test_a_spoofed_host_is_in_no_link(acme: Home, headers: dict[str, str]) -> None:
    paths = [
        f"/t/{acme.slug}/{page}" for page in ("login", "signup", "signed-out", "account", "no-such-page")
    ]
    paths += ["/", "/dashboard/sign-in", "/dashboard/register-app"]
    paths += [f"/t/{acme.slug}/.well-known/openid-configuration"]
    for path in paths:
        answer = acme.product.http.get(path, headers=headers)
        assert "evil" not in answer.text + str(answer.headers), path
    asked = acme.browser.http.get(acme.web.authorize_url(pkce()[1]), headers=headers)
    assert parse_qs(urlsplit(asked.headers["location"]).query)["iss"] == [acme.issuer]
