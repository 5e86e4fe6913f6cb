"""From a registered app to its first sign-in, in a real browser: the page that waits, and mends."""

import re

from playwright.sync_api import Page, expect

from tests.e2e import first_user
from tests.e2e.conftest import Callback
from tests.e2e.test_main_job import signed_in
from tests.support.product import App, Product
from tests.support.seed import some_slug

__all__ = ["signed_in"]


def test_a_first_user_by_script(product: Product) -> None:
    """What `make first-user` takes the time of."""
    assert first_user.walk(product)["iss"].startswith(f"{product.origin}/t/first-")


def test_the_page_names_what_is_wrong_mends_it_and_turns_green(
    signed_in: Page, product: Product, callback: Callback
) -> None:
    page, app_id = signed_in, some_slug("shop")
    page.goto(product.origin + "/dashboard/register-app")
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_label("App ID").fill("admin")
    expect(page.get_by_text("This word is reserved")).to_be_visible()
    page.get_by_label("App ID").fill(app_id)
    expect(page.get_by_text("This app ID is free.")).to_be_visible()
    page.get_by_role("radio", name=re.compile("Express")).check()
    expect(page.get_by_label("Callback URLs")).to_have_value("http://localhost:3000/auth/callback")
    page.get_by_role("button", name="Register app").click()
    env = dict(re.findall(r"^(MTAS_\w+)=(\S+)$", page.locator("#env").inner_text(), re.MULTILINE))
    app = App(
        product.origin, app_id, env["MTAS_ISSUER"], app_id, env["MTAS_APP_SECRET"], redirect_uri=callback.url
    )

    page.get_by_role("link", name=re.compile("wait for the first sign-in")).click()
    expect(page.get_by_role("heading", name="Waiting for the first sign-in")).to_be_visible()
    email, _ = product.create_user(app)
    with product.browser() as browser:
        browser.get(app.authorize_url("x" * 43))
        expect(page.get_by_text(callback.url)).to_be_visible()
        page.get_by_role("button", name="Add it").click()
        expect(page.get_by_role("status").first).to_contain_text("callback URL is added")
        answer, verifier = product.sign_in(browser, app, email)
        assert product.redeem(app, answer["code"], verifier).status_code == 200
    expect(page.get_by_role("heading", name="It works: a user has signed in")).to_be_visible()
