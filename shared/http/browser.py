"""What a service with pages shares with a browser: its origin, cookies, and forms that only its pages send.

A form has two defences, either of which is enough: what the browser says of where it comes from (Fetch
Metadata, Origin), and a token that only a page of ours could carry (OWASP: HMAC-based token). Cookies are
SameSite=Lax besides.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from shared.clock import Entropy
from shared.secret import Secret, b64url

AnyRequest: TypeAlias = Request[Any, Any, Any]
FORM_TYPE: Final = "application/x-www-form-urlencoded"
TOKEN_FIELD: Final = "form_token"
DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{22,200}")
"""As `shared.known_devices` makes them."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where our pages are, as browsers know it. `form_secret` is the key of their forms' tokens."""

    public_url: str
    form_secret: Secret
    entropy: Entropy

    @property
    def origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_secure(self) -> bool:
        return self.public_url.startswith("https:")

    def new_browser(self) -> str:
        """A cookie's value, which ties forms to a browser that nobody is signed in with."""
        return b64url(self.entropy(32))

    def cookie_name(self, name: str) -> str:
        """`__Host-` asks for Secure, which plain http on localhost cannot have (RFC 6265bis §4.1.3)."""
        return f"__Host-{name}" if self.is_secure else name

    def cookie(self, name: str, value: str, lifetime: timedelta) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def sign(self, message: bytes) -> str:
        """What only we can compute. Each use begins its messages with words of its own."""
        return b64url(hmac.digest(self.form_secret.reveal().encode("ascii"), message, "sha256"))

    def may_have_sent(self, request: AnyRequest) -> bool:
        """Does neither header speak against our own pages? What they leave open is left to the token.

        `Origin: null` says nothing: our own pages send it too, since they tell nobody their address
        (Referrer-Policy: no-referrer; Fetch standard, "append a request Origin header").
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        return site in (None, "same-origin", "none") and origin in (None, "null", self.origin)


class Cookies:
    """A request's. Anything not of our own form, or two of a name, is none.

    Not Litestar's parser, whose cache would keep what it has parsed, sessions included, in memory.
    """

    def __init__(self, request: AnyRequest) -> None:
        self._pairs: Final = [
            part.strip().partition("=")
            for header in request.headers.getall("cookie", [])
            for part in header.split(";")
        ]

    def get(self, name: str, form: re.Pattern[str] = _TOKEN) -> str | None:
        values = [value for key, _, value in self._pairs if key == name]
        return values[0] if len(values) == 1 and form.fullmatch(values[0]) else None


def is_form(request: AnyRequest) -> bool:
    """Is the body what an HTML form sends, without a file?"""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE


def is_token(given: str, expected: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(given.encode("utf-8"), expected.encode("ascii"))
