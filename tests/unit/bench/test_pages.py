import re

from services.admin.routes.dashboard.router import TOPICS
from tests.bench.pages import NOT_MEASURED, Size, Timing, markdown, pages

VALUES = {"app_id": "acme", "client_id": "acme", "user_id": "u", "developer_id": "d"}


def test_every_page_is_measured_at_an_address_without_braces() -> None:
    measured = dict(pages(VALUES))
    assert not [address for address in measured.values() if re.search(r"[{}]", address)]
    routes = {
        path
        for topic in TOPICS
        for handler in topic.ROUTES
        if "GET" in handler.http_methods
        for path in handler.paths
    }
    written = {re.sub(r":\w+", "", f"/dashboard{path}").rstrip("/") for path in routes - set(NOT_MEASURED)}
    assert written <= measured.keys()


def test_the_document_names_the_slowest() -> None:
    timings = [Timing("/a", 9.0, 1.0, 2.0, 3.0), Timing("/b", 8.0, 1.0, 4.0, 3.0)]
    written = markdown(timings, Size(), 50)
    assert "slowest: `/b`, with a p99 of 4.0 ms" in written
    assert "when cold: `/a`, with 9.0 ms" in written
    assert "| `/a` | 1.0 | 2.0 | 9.0 | 3.0 |" in written
