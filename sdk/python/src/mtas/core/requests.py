"""What a request says of itself: its parts, whether it is a page load, whether our own page sent it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_FETCH_METADATA: Final = ("sec-fetch-mode", "sec-fetch-site", "sec-fetch-dest", "sec-fetch-user")
_HTML: Final = re.compile(r"(?:^|,)\s*text/html\s*(?:[;,]|$)", re.IGNORECASE)
_PREFETCH: Final = re.compile(r"\s*prefetch\s*(?:[;,]|$)", re.IGNORECASE)
CSRF_HEADER: Final = "x-mtas-csrf"
WEBSOCKET: Final = "CONNECT"
"""The method of a handshake, which is what it is in HTTP/2 (RFC 8441 §4): no GET, for it opens a door."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the core needs of a request. `path` is decoded; `target` is path and query as they were sent."""

    method: str
    path: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; several Cookie headers joined by `; `, others by `, `."""

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def is_unsafe(self) -> bool:
        return self.method not in _SAFE


def is_allowed(method: str, headers: Mapping[str, str], app_url: str) -> bool:
    """May a request with the session cookie do this (CSRF)? Fetch Metadata first, then Origin.

    A custom header cannot be sent across origins without CORS, so its presence is enough. CORS does not
    hold for a WebSocket, which any page may open: its Origin, always there, decides (RFC 6455 §10.2).
    """
    if method in _SAFE or CSRF_HEADER in headers:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None and method != WEBSOCKET:
        return site == "same-origin"
    return headers.get("origin") == app_url


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Does a browser load a page with it? Then the answer is a page or a redirect, else JSON."""
    mode = headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    if any(name in headers for name in _FETCH_METADATA):
        return False
    return _HTML.search(headers.get("accept", "")) is not None


def goes_to_login(method: str, headers: Mapping[str, str]) -> bool:
    """Unauthenticated: can it be sent to the login and come back? Only a GET can be repeated."""
    return method == "GET" and is_navigation(headers)


def is_prefetch(headers: Mapping[str, str]) -> bool:
    """Does the browser only look ahead? Then no login begins."""
    return any(_PREFETCH.match(headers.get(name, "")) for name in ("sec-purpose", "purpose"))
