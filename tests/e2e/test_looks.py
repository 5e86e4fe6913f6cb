"""Every component on phone and desktop, light and dark, without a fault; and how some of them behave.

Pages stand in a table of their own (test_pages_in_a_browser.py).
"""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from docs.components.__main__ import draw
from tests.e2e.accessibility import violations
from tests.e2e.test_main_job import signed_in
from tests.support.home import Home
from tests.support.product import DEVELOPER, Product

__all__ = ["signed_in"]

SCREENS = [
    pytest.param({"width": 390, "height": 844}, "light", id="phone, light"),
    pytest.param({"width": 1280, "height": 800}, "dark", id="desktop, dark"),
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[str]:
    """What axe says of the page, and whether it is too wide; empty for a good one."""
    found = violations(page, runOnly=RULES)
    said = [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return said + ([f"{wider} px too wide"] if wider > 0 else [])


@pytest.mark.not_deployed("the page of all components is drawn from this checkout")
@pytest.mark.parametrize(("viewport", "scheme"), SCREENS)
def test_the_page_of_all_components(page: Page, tmp_path: Any, viewport: Any, scheme: Any) -> None:
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(draw(tmp_path).as_uri())
    assert faults(page) == []
    page.get_by_role("button", name="Sign out everywhere…").click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert faults(page) == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_a_password_can_be_looked_at_and_is_sent_as_one(page: Page, acme: Home, product: Product) -> None:
    page.goto(f"{product.origin}/t/{acme.slug}/login")
    typed = page.get_by_label("Password", exact=True)
    typed.fill("paper lanterns")
    button = page.get_by_role("button", name="Show what is typed")
    button.click()
    expect(typed).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.evaluate(
        "addEventListener('submit', event => {"
        " event.preventDefault(); document.title = document.getElementById('password').type })"
    )
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("password")


def test_on_a_phone_the_open_section_is_in_sight(signed_in: Page, acme: Home, product: Product) -> None:
    signed_in.set_viewport_size({"width": 390, "height": 844})
    signed_in.goto(f"{product.origin}/dashboard/apps/{acme.slug}/settings")
    expect(signed_in.get_by_role("link", name="Settings")).to_be_in_viewport(ratio=1)


def test_the_first_steps_need_no_script(chromium: Browser, product: Product) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(product.origin + "/dashboard/sign-in")
    page.get_by_label("Email").fill(DEVELOPER[0])
    page.get_by_label("Password", exact=True).fill(DEVELOPER[1])
    page.get_by_role("button", name="Sign in").click()
    page.goto(product.origin + "/dashboard/register-app")
    page.get_by_label("Name", exact=True).fill("Without script")
    page.get_by_label("App ID").fill("no-script-" + str(id(page)))
    page.get_by_role("radio", name=re.compile("Flask")).check()
    page.get_by_role("button", name="Register app").click()
    assert "MTAS_APP_SECRET=mtas_cs_" in page.locator("#env").inner_text()
    assert page.get_by_role("button", name="Copy").count() == 0, "what cannot work is not shown"
    page.get_by_role("link", name=re.compile("wait for the first sign-in")).click()
    page.get_by_role("link", name="Look again").click()
    assert page.get_by_role("heading", name="Waiting for the first sign-in").is_visible()
    context.close()
