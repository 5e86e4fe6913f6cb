"""The dashboard, as browsers know it: its cookies' names, and its forms' tokens."""

from typing import Any, Final, TypeAlias

from litestar.connection import ASGIConnection

from shared.http.browser import Site

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
_FORM_DOMAIN: Final = b"mtas dashboard form v1 "


class Web(Site):
    __slots__ = ()

    @property
    def session_cookie(self) -> str:
        return self.cookie_name("mtas_dashboard")

    @property
    def browser_cookie(self) -> str:
        """Ties the forms of somebody not signed in to their browser."""
        return self.cookie_name("mtas_dashboard_browser")

    @property
    def device_cookie(self) -> str:
        """Says that a developer has signed in from here before (`shared.known_devices`)."""
        return self.cookie_name("mtas_dashboard_device")

    def form_token(self, holder: str) -> str:
        """Proves that we sent the form to whoever holds this cookie's value."""
        return self.sign(_FORM_DOMAIN + holder.encode("ascii"))
