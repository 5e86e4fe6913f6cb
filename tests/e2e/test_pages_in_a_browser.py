"""Every page and its errors in Chromium: phone and desktop, light and dark, with and without JavaScript.

What a page must be is asked of each alike: no violation that axe-core finds (WCAG 2.2 AA), none of its own
Content-Security-Policy, nothing that fails to load, no scrolling sideways. With MTAS_SCREENSHOTS set to a
folder, a picture of each in its four forms is left there (`make screenshots`).
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ViewportSize
from playwright.sync_api import Page as Tab

from services.admin.routes.dashboard.router import PREFIX, TOPICS
from services.authorize.app import _ROUTES
from tests.e2e.accessibility import violations
from tests.e2e.gallery import PAGES, Shown, send
from tests.e2e.stage import Stage, Who, set_stage
from tests.support.product import Product

PHONE: Final = ViewportSize(width=390, height=844)
DESKTOP: Final = ViewportSize(width=1280, height=800)
SCREENSHOTS: Final = os.environ.get("MTAS_SCREENSHOTS")
NO_PAGE: Final = (
    "/dashboard/app-id",  # an answer to a script
    "/dashboard/apps/{app_id:str}/audit-log/export",  # a file
    "/t/{slug:str}/authorize",  # leads on; its refusals are in the table
)
TEMPLATES: Final = [
    file for service in ("admin", "authorize") for file in Path(f"services/{service}/pages").glob("*.html")
]
HEADING: Final = re.compile(r'<h1>(?:\{\{ _\(")?([A-Z][^{<"]+)|parts\.head\("([^"]+)"')
NEVER_SEEN: Final = {"Welcome to MTAS"}  # by somebody who has an account and apps
_EMPTY: Final = """
    const typed = ["text", "email", "password", "url", "number", "textarea"];
    for (const field of document.querySelectorAll("main form[method=post] :is(input, textarea)"))
        if (typed.includes(field.type) && field.checkVisibility()) field.value = "";
"""
_TWO_FRAMES: Final = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""What a change of all colours takes, without motion."""
TITLED: Final = dict[str, set[str]]()
"""The routes that have a title."""
SEEN: Final = set[str]()
"""The headings of the pages that were looked at."""


@pytest.fixture(scope="module")
def stage(product: Product) -> Iterator[Stage]:
    with product.developer() as developer:
        yield set_stage(product, developer)


class Complaints:
    """What a tab says against its page, and all that comes with it."""

    def __init__(self, context: BrowserContext) -> None:
        self.heard: list[str] = []
        context.on("weberror", lambda error: self.heard.append(str(error.error)))
        context.on("console", lambda message: self._console(message.type, message.text))
        context.on("response", lambda response: self._response(response.status, response.url))
        self.status = 0

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.heard.append(text)

    def _response(self, status: int, url: str) -> None:
        if "/assets/" in url or url.endswith((".js", ".css", ".ico")):
            if status >= 400:
                self.heard.append(f"{status} {url}")
        elif status not in (302, 303):
            self.status = status


@pytest.fixture(scope="module")
def contexts(chromium: Chromium, stage: Stage) -> Iterator["Contexts"]:
    contexts = Contexts(chromium, stage)
    yield contexts
    contexts.close()


class Contexts:
    """A profile for each person, with and without JavaScript, used for all their pages."""

    def __init__(self, chromium: Chromium, stage: Stage) -> None:
        self._chromium: Final = chromium
        self._stage: Final = stage
        self._open: dict[tuple[Who, bool], tuple[Tab, Complaints]] = {}

    def tab(self, who: Who, *, script: bool = True) -> tuple[Tab, Complaints]:
        if (who, script) not in self._open:
            context = self._chromium.new_context(
                viewport=PHONE, color_scheme="light", reduced_motion="reduce", java_script_enabled=script
            )
            cookies: Any = self._stage.cookies[who]
            context.add_cookies(cookies)
            self._open[who, script] = context.new_page(), Complaints(context)
        tab, complaints = self._open[who, script]
        complaints.heard.clear()
        return tab, complaints

    def close(self) -> None:
        for tab, _ in self._open.values():
            tab.context.close()


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_is_as_it_should_be(shown: Shown, stage: Stage, contexts: Contexts) -> None:
    tab, complaints = contexts.tab(shown.who)
    tab.goto(shown.url(stage))
    if shown.does is not None:
        shown.does(tab, stage)
    assert complaints.status == shown.status, tab.content()[-1500:]
    inspect(tab, shown.name)
    if shown.does is None and shown.status == 200:
        TITLED.setdefault(tab.title(), set()).add(shown.route)
    if shown.form:
        empty(tab)
        send(tab)
        assert complaints.status in (403, 422), "an empty form is refused"
        assert tab.title().startswith(("Error:", "Fehler:"))
        assert tab.evaluate("document.activeElement.getAttribute('role')") == "alert", "the summary has focus"
        inspect(tab, f"{shown.name}, error")
    assert complaints.heard == []


