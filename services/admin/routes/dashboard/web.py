"""What the edge knows and flows don't: our own origin, the cookies' names, the forms' key."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from shared.clock import Entropy
from shared.secret import Secret, b64url

AnyRequest: TypeAlias = Request[Any, Any, Any]
AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
_FORM_DOMAIN: Final = b"mtas dashboard form v1 "


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    public_url: str
    form_secret: Secret
    entropy: Entropy

    @property
    def origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def session_cookie(self) -> str:
        return f"{self._prefix}mtas_dashboard"

    @property
    def browser_cookie(self) -> str:
        """Ties the forms of somebody not signed in to their browser."""
        return f"{self._prefix}mtas_dashboard_browser"

    @property
    def device_cookie(self) -> str:
        """Says that a developer has signed in from here before (`shared.known_devices`)."""
        return f"{self._prefix}mtas_dashboard_device"

    def new_browser(self) -> str:
        return b64url(self.entropy(32))

    def form_token(self, holder: str) -> str:
        """Proves that we sent the form to whoever holds this cookie's value (OWASP: HMAC-based token)."""
        key = self.form_secret.reveal().encode("ascii")
        return b64url(hmac.digest(key, _FORM_DOMAIN + holder.encode("ascii"), "sha256"))

    def cookie(self, name: str, value: str, lifetime: timedelta) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    @property
    def _is_secure(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def _prefix(self) -> str:
        # The prefix asks for Secure, which plain http on localhost cannot have (RFC 6265bis §4.1.3).
        return "__Host-" if self._is_secure else ""
