"""Where a form may lead, and how long one waits."""

import pytest

from deploy.texts import SPEAKERS
from services.authorize.routes.pages import form_sources, page_headers
from services.authorize.routes.words import duration
from shared.texts import Texts


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example/callback?x=y", "https://app.example"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://127.0.0.1:51004/", "http://127.0.0.1:51004"),
        ("http://[::1]:51004/cb", "http:"),  # CSP cannot write this host
        ("com.example.app:/callback", "com.example.app:"),
        ("https://a;script-src *", "https:"),  # cannot be registered; could not widen the policy either
    ],
)
def test_a_uri_is_its_origin_to_the_policy(uri: str, source: str) -> None:
    assert form_sources([uri]) == [source]


def test_each_origin_is_named_once() -> None:
    assert form_sources(["https://a.example/x", "https://a.example", "https://b.example"]) == [
        "https://a.example",
        "https://b.example",
    ]


def test_the_policy_changes_nowhere_else() -> None:
    plain = page_headers("'self'")["Content-Security-Policy"].split("; ")
    wider = page_headers("'self'", "https://a.example")["Content-Security-Policy"].split("; ")
    assert [part for part in wider if part not in plain] == ["form-action 'self' https://a.example"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"), (2, "2 seconds"), (90, "90 seconds"), (91, "2 minutes"), (900, "15 minutes"),
        (5400, "90 minutes"), (5401, "2 hours"), (86_400, "24 hours"),
    ],
)  # fmt: skip
def test_waits_are_rounded_up(seconds: int, words: str) -> None:
    assert duration(Texts(SPEAKERS["authorize"].catalogues).language("en"), seconds) == words
