"""What the edge knows and flows don't: our own origin, the cookies' names, the forms' key, the templates."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from services.authorize.flows.context import Visitor
from services.authorize.flows.sessions import StartedSession
from services.authorize.routes.views import Views
from shared import known_devices
from shared.clock import Entropy
from shared.oauth.types import Tenant
from shared.secret import Secret, b64url

AnyRequest: TypeAlias = Request[Any, Any, Any]
BROWSER_LIFETIME: Final = timedelta(days=30)
_FORM_DOMAIN: Final = b"mtas form v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    public_url: str
    form_secret: Secret
    entropy: Entropy
    views: Views

    @property
    def origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_secure(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def browser_cookie(self) -> str:
        return f"{self._prefix}mtas_browser"

    def session_cookie(self, tenant: Tenant) -> str:
        """One a tenant, so that a browser may be signed in to several (the tenant is checked besides)."""
        return f"{self._prefix}mtas_session_{tenant.slug}"

    def set_browser(self, visitor: Visitor) -> Cookie:
        return self._cookie(self.browser_cookie, visitor.browser, BROWSER_LIFETIME)

    def set_session(self, tenant: Tenant, token: Secret) -> Cookie:
        lifetime = timedelta(seconds=tenant.session_absolute_ttl_s)
        return self._cookie(self.session_cookie(tenant), token.reveal(), lifetime)

    def device_cookie(self, tenant: Tenant) -> str:
        return f"{self._prefix}mtas_device_{tenant.slug}"

    def signed_in(self, tenant: Tenant, session: StartedSession) -> tuple[Cookie, Cookie]:
        """The session, and that its user was here."""
        return self.set_session(tenant, session.token), self.set_device(tenant, session.device)

    def set_device(self, tenant: Tenant, device: Secret) -> Cookie:
        return self._cookie(self.device_cookie(tenant), device.reveal(), known_devices.LIFETIME)

    def drop_session(self, tenant: Tenant) -> Cookie:
        return self._cookie(self.session_cookie(tenant), "", timedelta(0))

    def form_token(self, tenant: Tenant, visitor: Visitor) -> str:
        """Proves that a form was sent to this browser by us, for this tenant: what only the cookie's
        holder and we can compute (OWASP: signed double submit)."""
        message = _FORM_DOMAIN + tenant.tenant_id.bytes + visitor.browser.encode("ascii")
        return b64url(hmac.digest(self.form_secret.reveal().encode("ascii"), message, "sha256"))

    def _cookie(self, name: str, value: str, lifetime: timedelta) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    @property
    def _prefix(self) -> str:
        # The prefix asks for Secure, which plain http on localhost cannot have (RFC 6265bis §4.1.3).
        return "__Host-" if self.is_secure else ""
