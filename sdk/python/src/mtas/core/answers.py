"""Answers that the core gives itself: redirects, JSON, problems (RFC 9457), and one small page."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from mtas.core.encoding import to_json
from mtas.core.errors import TYPE_PREFIX, MtasError

NO_STORE: Final = ("Cache-Control", "no-store")
_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;margin:0;display:grid;"
    "place-items:center;min-height:100vh}main{max-width:30rem;padding:1.5rem}h1{font-size:1.375rem;"
    "line-height:1.3}a{display:inline-block;padding:.5rem 1rem;border:1px solid;border-radius:.5rem;"
    "color:inherit;text-decoration:none;font-weight:600}a:focus-visible{outline:3px solid;outline-offset:2px}"
    "small{opacity:.75}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def with_cookies(self, cookies: Sequence[str]) -> "Answer":
        return Answer(
            self.status, (*self.headers, *(("Set-Cookie", cookie) for cookie in cookies)), self.body
        )


def redirect(location: str) -> Answer:
    """303: whatever it was, what follows is a GET (RFC 9110 §15.4.4)."""
    return Answer(303, (("Location", location), NO_STORE, ("Content-Length", "0")))


def nothing(status: int, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (NO_STORE, *headers))


def json(
    status: int, content: Any, *headers: tuple[str, str], media_type: str = "application/json"
) -> Answer:
    body = to_json(content).encode()
    fixed = (("Content-Type", media_type), ("Content-Length", str(len(body))), NO_STORE)
    return Answer(status, (*fixed, *headers), body)


def problem(error: MtasError, **more: Any) -> Answer:
    """`application/problem+json`, with a type of our own."""
    content = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        **more,
    }
    return json(error.status, content, *_headers(error), media_type="application/problem+json")


def page(error: MtasError, again: str) -> Answer:
    """The same for somebody who looks at it: no script, one way on."""
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(error.title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(error.title)}</h1><p>{escape(error.detail)}</p>"
        f'<p><a href="{escape(again)}">Try again</a></p><p><small>Code: {escape(error.code)}</small></p>'
        "</main></body></html>"
    ).encode()
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        NO_STORE,
        (
            "Content-Security-Policy",
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    )
    return Answer(error.status, (*headers, *_headers(error)), body)


def _headers(error: MtasError) -> list[tuple[str, str]]:
    headers = []
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    if error.code == "token_missing":
        headers.append(("WWW-Authenticate", "Bearer"))  # RFC 6750 §3.1: no error code without a token
    if error.code == "token_invalid":
        headers.append(("WWW-Authenticate", 'Bearer error="invalid_token"'))
    if error.code == "insufficient_scope":
        scope = f', scope="{error.scope}"' if error.scope else ""
        headers.append(("WWW-Authenticate", f'Bearer error="insufficient_scope"{scope}'))
    return headers