@pytest.mark.parametrize("shown", [each for each in PAGES if each.form], ids=lambda shown: shown.name)
def test_a_form_works_without_javascript(shown: Shown, stage: Stage, contexts: Contexts) -> None:
    tab, complaints = contexts.tab(shown.who, script=False)
    tab.goto(shown.url(stage))
    empty(tab)
    send(tab)
    assert complaints.status in (403, 422)
    assert tab.title().startswith(("Error:", "Fehler:"))
    assert tab.locator("main form[method=post]").first.is_visible(), "and can be sent again"
    assert complaints.heard == []


def empty(tab: Tab) -> None:
    """Take out what the page has filled in, so that it is refused."""
    tab.evaluate(_EMPTY)


def inspect(tab: Tab, name: str) -> None:
    """Light and dark, phone and desktop, of the page that is there."""
    SEEN.update(tab.locator("h1").all_inner_texts())
    found = settled(tab)
    picture(tab, f"{name} phone light")
    tab.emulate_media(color_scheme="dark")
    tab.evaluate(_TWO_FRAMES)
    found += settled(tab, runOnly=["color-contrast"])  # what changes with the theme
    picture(tab, f"{name} phone dark")
    assert_narrow(tab)
    tab.set_viewport_size(DESKTOP)
    assert_narrow(tab)
    picture(tab, f"{name} desktop dark")
    tab.emulate_media(color_scheme="light")
    picture(tab, f"{name} desktop light")
    tab.set_viewport_size(PHONE)
    assert found == [], [
        (each["id"], [(node["target"], node.get("failureSummary")) for node in each["nodes"]])
        for each in found
    ]


def settled(tab: Tab, **options: Any) -> list[Any]:
    """What is still wrong when every colour has changed, to the theme or with the pointer."""
    deadline = time.monotonic() + 5
    while True:
        found = violations(tab, **options)
        if not found or time.monotonic() > deadline:
            return found
        tab.wait_for_timeout(50)


def assert_narrow(tab: Tab) -> None:
    wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"scrolls sideways by {wide} px"


def picture(tab: Tab, name: str) -> None:
    if SCREENSHOTS:
        file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".png"
        tab.wait_for_timeout(60)  # colours change with the theme within some frames
        tab.screenshot(path=str(Path(SCREENSHOTS) / file), full_page=True)


def test_no_page_is_missing_from_the_table() -> None:
    handlers = [handler for topic in TOPICS for handler in topic.ROUTES]
    there = {
        (PREFIX + path).rstrip("/")
        for handler in handlers
        if "GET" in handler.http_methods
        for path in handler.paths
    } | {path for handler in _ROUTES if "GET" in handler.http_methods for path in handler.paths}
    shown = {each.route for each in PAGES}
    assert there - shown - set(NO_PAGE) == set()


def test_no_heading_is_missing_from_the_table() -> None:
    """Answers to forms too, which no GET leads to: of each template, the headings that stand in it."""
    if len(SEEN) < len(PAGES) / 2:
        pytest.skip("only some of the pages were looked at")
    written = {one or other for file in TEMPLATES for one, other in HEADING.findall(file.read_text())}
    missing = {text for text in written if not any(seen.startswith(text.strip()) for seen in SEEN)}
    assert missing - NEVER_SEEN == set()


def test_no_two_pages_have_the_same_title() -> None:
    """So that tabs and the history can be told apart (WCAG 2.2 §2.4.2); `/dashboard/apps` leads to home."""
    same = {title: routes - {"/dashboard/apps"} for title, routes in TITLED.items()}
    assert {title: routes for title, routes in same.items() if len(routes) > 1} == {}
