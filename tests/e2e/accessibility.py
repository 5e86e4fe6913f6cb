"""What axe-core finds wrong with a page: WCAG 2.2 A and AA, and good practice, as far as a program can."""

from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_SCRIPT: Final = Axe().axe_script
_RUN: Final = "options => axe.run({resultTypes: ['violations'], ...options}).then(found => found.violations)"


def violations(page: Page, **options: Any) -> list[dict[str, Any]]:
    """By axe's own `options`. A document is given the script once, which takes longer than a look."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(_RUN, options)
    return found
