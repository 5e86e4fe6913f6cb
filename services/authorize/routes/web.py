"""The hosted pages, as browsers know them: their cookies, their forms' tokens, their templates."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from litestar.datastructures import Cookie

from services.authorize.flows.context import Visitor
from services.authorize.flows.sessions import StartedSession
from services.authorize.routes.views import Views
from shared import known_devices
from shared.http.browser import Site
from shared.oauth.types import Tenant
from shared.secret import Secret

BROWSER_LIFETIME: Final = timedelta(days=30)
_FORM_DOMAIN: Final = b"mtas form v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Web(Site):
    views: Views

    @property
    def browser_cookie(self) -> str:
        return self.cookie_name("mtas_browser")

    def session_cookie(self, tenant: Tenant) -> str:
        """One a tenant, so that a browser may be signed in to several (the tenant is checked besides)."""
        return self.cookie_name(f"mtas_session_{tenant.slug}")

    def device_cookie(self, tenant: Tenant) -> str:
        return self.cookie_name(f"mtas_device_{tenant.slug}")

    def set_browser(self, visitor: Visitor) -> Cookie:
        return self.cookie(self.browser_cookie, visitor.browser, BROWSER_LIFETIME)

    def set_session(self, tenant: Tenant, token: Secret) -> Cookie:
        lifetime = timedelta(seconds=tenant.session_absolute_ttl_s)
        return self.cookie(self.session_cookie(tenant), token.reveal(), lifetime)

    def signed_in(self, tenant: Tenant, session: StartedSession) -> tuple[Cookie, Cookie]:
        """The session, and that its user was here."""
        return self.set_session(tenant, session.token), self.set_device(tenant, session.device)

    def set_device(self, tenant: Tenant, device: Secret) -> Cookie:
        return self.cookie(self.device_cookie(tenant), device.reveal(), known_devices.LIFETIME)

    def drop_session(self, tenant: Tenant) -> Cookie:
        return self.cookie(self.session_cookie(tenant), "", timedelta(0))

    def form_token(self, tenant: Tenant, visitor: Visitor) -> str:
        """Proves that a form was sent to this browser by us, for this tenant: what only the cookie's
        holder and we can compute."""
        return self.sign(_FORM_DOMAIN + tenant.tenant_id.bytes + visitor.browser.encode("ascii"))
